"""What version 0.2.0 wrote is still read: its database, the callback data of its buttons, the names of its settings.

``data/at_0_2_0.sqlite`` was written by the code of 0.2.0 (revision 0007) and ``data/callbacks_at_0_2_0.json`` by its
``handlers.telegram.callback_data.encode``. Neither file changes.
"""

import datetime
import enum
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import fields
from sqlmodel import col, select

from bot.settings import PREFIX, Settings
from handlers import actions
from handlers.actions import Action
from handlers.telegram.callback_data import decode, encode
from storage import chats, migrations, personal_data, updates
from storage.chats import Awaiting
from storage.database import Database, Session
from storage.linking import access, code_history, codes, links, proofs, shared_addresses
from storage.notices import (
    bookkeeper_copies,
    delivery_preferences,
    feed,
    outbox,
    outbox_report,
    rate_limiter,
)
from storage.notices.delivery_preferences import Quiet
from storage.notices.outbox_report import MailedInvoice
from storage.notices.plan import mutes
from storage.papers import uploaded_pdfs
from storage.tables import Awaited, CodeState, Delivery, Kind, Notice, State
from tests.storage import NOW, later, opened, url_of

DATA = Path(__file__).parent / "data"
KEYS = ["bmV3ZXN0IGtleSBvZiBhIHRlc3QuLi4uLi4uLi4uLi4=", "b2xkZXIga2V5IG9mIGEgdGVzdC4uLi4uLi4uLi4uLi4="]
CLIENT = "client@example.test"
pytestmark = pytest.mark.sqlite


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """The database of 0.2.0, migrated by the code under test."""
    path = tmp_path / "odobot.db"
    shutil.copy(DATA / "at_0_2_0.sqlite", path)
    async with opened(url_of(path), KEYS) as database:
        assert await migrations.schema_of(database.engine) is migrations.Schema.OLDER
        await migrations.upgrade(database.engine)
        assert await migrations.schema_of(database.engine) is migrations.Schema.CURRENT
        yield database


@pytest.fixture
async def session(database: Database) -> AsyncIterator[Session]:
    async with database.write() as session:
        yield session


async def test_chats_and_links(session: Session) -> None:
    """Links 1 and 2 were sealed under the older key, link 1 then again under the newest one."""
    camille = await chats.load(session, 1)
    assert (camille.language, camille.page_size, camille.is_blocked) == ("fr", 10, False)
    assert camille.awaiting == Awaiting(Awaited.ORDER_SEARCH, later(hours=1), 1)
    first, second = camille.links
    assert (first.link_id, first.contact_id, first.account_id) == (1, "c1", "a1")
    assert (first.account_name, first.access) == ("Client Odotrack inc.", {"orders"})
    assert (first.subscriptions, first.attaches_pdf) == ({"invoice.issued", "reminders"}, True)
    assert (first.linked_at, first.confirmed_at, first.used_at) == (later(days=-9), later(hours=-1), later(hours=-1))
    assert (second.link_id, second.account_name, second.access) == (2, "Érablière du Nord", {"invoices"})
    assert (second.subscriptions, second.attaches_pdf) == ({"order.created"}, False)
    dominique, noor = await chats.load(session, 2), await chats.load(session, 4)
    assert (dominique.language, [link.subscriptions for link in dominique.links]) == ("en", [frozenset()])
    assert (noor.is_blocked, [link.subscriptions for link in noor.links]) == (True, [None])
    assert (await chats.load(session, 3)).awaiting == Awaiting(Awaited.CODE, later(hours=1))
    assert not await chats.first_of_album(session, 1, "album", NOW)


async def test_addresses(session: Session) -> None:
    assert await links.emails(session, 1) == {1: CLIENT, 2: CLIENT}
    assert sorted(await links.chats_of_email(session, CLIENT)) == [1, 2]
    (other_chat,) = await shared_addresses.other_chats(session, 1)
    assert (other_chat.chat_id, other_chat.first_name, other_chat.email) == (2, "Dominique", CLIENT)
    (shared,) = await shared_addresses.find_shared(session, 1, 2)
    assert (shared.own_since, shared.other_since) == (later(days=-9), later(days=-2))
    stored = await personal_data.load(session, 1)
    assert stored is not None
    assert (stored.first_name, stored.emails, stored.since) == ("Camille", (CLIENT,), later(days=-9))
    assert [link.email for link in await access.links_to_confirm(session, chat_id=4)] == ["noor@example.test"]


