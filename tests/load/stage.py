"""``odobot run`` as a process, people without conversations, and the calls that Telegram received."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from cryptography.fernet import Fernet
from sqlmodel import col, insert, select

from sandbox.mail.mailbox import Mailbox
from sandbox.portal.seed.generator import generated_email
from sandbox.portal.server import PortalServer
from sandbox.stage import BotProcess
from sandbox.telegram.persons import Person
from sandbox.telegram.request_log import LoggedRequest
from sandbox.telegram.server import TelegramServer
from services.clock import utc_now
from services.notices.delivery.claims import SENDING_LEASE
from services.privacy.policy import TEXT_DATE
from storage.database import Database
from storage.notices import feed, outbox, outbox_report
from storage.notices.outbox import WAITING
from storage.privacy import policy_versions
from storage.tables import Chat, Delivery, Kind, Link, State
from storage.vault import Vault
from tests.pace import largest_burst, most_in_a_second, watched_loop

TOKEN = "123456789:AAsandboxsandboxsandboxsandboxsandb"
START_SECONDS = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and its threads in seconds, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


class KillableBot(BotProcess):
    """``odobot run`` that may be killed and started again, and its processor time over all runs."""

    def __init__(self, folder: Path, settings: dict[str, str], *arguments: str) -> None:
        super().__init__(folder, settings, *arguments)
        self._spent = 0.0

    async def begin(self) -> None:
        """Start the process, and wait for its log event ``odobot.started``."""
        before = self._starts()
        await self.start()
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while self._starts() == before:
            assert self._process.returncode is None, self.log_end()
            assert time.monotonic() < deadline, self.log_end()
            await asyncio.sleep(0.02)

    def _starts(self) -> int:
        return self.log.read_text(errors="replace").count("odobot.started") if self.log.exists() else 0

    def log_end(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-3000:]

    @property
    def cpu(self) -> float:
        """Seconds of processor time, over all runs."""
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


def email_of(contact_id: str) -> str:
    """Return the address of a contact: a link through another one ends at its first notice."""
    return generated_email(int(contact_id[-6:])) if contact_id.startswith("gen-") else "client@example.test"


class LoadStage:
    """Telegram, portal, mailbox, the database and the bots."""

    def __init__(
        self, telegram: TelegramServer, portal: PortalServer, database: Database, bots: Sequence[KillableBot] = ()
    ) -> None:
        self.telegram = telegram
        self.portal = portal
        self.database = database
        self.bots = bots

    async def people(self, accounts: Sequence[tuple[str, str]]) -> list[Person]:
        """Create, for each contact and account, a linked person who subscribes to new invoices."""
        world, now, vault = self.telegram.world, utc_now(), self.database.vault
        people = [world.create_person(first_name=f"P{number}") for number in range(len(accounts))]
        for person in people:
            world.bot().chat_with(person)
        name = vault.seal("Client")
        chats = [Chat(chat_id=person.user_id, language="fr", created_at=now).model_dump() for person in people]
        links = [
            Link(
                chat_id=person.user_id, contact_id=contact, account_id=account, account_name_sealed=name,
                access="invoices orders", email_sealed=vault.seal(email_of(contact)), email_hash="0",
                wishes=Kind.INVOICE_ISSUED, linked_at=now, chosen_at=now,
            ).model_dump(exclude={"link_id"})
            for person, (contact, account) in zip(people, accounts, strict=True)
        ]  # fmt: skip
        async with self.database.write() as session:
            await policy_versions.record_version(session, TEXT_DATE, now)  # else everybody would be told of it
            await session.exec(insert(Chat), params=chats)
            await session.exec(insert(Link), params=links)
        return people

    async def start_and_wait_for_cursor(self) -> None:
        """Start the bots, and wait until they stored a cursor: earlier events give no notices."""
        await asyncio.gather(*(bot.begin() for bot in self.bots))
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            async with self.database.read() as session:
                if await feed.position(session) is not None:
                    return
            await asyncio.sleep(0.05)
        raise TimeoutError("the feed was not read")

    async def counts(self) -> dict[State, int]:
        """Return the number of deliveries by state."""
        async with self.database.read() as session:
            return await outbox_report.count_all(session)

    async def in_state(self, state: State) -> set[int]:
        """Return the recipients of the deliveries in a state."""
        async with self.database.read() as session:
            return set((await session.exec(select(Delivery.recipient).where(col(Delivery.state) == state))).all())

    async def states(self) -> dict[int, State]:
        """Return the state of each recipient's delivery, where each has one."""
        async with self.database.read() as session:
            rows = (await session.exec(select(Delivery.recipient, Delivery.state))).all()
        return {recipient: State(state) for recipient, state in rows}

    async def settled(self, total: int, timeout: float) -> dict[State, int]:
        """Wait until ``total`` deliveries have a final state. Returns the counts by state.

        The sending lease of a killed worker is 5 minutes; it is ended at once when no other delivery is left.
        """
        deadline = time.monotonic() + timeout
        while True:
            counts = await self.counts()
            if sum(counts.values()) == total and not any(counts.get(state) for state in (*WAITING, State.LEASED)):
                if not counts.get(State.SENDING):
                    return counts
                await self._reclaim_killed()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{counts} after {timeout} s\n{[bot.log_end() for bot in self.bots]}")
            await asyncio.sleep(0.2)

    async def _reclaim_killed(self) -> None:
        """Reclaim the deliveries that have been ``sending`` for half a minute: their workers were killed."""
        now = utc_now()
        async with self.database.write() as session:
            sending = select(Delivery.lease_until).where(col(Delivery.state) == State.SENDING)
            if all(until and until < now + SENDING_LEASE * 0.9 for until in (await session.exec(sending)).all()):
                await outbox.reclaim(session, now + SENDING_LEASE)

    async def sent(self, count: int, timeout: float = 240.0) -> None:
        """Wait until Telegram has received ``count`` calls in all."""
        log = self.telegram.world.log
        found = await log.changed.until(lambda: log.count >= count or None, timeout)
        assert found, f"{log.count} of {count} calls; {await self.counts()}"

    @property
    def messages(self) -> list[LoggedRequest]:
        """Every sendMessage call, in order."""
        return sorted(self.telegram.world.log.find(method="sendMessage"), key=lambda call: call.at)

    def messages_by_chat(self) -> Counter[int]:
        """Return the number of messages of the bot by chat."""
        chats = self.telegram.world.bot().private
        return Counter({chat_id: sum(each.from_bot for each in chat.visible) for chat_id, chat in chats.items()})


