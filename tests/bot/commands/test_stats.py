"""``odobot stats``: what is counted, and what is not stored and therefore not invented."""

import datetime
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import col, update

from storage import chats
from storage.database import Database
from storage.linking import links
from storage.linking.links import NewLink
from storage.notices import bookkeeper_copies, delivery_preferences, subscriptions
from storage.papers import packs, uploaded_pdfs
from storage.papers.packs import NewPack
from storage.tables import Channel, Delivery, Document, Link, State
from tests.bot.commands import facts_of, opened_as_operator, queued
from tests.bot.test_cli import Shell
from tests.storage import EMAIL, NOW

ZONE = ZoneInfo("America/Toronto")


def days_ago(days: int) -> datetime.datetime:
    """Return noon of a day in the company's time zone."""
    day = datetime.datetime.now(ZONE).date() - datetime.timedelta(days=days)
    return datetime.datetime.combine(day, datetime.time(12), ZONE)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Four chats, of which one has two accounts and one blocks the bot; deliveries, a copy, a PDF and a pack."""
    database = opened_as_operator(database_url)
    async with database.write() as session:
        for chat, accounts, ago in ((1, ("a1", "a2"), 0), (2, ("a2",), 3), (3, ("a3",), 20), (4, ("a4",), 100)):
            new = [NewLink("c", account, "Client", frozenset({"invoices"}), EMAIL) for account in accounts]
            await links.add_links(session, chat, "Camille", new, NOW)
            await session.flush()
            await session.change(update(Link).where(col(Link.chat_id) == chat).values(used_at=days_ago(ago)))
        await chats.set_language(session, 1, "fr", NOW)
        await chats.set_language(session, 2, "fr", NOW)
        await chats.set_language(session, 3, "en", NOW)
        await delivery_preferences.set_blocked(session, 4, NOW)
        await subscriptions.set_attaches_pdf(session, 1, 1, on=True)
        await bookkeeper_copies.save(session, 1, "books@example.test", "fr", NOW)
        await uploaded_pdfs.save(
            session, Document(bot_id=1, account_id="a1", number="1", language="fr", file_id="f", etag="e")
        )
        await packs.add(session, NewPack(1, 1, None, "fr", "zip", {}), NOW, NOW)
        await queued(session, "1", 1, 2, 3)
        await queued(session, "2", 1, account="a2", channel=Channel.EMAIL)
        await session.change(
            update(Delivery).where(col(Delivery.recipient) == 1).values(state=State.SENT, settled_at=NOW)
        )
    yield database
    await database.close()


async def test_stats_count_what_is_stored(operator: Shell, database: Database) -> None:
    result = await operator.run("stats", "--json")
    facts = facts_of(result)
    assert (result.code, result.err) == (0, "")
    by_day = facts["chats"].pop("last_used_by_day")
    assert list(by_day) == [str(days_ago(ago).date()) for ago in range(14)]
    assert {day: number for day, number in by_day.items() if number} == {
        str(days_ago(0).date()): 1, str(days_ago(3).date()): 1,
    }  # fmt: skip
    assert facts["chats"] == {
        "linked": 4, "blocked": 1, "links": 5, "accounts": 4,
        "languages": {"fr": 2, "en": 1, "not chosen": 1}, "used_within_days": {"1": 1, "7": 2, "30": 3},
    }  # fmt: skip
    assert facts["notices"] == {
        "since": "2026-10-15T18:00:00+00:00",
        "deliveries": [
            {"kind": "invoice.issued", "channel": "email", "state": "sent", "count": 1},
            {"kind": "invoice.issued", "channel": "telegram", "state": "queued", "count": 2},
            {"kind": "invoice.issued", "channel": "telegram", "state": "sent", "count": 1},
        ],
    }
    assert facts["documents"] == {
        "uploaded_pdfs": 1, "links_with_attached_pdf": 1, "copies": 1, "paused_copies": 0, "calendar_feeds": 0,
        "packs": [{"state": "queued", "format": "zip", "count": 1}],
    }  # fmt: skip
    assert set(facts["not_stored"]) == {"active_by_day", "pdfs_sent"}


async def test_terminal_shows_a_table_by_kind(operator: Shell, database: Database) -> None:
    lines = (await operator.run("stats", "--days", "2")).out.splitlines()
    assert "  linked     4, of which 1 block the bot" in lines
    assert "  languages  fr 2, en 1, not chosen 1" in lines
    assert "  used       1 within 1 day, 2 within 7 days, 3 within 30 days" in lines
    assert "  kind            channel   queued  sent" in lines
    assert "  invoice.issued  telegram  2       1" in lines
    assert [line.split() for line in lines if line.startswith("  2")] == [
        [str(days_ago(0).date()), "1"], [str(days_ago(1).date()), "0"],
    ]  # fmt: skip


async def test_stats_of_an_empty_database(operator: Shell) -> None:
    result = await operator.run("stats")
    assert (result.code, result.err) == (0, "")
    assert "  linked     0, of which 0 block the bot" in result.out.splitlines()
    facts = facts_of(await operator.run("stats", "--json"))
    assert facts["notices"] == {"since": None, "deliveries": []}
    assert facts["chats"]["languages"] == {}


@pytest.mark.parametrize("days", ["0", "x", "-3", "4000"])
async def test_wrong_days_are_one_line_and_code_2(operator: Shell, days: str) -> None:
    result = await operator.run("stats", "--days", days)
    assert (result.code, result.out) == (2, "")
    assert result.line.startswith("odobot stats: Invalid value for '--days'")