async def test_codes(session: Session) -> None:
    short = await codes.latest(session, 3, CodeState.LIVE)
    assert short is not None
    assert (short.email, short.expires_at, short.is_long) == ("new@example.test", later(minutes=10), False)
    assert await codes.find_match(session, short, 3, "123456", NOW)
    assert not await codes.find_match(session, short, 3, "123457", NOW)
    assert await codes.take_attempt(session, short.code_id, 5) == 3  # one was taken before
    assert await codes.chat_to_revoke(session, 1) == 2
    long = await codes.latest(session, 1, CodeState.LIVE, for_chat=2)
    assert long is not None
    assert await codes.find_match(session, long, 1, "K7QM2XVP", NOW)
    for_copy = await codes.latest(session, 2, CodeState.LIVE, for_link=3)
    assert for_copy is not None
    assert await codes.find_match(session, for_copy, 2, "654321", NOW)
    proven = await codes.latest(session, 5, CodeState.PROVEN)
    assert proven is not None
    assert proven.email == "five@example.test"
    failed = await codes.latest(session, 6, CodeState.CLOSED)
    assert failed is not None
    assert failed.email == "six@example.test"


async def test_limits(session: Session) -> None:
    history = await code_history.history(session, 3, "new@example.test", NOW - datetime.timedelta(days=1))
    assert [(each.is_own, each.is_same_address, each.wrong) for each in history.requests] == [(True, True, 1)]
    assert (history.wrong_codes, history.is_proven) == (2, False)
    assert not await proofs.may_warn(session, "new@example.test", later(hours=23), datetime.timedelta(days=1))
    assert await proofs.was_proven(session, 1, CLIENT)
    assert not await proofs.was_proven(session, 2, CLIENT)
    assert await code_history.copy_requests(session, NOW - datetime.timedelta(days=1), 10) == 1


async def test_preferences(session: Session) -> None:
    camille = await delivery_preferences.load(session, 1)
    assert (camille.timezone, camille.quiet, camille.blocked_at) == ("America/Vancouver", Quiet(1320, 420), None)
    assert (await delivery_preferences.load(session, 4)).blocked_at == later(hours=-2)
    assert await mutes.is_muted(session, 1, "212380")
    assert not await mutes.is_muted(session, 2, "212380")
    books = await bookkeeper_copies.find(session, 1)
    ledger = await bookkeeper_copies.find_by_link(session, 4)
    assert books is not None
    assert ledger is not None
    assert (books.link_id, books.chat_id, books.language, books.email) == (1, 1, "fr", "books@example.test")
    assert (ledger.copy_id, ledger.account_name, ledger.email) == (2, "Quatre", "ledger@example.test")
    assert await outbox_report.sent_to_copy(session, 1, 10) == [MailedInvoice("212380", later(seconds=3))]


async def test_telegram_files_and_updates(session: Session) -> None:
    for number, language in (("212380", "fr"), ("212380", "en"), ("212381", "fr")):
        known = await uploaded_pdfs.find(session, 9, "a1", number, language)
        assert known is not None
        assert (known.file_id, known.etag) == (f"file-{number}-{language}", f"etag-{language}")
    assert [number for number in range(40, 44) if await updates.was_handled(session, number)] == [41, 42]


async def test_feed_and_rate_limiter(session: Session) -> None:
    assert await feed.position(session) == feed.Position("cursor-2", later(minutes=1))
    events = [f"event-{number}" for number in range(13)]
    assert await feed.known_events(session, [*events, "event-mail", "new"]) == {*events, "event-mail"}
    kinds = dict((await session.exec(select(col(Notice.event_id), col(Notice.kind)))).all())
    assert [kinds[event] for event in events] == [
        "invoice.issued", "invoice.paid", "order.created", "order.ending", "reminder.before", "reminder.due",
        "reminder.later", "copy.stopped", "contact.removed", "account.closed", "address.changed", "access.ended",
        "link.unused",
    ]  # fmt: skip
    assert set(kinds.values()) == set(Kind) - {
        Kind.COPY_PAUSED, Kind.COPY_WITHOUT_PDF, Kind.COPY_SEALED, Kind.INVOICE_CANCELLED, Kind.POLICY_CHANGED,
        Kind.COMPANY_NEWS,
    }  # fmt: skip
    slots = await rate_limiter.reserve(session, NOW, datetime.timedelta(seconds=1), 1)
    assert slots.start == later(seconds=30)  # halted until then


