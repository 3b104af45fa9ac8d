"""A stage for many: ``odobot run`` as a process, people without conversations, and what Telegram has seen."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path

from cryptography.fernet import Fernet
from sqlmodel import col, insert, select

from sandbox.mail.mailbox import Mailbox
from sandbox.portal.server import PortalServer
from sandbox.stage import BotProcess
from sandbox.telegram.persons import Person
from sandbox.telegram.request_log import LoggedRequest
from sandbox.telegram.server import TelegramServer
from services.clock import utc_now
from services.notices.delivery import SENDING_LEASE
from storage.database import Database
from storage.notices import feed, outbox, outbox_report
from storage.notices.outbox import WAITING
from storage.tables import Chat, Delivery, Kind, Link, State
from storage.vault import Vault

TOKEN = "123456789:AAsandboxsandboxsandboxsandboxsandb"
START_SECONDS = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time that a process took, user and system, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class Mortal(BotProcess):
    """``odobot run`` that may be killed, and the processor time that all its lives took."""

    def __init__(self, folder: Path, settings: dict[str, str], *arguments: str) -> None:
        super().__init__(folder, settings, *arguments)
        self._spent = 0.0

    async def begin(self) -> None:
        """Starts it, and waits until it says so."""
        before = self._starts()
        await self.start()
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while self._starts() == before:
            assert self._process.returncode is None, self.said()
            assert time.monotonic() < deadline, self.said()
            await asyncio.sleep(0.02)

    def _starts(self) -> int:
        return self.log.read_text(errors="replace").count("odobot.started") if self.log.exists() else 0

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:]

    @property
    def cpu(self) -> float:
        """Seconds of processor time, over all lives."""
        return self._spent + self._now()

    def _now(self) -> float:
        if self._process is None or self._process.returncode is not None:
            return 0.0
        return cpu_seconds(self._process.pid)

    async def kill(self) -> None:
        """``kill -9``."""
        assert self._process is not None
        self._spent += self._now()
        self._process.kill()
        await self._process.wait()


class LoadStage:
    """Telegram, portal, mailbox, a database to look into, and the bot."""

    def __init__(
        self, telegram: TelegramServer, portal: PortalServer, database: Database, bots: Sequence[Mortal] = ()
    ) -> None:
        self.telegram = telegram
        self.portal = portal
        self.database = database
        self.bots = bots

    async def people(self, accounts: Sequence[tuple[str, str]]) -> list[Person]:
        """For each contact and account somebody who is linked, wishes for new invoices, and has an open chat."""
        world, now, vault = self.telegram.world, utc_now(), self.database.vault
        people = [world.create_person(first_name=f"P{number}") for number in range(len(accounts))]
        for person in people:
            world.bot().chat_with(person)
        email, name = vault.seal("client@example.test"), vault.seal("Client")
        chats = [Chat(chat_id=person.user_id, language="fr", created_at=now).model_dump() for person in people]
        links = [
            Link(
                chat_id=person.user_id, contact_id=contact, account_id=account, account_name_sealed=name,
                access="invoices orders", email_sealed=email, email_hash="0", wishes=Kind.INVOICE_ISSUED,
                linked_at=now, chosen_at=now,
            ).model_dump(exclude={"link_id"})
            for person, (contact, account) in zip(people, accounts, strict=True)
        ]  # fmt: skip
        async with self.database.write() as session:
            await session.exec(insert(Chat), params=chats)
            await session.exec(insert(Link), params=links)
        return people

    async def reads_the_feed(self) -> None:
        """Starts the bots, and waits until they know where "now" is: what came before is told to nobody."""
        await asyncio.gather(*(bot.begin() for bot in self.bots))
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            async with self.database.read() as session:
                if await feed.position(session) is not None:
                    return
            await asyncio.sleep(0.05)
        raise TimeoutError("the feed was not read")

    async def counts(self) -> dict[State, int]:
        """Deliveries by state."""
        async with self.database.read() as session:
            return await outbox_report.count_all(session)

    async def in_state(self, state: State) -> set[int]:
        """The recipients of the deliveries in a state."""
        async with self.database.read() as session:
            return set((await session.exec(select(Delivery.recipient).where(col(Delivery.state) == state))).all())

    async def states(self) -> dict[int, State]:
        """How each recipient's delivery stands, where each has one."""
        async with self.database.read() as session:
            rows = (await session.exec(select(Delivery.recipient, Delivery.state))).all()
        return {recipient: State(state) for recipient, state in rows}

    async def settled(self, total: int, timeout: float) -> dict[State, int]:
        """Waits until so many deliveries stand at their end. What the dead were sending takes five minutes to be given
        up by itself: when nothing else is left, those minutes pass at once."""
        deadline = time.monotonic() + timeout
        while True:
            counts = await self.counts()
            if sum(counts.values()) == total and not any(counts.get(state) for state in (*WAITING, State.LEASED)):
                if not counts.get(State.SENDING):
                    return counts
                await self._bury()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{counts} after {timeout} s\n{[bot.said() for bot in self.bots]}")
            await asyncio.sleep(0.2)

    async def _bury(self) -> None:
        """Whoever has been sending for half a minute is dead."""
        now = utc_now()
        async with self.database.write() as session:
            sending = select(Delivery.lease_until).where(col(Delivery.state) == State.SENDING)
            if all(until and until < now + SENDING_LEASE * 0.9 for until in (await session.exec(sending)).all()):
                await outbox.reclaim(session, now + SENDING_LEASE)

    async def sent(self, count: int, timeout: float = 60.0) -> None:
        """Waits until the bot has called Telegram so often, in all."""
        log = self.telegram.world.log
        found = await log.changed.until(lambda: log.count >= count or None, timeout)
        assert found, f"{log.count} of {count} calls"

    @property
    def messages(self) -> list[LoggedRequest]:
        """Every sendMessage, in order."""
        return sorted(self.telegram.world.log.find(method="sendMessage"), key=lambda call: call.at)

    def told(self) -> Counter[int]:
        """How many messages each chat shows."""
        chats = self.telegram.world.bot().private
        return Counter({chat_id: sum(each.from_bot for each in chat.visible) for chat_id, chat in chats.items()})


