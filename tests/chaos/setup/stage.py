"""The sandbox on loopback, linked people, and the program beside them."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import func, insert, select, update

from sandbox.mail.mailbox import Mailbox
from sandbox.portal.seed.generator import generated_account_id, generated_email
from sandbox.portal.server import PortalServer
from sandbox.serving import free_port
from sandbox.telegram.persons import Person
from sandbox.telegram.server import TelegramServer
from sandbox.telegram.settings import Settings
from services.clock import utc_now
from services.privacy.policy import TEXT_DATE
from storage.database import Database
from storage.privacy import policy_versions
from storage.tables import Chat, Copy, Delivery, Feed, Kind, Link
from storage.vault import Vault
from tests.chaos.setup.databases import Engine, open_engine
from tests.chaos.setup.program import Program
from tests.chaos.setup.stepped_clock import SteppedClock
from tests.scene import TOKEN, WEBHOOK_SECRET

ALL_KINDS = (Kind.INVOICE_ISSUED, Kind.INVOICE_PAID, Kind.ORDER_CREATED, Kind.ORDER_ENDING)
SHARED_ACCOUNT = "a-2001"
SHARED_CONTACT = "c-1001"
SHARED_EMAIL = "client@example.test"
REPETITION_SECONDS = 16 * 60.0
"""Repetitions of unclear notices follow after 15 minutes."""
_CALLS_KEPT = 1_000_000


@dataclass(frozen=True, slots=True)
class Customer:
    """A linked chat. ``copy_email``: its bookkeeper's address, or empty."""

    person: Person
    language: str
    account_id: str
    contact_id: str
    kinds: frozenset[str]
    copy_email: str = ""

    @property
    def chat_id(self) -> int:
        """The chat's id."""
        return self.person.user_id


@dataclass(slots=True)
class Stage:
    """The neighbours, the database, the program and the customers."""

    telegram: TelegramServer
    portal: PortalServer
    mailbox: Mailbox
    engine: Engine
    database: Database
    clock: SteppedClock
    program: Program
    customers: list[Customer] = field(default_factory=list)

    async def link(self, count: int, *, shared: int = 0, silent: int = 0, copies: int = 0) -> list[Customer]:
        """Link chats by rows, every other one in English; call it once.

        Args:
            count: How many chats, each with an account of its own.
            shared: How many further chats share one account.
            silent: How many of ``count`` do not subscribe to anything.
            copies: How many of ``count`` have a bookkeeper's copy.
        """
        self._open_accounts(count)
        for number in range(count + shared):
            own = number < count
            language = ("fr", "en")[number % 2]
            person = self.telegram.world.create_person(first_name=f"P{number}", language_code=language)
            self.telegram.world.bot().chat_with(person)
            self.customers.append(
                Customer(
                    person,
                    language,
                    generated_account_id(number) if own else SHARED_ACCOUNT,
                    f"gen-c-{number:06d}" if own else SHARED_CONTACT,
                    frozenset(() if own and number >= count - silent else ALL_KINDS),
                    f"copy{number}@books.test" if number < copies else "",
                )
            )
        await self._insert(self.customers)
        return self.customers

    def _open_accounts(self, count: int) -> None:
        self.portal.portal.generate(count, months=1)
        with self.portal.portal.database.session() as session:
            session.execute(text("UPDATE portal_access SET invoices = 1, orders = 1"))
            session.commit()

    async def _insert(self, customers: Sequence[Customer]) -> None:
        now, vault = utc_now(), self.database.vault
        chats = [Chat(chat_id=each.chat_id, language=each.language, created_at=now).model_dump() for each in customers]
        links, copies = [], []
        for link_id, each in enumerate(customers, 1):
            email = SHARED_EMAIL if each.account_id == SHARED_ACCOUNT else generated_email(int(each.contact_id[-6:]))
            link = Link(
                link_id=link_id, chat_id=each.chat_id, contact_id=each.contact_id, account_id=each.account_id,
                account_name_sealed=vault.seal("Client"), access="invoices orders", email_sealed=vault.seal(email),
                email_hash="0", wishes=" ".join(sorted(each.kinds)), linked_at=now, chosen_at=now,
            )  # fmt: skip
            links.append(link.model_dump())
            if each.copy_email:
                sealed = vault.seal(each.copy_email)
                copy = Copy(
                    copy_id=link_id, link_id=link_id, email_sealed=sealed, language=each.language, confirmed_at=now
                )
                copies.append(copy.model_dump())
        async with self.database.write() as session:
            await policy_versions.record_version(session, TEXT_DATE, now)  # else everybody would be told of it
            await session.exec(insert(Chat), params=chats)
            await session.exec(insert(Link), params=links)
            if copies:
                await session.exec(insert(Copy), params=copies)
            if self.database.engine.dialect.name == "postgresql":  # its sequences do not know of the ids given here
                for table, column in (("links", "link_id"), ("copies", "copy_id")):
                    sequence = func.pg_get_serial_sequence(table, column)
                    await session.exec(select(func.setval(sequence, len(links))))

    async def rows(self, query: Any, attempts: int = 10) -> Sequence[Any]:
        """Return the rows of a query. Connects anew where a restart of the server closed the connections."""
        for attempt in range(1, attempts + 1):
            try:
                async with asyncio.timeout(10), self.database.read() as session:
                    return (await session.exec(query)).all()
            except (SQLAlchemyError, OSError, TimeoutError):
                if attempt == attempts:
                    raise
                await self.database.engine.dispose()
                await asyncio.sleep(1)
        raise AssertionError

    async def hasten_repetitions(self) -> None:
        """Make what the program does later due now: the marked repetitions in the database, and pauses by the clock.

        The clock goes on by 16 minutes, where it can be stepped.
        """
        repeat_at = Delivery.__table__.c.get("repeat_at")  # type: ignore[attr-defined]
        if repeat_at is not None:
            with suppress(SQLAlchemyError, OSError, TimeoutError):  # the next call does it
                async with asyncio.timeout(10), self.database.write() as session:
                    long_ago = utc_now() - timedelta(days=1)
                    await session.exec(update(Delivery).where(repeat_at.is_not(None)).values(repeat_at=long_ago))
        if self.clock.can_step:
            self.clock.step(self.clock.offset + REPETITION_SECONDS)

    async def start_and_read_feed(self, timeout: float = 60.0) -> None:
        """Start the program, and wait until it stored a cursor: earlier events give no notices."""
        await self.program.start()
        await self.program.wait_until_started(0, timeout)
        async with asyncio.timeout(timeout):
            while not await self.rows(select(Feed)):  # noqa: ASYNC110 (another process stores it)
                await asyncio.sleep(0.1)