async def test_outbox(session: Session) -> None:
    assert await outbox_report.count_all(session) == {
        State.QUEUED: 2, State.LEASED: 3, State.SENDING: 1, State.RETRY: 1, State.SENT: 2, State.BLOCKED: 1,
        State.CANCELLED: 1, State.UNCERTAIN: 1,
    }  # fmt: skip
    assert await outbox_report.count_open(session) == {
        State.QUEUED: 2, State.LEASED: 3, State.SENDING: 1, State.RETRY: 1, State.UNCERTAIN: 1
    }  # fmt: skip
    (uncertain,) = await outbox_report.list_uncertain(session, 10)
    assert (uncertain.recipient, uncertain.number, uncertain.reason) == (401, "212384", "timed out")
    assert await outbox_report.next_due(session) == later(seconds=5)
    assert await outbox.reclaim(session, later(minutes=6)) == (3, 1)
    gap = datetime.timedelta(seconds=1)
    claimed = await outbox.claim(session, "new", later(days=1), later(days=2), 10, gap)
    assert sorted((each.recipient, each.attempts, each.is_postponed) for each in claimed) == [
        (1, 0, False), (501, 1, False), (701, 0, True), (801, 0, False), (901, 0, False)
    ]  # fmt: skip
    assert {each.account_name for each in claimed} == {"Client Odotrack"}
    ids = [each.delivery_id for each in claimed]
    assert await outbox.begin_sending(session, outbox.held_by("new", ids), later(days=1), later(days=2))
    assert await outbox.settle(session, outbox.held_by("new", ids), State.SENT, later(days=1))
    states = dict((await session.exec(select(col(Delivery.delivery_id), col(Delivery.state)))).all())
    assert [one for one, state in states.items() if state == State.SENT] == sorted({*ids, 2, 11})


LETTERS: dict[str, type[Action]] = {
    "A": actions.ShowAccounts,
    "C": actions.ShowCopy,
    "D": actions.ShowMyData,
    "F": actions.Forget,
    "H": actions.Start,
    "I": actions.ShowInvoice,
    "L": actions.ChooseLanguage,
    "N": actions.ShowNotices,
    "O": actions.ShowOrder,
    "P": actions.ShowPrivacy,
    "S": actions.ShowSettings,
    "W": actions.ShowSubscriptions,
    "a": actions.ChooseAccount,
    "b": actions.AttachPdf,
    "c": actions.ResendCode,
    "d": actions.SendPdf,
    "e": actions.AskCopy,
    "f": actions.FinishLinking,
    "h": actions.ShowHelp,
    "i": actions.ListInvoices,
    "k": actions.SetSubscription,
    "l": actions.StartLinking,
    "m": actions.MuteInvoice,
    "n": actions.OpenNumber,
    "o": actions.ListOrders,
    "p": actions.ShowPortal,
    "q": actions.ShowQuiet,
    "r": actions.Revoke,
    "s": actions.AskSearch,
    "t": actions.Snooze,
    "u": actions.Unlink,
    "v": actions.ConfirmAddress,
    "w": actions.AnswerNoticeOffer,
    "x": actions.StopCopy,
    "z": actions.ChooseZone,
}
CALLBACKS: list[tuple[str, str, list[object]]] = json.loads((DATA / "callbacks_at_0_2_0.json").read_text("utf-8"))


def plain(value: object) -> object:
    return value.value if isinstance(value, enum.Enum) else value


def test_callback_data() -> None:
    """A field that was added since stands at the end and has its default."""
    for data, letter, values in CALLBACKS:
        action = decode(data)
        assert type(action) is LETTERS[letter]
        named = fields(action)
        assert [plain(getattr(action, field.name)) for field in named][: len(values)] == values, data
        assert encode(action) == data


def test_callback_data_has_every_letter() -> None:
    assert {letter for _, letter, _ in CALLBACKS} == LETTERS.keys()
    assert all(len(data.encode()) <= 64 for data, _, _ in CALLBACKS)


SETTINGS = {
    "TELEGRAM_TOKEN", "TELEGRAM_API_URL", "WEBHOOK_URL", "WEBHOOK_SECRET", "COMPANY", "SUPPORT", "TIMEZONE",
    "PORTAL_URL", "PORTAL_TOKEN", "PORTAL_LINKS", "DATABASE_URL", "SMTP_URL", "MAIL_FROM", "SECRET_KEYS",
    "DEFAULT_LANGUAGE", "LINK_IDLE_DAYS", "LISTEN", "ADMIN_LISTEN", "PUBLIC_URL", "PORTAL_WEBHOOK_SECRET",
    "PORTAL_POLL_SECONDS", "BULK_RATE", "CHAT_RATE", "MAIL_RATE", "LOG_FORMAT", "LOG_LEVEL",
}  # fmt: skip


def test_settings() -> None:
    assert PREFIX == "ODOBOT_"
    assert {name.upper() for name in Settings.model_fields} >= SETTINGS
