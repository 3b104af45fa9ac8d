"""A scene: a Telegram, a portal and a mailbox on loopback, and the real bot between them."""

import base64
import datetime
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any

from cryptography.fernet import Fernet

from bot.components import Components
from bot.process import running
from bot.settings import Settings
from sandbox.mail.mailbox import Mailbox
from sandbox.portal.server import PortalServer
from sandbox.telegram.clock import SandboxClock
from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from sandbox.telegram.server import TelegramServer

TOKEN = "123456789:AAsandboxsandboxsandboxsandboxsandb"
PORTAL_TOKEN = "portal-token"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"a secret of the sandbox").decode()
START = datetime.datetime(2026, 10, 15, 18, 0, tzinfo=datetime.UTC)
CLIENT = "client@example.test"


class Scene:
    """The servers and the bot. Tests create people in it, and may break every part."""

    def __init__(self, database_url: str, *, portal_settings: Mapping[str, str] | None = None, **settings: Any) -> None:
        self.clock = SandboxClock(START)
        self.telegram = TelegramServer(clock=self.clock)
        self.portal = PortalServer(PORTAL_TOKEN, clock=self.clock)
        self.mailbox = Mailbox()
        self.database_url = database_url
        self.keys = Fernet.generate_key().decode()
        self.components: Components
        self._chosen = settings
        self._portal_settings = portal_settings or {}
        self._stack = AsyncExitStack()
        self._running = AsyncExitStack()

    async def __aenter__(self) -> "Scene":
        async with AsyncExitStack() as starting:
            await starting.enter_async_context(self.telegram)
            await starting.enter_async_context(self.portal)
            await starting.enter_async_context(self.mailbox)
            self.telegram.world.create_bot(TOKEN, username="odobot", first_name="Odobot")
            await self.start_bot()
            self._stack = starting.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop_bot()
        await self._stack.aclose()

    @property
    def settings(self) -> Settings:
        """The bot's settings; all URLs are on loopback."""
        values: dict[str, Any] = {
            "company": "Odotrack",
            "telegram_token": TOKEN,
            "telegram_api_url": self.telegram.url,
            "portal_url": self.portal.url,
            "portal_token": PORTAL_TOKEN,
            "database_url": self.database_url,
            "smtp_url": self.mailbox.url,
            "mail_from": "Odotrack <odobot@odotrack.test>",
            "stop_address": "odobot@odotrack.test",
            "secret_keys": self.keys,
            "privacy_contact": "Responsable de la vie privée, vieprivee@odotrack.test",
            "portal_webhook_secret": WEBHOOK_SECRET,
            "mail_rate": 1000,
            "listen": "127.0.0.1:0",
            "admin_listen": "127.0.0.1:0",
        }
        return Settings(_env_file=None, **(values | self._chosen)).with_portal_settings(self._portal_settings)

    @property
    def process_settings(self) -> dict[str, str]:
        """The settings of a bot that runs as a process of its own in this scene; addresses are left to the caller."""
        return {
            "company": "Odotrack",
            "telegram_token": TOKEN,
            "telegram_api_url": self.telegram.url,
            "portal_url": self.portal.url,
            "portal_token": PORTAL_TOKEN,
            "portal_webhook_secret": WEBHOOK_SECRET,
            "portal_poll_seconds": "0.5",
            "database_url": self.database_url,
            "smtp_url": self.mailbox.url,
            "mail_from": "odobot@odotrack.test",
            "stop_address": "odobot@odotrack.test",
            "secret_keys": self.keys,
            "privacy_contact": "Responsable de la vie privée, vieprivee@odotrack.test",
            "log_format": "json",
        }

    async def start_bot(self, **settings_from_now: Any) -> None:
        """Start the bot, also again after a stop, on the same database."""
        self._chosen |= settings_from_now
        bot = await self._running.enter_async_context(running(self.settings, clock=self.clock.now))
        self.components, self.public_url, self.admin_url = bot.components, bot.public_url, bot.admin_url
        self.portal.portal.webhook.configure(f"{self.public_url}/portal/events", WEBHOOK_SECRET)

    async def stop_bot(self) -> None:
        """Stop the bot as SIGTERM does."""
        await self._running.aclose()
        self._running = AsyncExitStack()

    def person(self, language: str | None = "fr", first_name: str = "Camille") -> Person:
        """Create a person in Telegram."""
        return self.telegram.world.create_person(first_name=first_name, language_code=language)

    async def code(self, email: str = CLIENT, count: int = 1) -> str:
        """Return the code of the ``count``-th mail to an address."""
        mails = await self.mailbox.wait_for(email, count=count)
        found = re.search(r"^(\d{6})$", mails[count - 1].text, re.MULTILINE)
        assert found, mails[count - 1].text
        return found.group(1)

    async def linked(
        self, language: str = "fr", email: str = CLIENT, *, first_name: str = "Camille", notices: bool = False
    ) -> Person:
        """Create a person who has linked an address and answered the question about notices."""
        person = self.person(language, first_name)
        before = len(self.mailbox.sent_to(email))
        person.start()
        await person.wait_for_message()
        person.say("/lier")
        await person.wait_for_message()
        person.say(email)
        await person.wait_for_message()
        person.say(await self.code(email, before + 1))
        screen = await person.wait_for_message()
        await self.mailbox.wait_for(email, count=before + 2)
        if "Non" not in screen.labels and "No" not in screen.labels:
            person.tap(row=0, column=0)
            screen = await person.wait_for_message()
        answers = ("Oui", "Non") if language == "fr" else ("Yes", "No")
        person.tap(answers[0] if notices else answers[1])
        await person.wait_for_message()
        return person

    async def asked(self, language: str | None = "fr", email: str = CLIENT, *, first_name: str = "Camille") -> Person:
        """Create a person who has given an address; the bot waits for the code."""
        person = self.person(language, first_name)
        await self.say(person, email)
        return person

    async def invitation(self, contact: str = "c-1001", account: str | None = None, language: str | None = None) -> str:
        """Let the portal request a link to the bot for a contact. Returns: what stands behind ``?start=``."""
        made = await self.portal.portal.webhook.request_link(contact, account, language)
        return str(made["url"]).partition("?start=")[2]

    async def open(self, person: Person, payload: str) -> Message:
        """Open a link to the bot. Returns the screen that follows."""
        person.start(payload)
        return await person.wait_for_message()

    async def settled(self) -> None:
        """Wait until the bot's background work is done, by a stop and a start."""
        await self.stop_bot()
        await self.start_bot()

    def later(self, **span: float) -> None:
        """Move the clock, by the arguments of a timedelta; negative ones set it back."""
        self.clock.advance(datetime.timedelta(**span))

    async def tap(self, person: Person, label: str) -> Message:
        """Tap a button. Returns the screen that follows."""
        person.tap(label)
        return await person.wait_for_message()

    async def say(self, person: Person, text: str) -> Message:
        """Type a text. Returns the screen that follows."""
        person.say(text)
        return await person.wait_for_message()
