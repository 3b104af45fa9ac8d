"""``odobot customers find``: the chats of an address or an account, without what it does not need."""

from collections.abc import AsyncIterator

import pytest

from storage.database import Database
from storage.linking import links
from storage.linking.links import NewLink
from storage.notices import bookkeeper_copies, delivery_preferences, subscriptions
from storage.notices.delivery_preferences import Quiet
from storage.papers import calendar_feeds
from tests.bot.commands import facts_of, opened_as_operator
from tests.bot.test_cli import Result, Shell
from tests.storage import EMAIL, NOW, a_key, later

OTHER = "other@example.test"
BOOKS = "books@example.test"
NAME, ACCOUNT_NAME = "Camille", "Transport Boréal"
SECRETS = (EMAIL, OTHER, BOOKS, NAME, ACCOUNT_NAME)


def new_link(account: str, email: str, contact: str = "c1") -> NewLink:
    return NewLink(contact, account, ACCOUNT_NAME, frozenset({"orders", "invoices"}), email)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Chat 1 is linked to a1 and, through another address, to a2; chat 2 to a2; with wishes and a copy."""
    database = opened_as_operator(database_url)
    async with database.write() as session:
        await links.add_links(session, 1, NAME, [new_link("a1", EMAIL)], NOW)
        await links.add_links(session, 1, NAME, [new_link("a2", OTHER, "c2")], later(days=2))
        await links.add_links(session, 2, NAME, [new_link("a2", OTHER, "c2")], NOW)
        await subscriptions.set_subscriptions(session, 1, [1], {"invoice.issued", "reminder"}, on=True)
        await subscriptions.set_attaches_pdf(session, 1, 1, on=True)
        await bookkeeper_copies.save(session, 1, BOOKS, "fr", NOW)
        await calendar_feeds.save(session, 1, "token", "fr", NOW)
        await delivery_preferences.set_quiet(session, 1, Quiet(1200, 430))
        await delivery_preferences.set_timezone(session, 1, "America/Vancouver")
        await delivery_preferences.set_blocked(session, 2, NOW)
    yield database
    await database.close()


async def found(operator: Shell, wanted: str) -> Result:
    """Run the command both ways. Returns: the JSON one, after a look at what neither may show."""
    shown = await operator.run("customers", "find", wanted)
    result = await operator.run("customers", "find", wanted, "--json")
    assert (shown.code, result.code, result.err) == (0, 0, "")
    assert [secret for secret in SECRETS if secret in shown.out + result.out] == []
    return result


async def test_address_finds_its_chats_with_all_links(operator: Shell, database: Database) -> None:
    (chat,) = facts_of(await found(operator, f"  {EMAIL.upper()} "))["chats"]
    first, second = chat.pop("links")
    assert chat == {
        "chat": 1, "language": None, "created_at": "2026-10-15T18:00:00+00:00", "last_seen": "2026-10-17",
        "blocked_since": None, "timezone": "America/Vancouver", "quiet_hours": "20:00-07:10",
    }  # fmt: skip
    assert first == {
        "link": 1, "account": "a1", "contact": "c1", "access": ["invoices", "orders"],
        "linked_at": "2026-10-15T18:00:00+00:00", "confirmed_at": "2026-10-15T18:00:00+00:00",
        "last_used": "2026-10-15", "is_match": True, "is_readable": True, "notices": ["invoice.issued"],
        "reminders": True, "attaches_pdf": True, "has_calendar": True,
        "copy": {"language": "fr", "confirmed_at": "2026-10-15T18:00:00+00:00", "paused_since": None},
    }  # fmt: skip
    assert (second["account"], second["is_match"], second["notices"], second["copy"]) == ("a2", False, None, None)


async def test_account_finds_every_chat(operator: Shell, database: Database) -> None:
    chats = facts_of(await found(operator, "a2"))["chats"]
    assert [(each["chat"], each["blocked_since"]) for each in chats] == [(1, None), (2, "2026-10-15T18:00:00+00:00")]
    assert [[link["is_match"] for link in each["links"]] for each in chats] == [[False, True], [True]]


async def test_terminal_shows_the_same_facts(operator: Shell, database: Database) -> None:
    async with database.write() as session:
        await bookkeeper_copies.pause_for_address(session, "a1", BOOKS, later(days=1))
    lines = (await operator.run("customers", "find", EMAIL)).out.splitlines()
    assert lines[0] == "chat 1"
    assert "  quiet hours  20:00-07:10, America/Vancouver" in lines
    assert "    copy          fr, since 2026-10-15T18:00:00+00:00, paused since 2026-10-16T18:00:00+00:00" in lines
    assert "  link 2, account a2 (another link of the chat)" in lines


async def test_sealed_link_is_found_and_said(operator: Shell, database: Database) -> None:
    """By the account, because without the key the address has another hash."""
    key = a_key()
    shown = await operator.run("customers", "find", "a1", secret_keys=key)
    assert "UNREADABLE: no key of ODOBOT_SECRET_KEYS opens it" in shown.out
    assert (await operator.run("customers", "find", EMAIL, secret_keys=key)).code == 1


@pytest.mark.parametrize(
    ("wanted", "line"),
    [("nobody@example.test", "No chat is linked through this address."), ("a9", "No chat is linked to this account.")],
)
async def test_nobody_found_is_exit_code_1(operator: Shell, database: Database, wanted: str, line: str) -> None:
    result = await operator.run("customers", "find", wanted)
    assert (result.code, result.out, result.err) == (1, f"{line}\n", "")
    result = await operator.run("customers", "find", wanted, "--json")
    assert (result.code, facts_of(result)) == (1, {"chats": []})


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("find", ""), "odobot customers find: give an email address"),
        (("find", "  "), "odobot customers find: give an email address"),
        (("find", "nobody@"), "odobot customers find: what has an @ must be an email address"),
        (("find", "a\udcff"), "odobot customers find: ADDRESS_OR_ACCOUNT holds characters"),
        (("find",), "odobot customers find: Missing argument"),
        (("find", "a1", "a2"), "odobot customers find: Got unexpected extra argument"),
    ],
)
async def test_wrong_use_is_one_line_and_code_2(operator: Shell, arguments: tuple[str, ...], line: str) -> None:
    result = await operator.run("customers", *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.line.startswith(line)