@asynccontextmanager
async def load_stage(folder: Path, url: str, *, workers: int = 0, **settings: str) -> AsyncIterator[LoadStage]:
    """Start everything but the bots, which the test starts when it has created the people.

    There is one bot with every role, or ``workers`` bots with the role ``worker``, on PostgreSQL.
    """
    key = Fernet.generate_key().decode()
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(TelegramServer())
        portal = await stack.enter_async_context(PortalServer("portal-token"))
        mailbox = await stack.enter_async_context(Mailbox())
        telegram.world.create_bot(TOKEN, username="odobot", first_name="Odobot")
        database = Database(url, Vault([key]))
        stack.push_async_callback(database.close)
        given = {
            "company": "Odotrack",
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
            "stop_address": "odobot@odotrack.test",
            "secret_keys": key,
        } | settings
        environment = {f"ODOBOT_{name.upper()}": value for name, value in given.items()}
        arguments = ("--role", "worker") if workers else ()
        bots = []
        for number in range(max(1, workers)):
            (folder / f"bot-{number}").mkdir()
            bots.append(KillableBot(folder / f"bot-{number}", environment, *arguments))
            stack.push_async_callback(bots[-1].stop)
        yield LoadStage(telegram, portal, database, bots)


TRAVEL_SECONDS = 0.1
"""What a call may take from the limiter's grant to Telegram: the check of the link, and a request over loopback."""


async def check_rate(stage: LoadStage, rate: float, notices: int, timeout: float) -> str:
    """Issue an invoice of account a-2001 for its recipients, and assert that Telegram receives them at the rate.

    The limiter grants one call every 1/rate seconds. A call that is received late is nearer to the next one, by at most
    ``TRAVEL_SECONDS`` and the longest stall of this process, which is Telegram's. In any T seconds Telegram receives at
    most ``rate * (T + tolerance) + 1`` calls.

    Args:
        rate: calls a second over all workers.
        notices: the number of recipients.
        timeout: seconds until all are sent.

    Returns: a line for the report.
    """
    async with watched_loop() as longest_stall:
        stage.portal.portal.issue_invoice("a-2001", amount="40.19", number="990001")
        await stage.settled(notices, timeout)
    times = [call.at for call in stage.messages]
    tolerance = TRAVEL_SECONDS + longest_stall()
    burst, most = largest_burst(times, rate), most_in_a_second(times)
    report = f"{rate}/s: at most {most} in a second, burst {burst:.1f}, tolerance {tolerance:.2f} s"
    assert len(times) == notices, report
    assert burst <= 1 + rate * tolerance, report
    assert most >= rate * 0.5, report  # the limiter sets the pace, and not the bot
    return report