@asynccontextmanager
async def load_stage(folder: Path, url: str, *, workers: int = 0, **settings: str) -> AsyncIterator[LoadStage]:
    """Everything but the bot is up; the database is up to date. ``begin`` the bots when the people are there: one that
    does everything, or so many workers on PostgreSQL."""
    key = Fernet.generate_key().decode()
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(TelegramServer())
        portal = await stack.enter_async_context(PortalServer("portal-token"))
        mailbox = await stack.enter_async_context(Mailbox())
        telegram.world.create_bot(TOKEN, username="odobot", first_name="Odobot")
        database = Database(url, Vault([key]))
        stack.push_async_callback(database.close)
        given = {
            "telegram_token": TOKEN,
            "telegram_api_url": telegram.url,
            "portal_url": portal.url,
            "portal_token": portal.token,
            "portal_poll_seconds": "0.5",
            "listen": "127.0.0.1:0",
            "admin_listen": "127.0.0.1:0",
            "database_url": url,
            "smtp_url": mailbox.url,
            "mail_from": "odobot@odotrack.test",
            "secret_keys": key,
        } | settings
        environment = {f"ODOBOT_{name.upper()}": value for name, value in given.items()}
        arguments = ("--role", "worker") if workers else ()
        bots = []
        for number in range(max(1, workers)):
            (folder / f"bot-{number}").mkdir()
            bots.append(Mortal(folder / f"bot-{number}", environment, *arguments))
            stack.push_async_callback(bots[-1].stop)
        yield LoadStage(telegram, portal, database, bots)


def most_in_a_second(times: Sequence[datetime]) -> int:
    """The most calls in any window of one second."""
    seconds = sorted(time.timestamp() for time in times)
    most = first = 0
    for last, at in enumerate(seconds):
        while seconds[first] <= at - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most