@asynccontextmanager
async def open_stage(
    folder: Path, engine: str = "sqlite", mode: str = "polling", **settings: str
) -> AsyncIterator[Stage]:
    """Start the neighbours and the database, and stop everything at the end. The program is not started.

    Args:
        engine: ``sqlite`` or ``postgresql``.
        mode: ``polling`` or ``webhook``.
        settings: Settings of the bot, without ``ODOBOT_``, that add to the default ones or replace them.
    """
    public, admin, key = free_port(), free_port(), Fernet.generate_key().decode()
    async with AsyncExitStack() as stack:
        telegram = await stack.enter_async_context(TelegramServer(settings=Settings(log_requests=_CALLS_KEPT)))
        portal = await stack.enter_async_context(PortalServer("portal-token"))
        mailbox = await stack.enter_async_context(Mailbox())
        telegram.world.create_bot(TOKEN, username="odobot", first_name="Odobot")
        telegram.world.settings.webhook_retry_base, telegram.world.settings.webhook_retry_most = 0.2, 2.0
        portal.portal.webhook.configure(f"http://127.0.0.1:{public}/portal/events", WEBHOOK_SECRET)
        database_engine = await stack.enter_async_context(open_engine(engine, folder))
        database = Database(database_engine.url, Vault([key]))
        stack.push_async_callback(database.close)
        given = {
            "company": "Odotrack",
            "telegram_token": TOKEN,
            "telegram_api_url": telegram.url,
            "portal_url": portal.url,
            "portal_token": portal.token,
            "portal_webhook_secret": WEBHOOK_SECRET,
            "portal_poll_seconds": "2",
            "listen": f"127.0.0.1:{public}",
            "admin_listen": f"127.0.0.1:{admin}",
            "database_url": database_engine.url,
            "smtp_url": mailbox.url,
            "mail_from": "odobot@odotrack.test",
            "stop_address": "odobot@odotrack.test",
            "mail_rate": "1000",
            "secret_keys": key,
            "log_format": "json",
        } | ({"webhook_url": f"http://127.0.0.1:{public}"} if mode == "webhook" else {})
        environment = {f"ODOBOT_{name.upper()}": value for name, value in (given | settings).items()}
        clock = SteppedClock(folder)
        program = Program(folder, environment | clock.environment, f"http://127.0.0.1:{admin}")
        stack.push_async_callback(program.stop)
        yield Stage(telegram, portal, mailbox, database_engine, database, clock, program)


def children() -> dict[int, str]:
    """Return the processes that this process started and that still run, by id, with their commands."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == os.getpid() and fields[0] != "Z":
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
            except OSError:  # it ended meanwhile
                continue
    return found
