"""Simulated people who use every screen of the bot, one act after the other."""

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable

from sandbox.mail.mailbox import Mailbox
from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person

PATIENCE = 30.0


class Visitor:
    """A person in the sandbox's Telegram without notices: the next message is the answer."""

    def __init__(self, person: Person, pause: float) -> None:
        """``pause`` is how many seconds they look at each answer."""
        self._person = person
        self._pause = pause
        self._pdfs: set[str] = set()
        self.acts = 0

    async def say(self, text: str) -> Message:
        """Type, and read the answer."""
        self._person.say(text)
        return await self._read()

    async def tap(self, screen: Message, label: str, *, file: str = "") -> Message:
        """Tap the button whose label contains the text, and read the answer; with ``file``, a document of that name."""
        self._person.tap(label, message=screen)
        return await self._read(file)

    async def link(self, mailbox: Mailbox, email: str) -> None:
        """Link the chat, from /start to the subscription to notices."""
        start = await self.say("/start")
        await self.tap(start, "Lier mon compte")
        await self.say(email)
        letter = (await mailbox.wait_for(email, timeout=PATIENCE))[-1]
        code = re.search(r"^\d{6}$", letter.text, re.MULTILINE)
        assert code is not None
        await self.tap(await self.say(code.group()), "Oui")

    async def browse(self) -> None:
        """Read pages, details, a PDF and the other screens, in both languages."""
        first = await self.say("/factures")
        second = await self.tap(first, "›")
        first = await self.tap(second, "‹")
        number = next(label for label in first.labels if label.isdigit())
        detail = await self.tap(first, number)
        if number not in self._pdfs:
            await self.tap(detail, "PDF", file=number)
            self._pdfs.add(number)
        else:  # a PDF that the chat has comes again through another button
            button = detail.button("PDF")
            self._person.forge_tap(detail, f"{button.callback_data}|1|")
            await self._read(number)
        orders = await self.say("/commandes")
        await self.tap(orders, orders.labels[0])
        await self.tap(await self.say("/langue"), "English")
        await self.say(number)
        for command in ("/account", "/notices", "/settings", "/privacy", "/mydata", "/help"):
            await self.say(command)
        await self.tap(await self.say("/language"), "Français")

    async def look_in(self) -> None:
        """Send the messages of a person who never links."""
        for text in ("/start", "Bonjour", "/factures", "240934", "/aide"):
            await self.say(text)

    async def _read(self, containing: str = "") -> Message:
        message = await self._person.wait_for_message(containing, timeout=PATIENCE)
        self.acts += 1
        await asyncio.sleep(self._pause)
        return message


async def every(seconds: float, act: Callable[[int], Awaitable[object]]) -> None:
    """Start an act every ``seconds``, without waiting for the previous one; ends with the first that fails."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in itertools.count():
            await asyncio.sleep(max(0.0, began + number * seconds - loop.time()))
            group.create_task(_awaited(act(number)))


async def _awaited(act: Awaitable[object]) -> None:
    await act
