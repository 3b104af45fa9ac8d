"""Chats and links: encrypted, found under every key, changed by compare-and-set."""

import asyncio
from typing import Any

import pytest

from storage import chats, personal_data
from storage.chats import Awaiting
from storage.database import Database
from storage.linking import codes, links, shared_addresses
from storage.linking.links import NewLink
from storage.notices import subscriptions
from storage.tables import Awaited, CodeState, Kind
from tests.storage import EMAIL, NOW, a_key, columns_of, file_of, later, opened, rows_of

BOTH = frozenset({"orders", "invoices"})


def to(account: str = "a1", email: str = EMAIL, name: str = "Client Odotrack", contact: str = "c1") -> NewLink:
    return NewLink(contact, account, name, BOTH, email)


async def link(database: Database, chat_id: int, *new: NewLink, name: str = "Camille", at: Any = NOW) -> None:
    async with database.write() as session:
        await links.add_links(session, chat_id, name, new or [to()], at)


async def state(database: Database, chat_id: int) -> chats.ChatState:
    async with database.read() as session:
        return await chats.load(session, chat_id)


async def test_unknown_chat_is_empty(database: Database) -> None:
    known = await state(database, 1)
    assert (known.is_known, known.links, known.current, known.awaiting, known.page_size) == (False, (), None, None, 5)


async def test_the_current_account(database: Database) -> None:
    """It is the first one until another is chosen."""
    await link(database, 1, to("a1", name="One"), to("a2", name="Two"), to("a3", name="Three"))
    first = await state(database, 1)
    assert [each.account_name for each in first.links] == ["One", "Two", "Three"]
    async with database.write() as session:
        await links.choose(session, 1, first.links[2].link_id, later(seconds=1))
    assert [each.account_name for each in (await state(database, 1)).links] == ["Three", "One", "Two"]


async def test_a_choice_counts_after_the_clock_was_set_back(database: Database) -> None:
    await link(database, 1, to("a1", name="One"), to("a2", name="Two"))
    one, two = (await state(database, 1)).links
    async with database.write() as session:
        await links.choose(session, 1, one.link_id, later(days=1))
    async with database.write() as session:
        await links.choose(session, 1, two.link_id, NOW)
    assert [each.account_name for each in (await state(database, 1)).links] == ["Two", "One"]


async def test_linking_again_keeps_the_subscriptions(database: Database) -> None:
    """It refreshes the account's name and access."""
    await link(database, 1, to(name="Old"))
    (before,) = (await state(database, 1)).links
    async with database.write() as session:
        await subscriptions.set_subscriptions(session, 1, [before.link_id], {Kind.INVOICE_ISSUED}, on=True)
    await link(database, 1, NewLink("c1", "a1", "New", frozenset({"orders"}), EMAIL), at=later(days=1))
    (after,) = (await state(database, 1)).links
    assert (after.link_id, after.account_name, after.access) == (before.link_id, "New", {"orders"})
    assert after.subscriptions == {Kind.INVOICE_ISSUED}
    assert after.linked_at == before.linked_at


async def test_account_named_twice_is_linked_once(database: Database) -> None:
    await link(database, 1, to("a1", name="One"), to("a1", name="One"))
    assert len((await state(database, 1)).links) == 1


async def test_two_contacts_of_one_account(database: Database) -> None:
    """They are two links."""
    await link(database, 1, to(contact="c1"), to(contact="c2"))
    assert len((await state(database, 1)).links) == 2


async def test_links_of_another_chat_are_not_changed(database: Database) -> None:
    await link(database, 1)
    await link(database, 2, to(email="other@example.test", name="Other"))
    (foreign,) = (await state(database, 2)).links
    mine = await state(database, 1)
    assert mine.link(foreign.link_id) is None
    async with database.write() as session:
        await links.choose(session, 1, foreign.link_id, later(days=1))
        await subscriptions.set_subscriptions(session, 1, [foreign.link_id], {Kind.INVOICE_ISSUED}, on=True)
        assert await shared_addresses.revoke(session, 1, 2, NOW) == 0
        assert await shared_addresses.revoke(session, 1, 1, NOW) == 0
    (kept,) = (await state(database, 2)).links
    assert kept == foreign


async def test_unlinking_a_chat(database: Database) -> None:
    """It removes the links, the first name and the awaited text."""
    await link(database, 1, to("a1"), to("a2"))
    async with database.write() as session:
        await chats.set_language(session, 1, "en", NOW)
        await chats.set_awaiting(session, 1, Awaiting(Awaited.CODE, later(hours=1)), NOW)
        await codes.replace(session, 1, EMAIL, "123456", now=NOW, expires_at=later(minutes=10))
    async with database.write() as session:
        assert await links.unlink(session, 1, NOW) == 2
        assert await links.unlink(session, 1, NOW) == 0
    after = await state(database, 1)
    assert (after.links, after.awaiting, after.language) == ((), None, "en")
    async with database.read() as session:
        kept = await personal_data.load(session, 1)
        assert kept is not None
        assert (kept.first_name, kept.emails) == ("", ())
        assert await codes.latest(session, 1, CodeState.LIVE) is None


async def test_unlinking_an_address(database: Database) -> None:
    """It unlinks every chat of the address, and no other address."""
    await link(database, 1, to("a1"), name="Camille")
    await link(database, 2, to("a1"), name="Dominique")
    await link(database, 2, to("a2", email="other@example.test"), name="Dominique")
    await link(database, 3, to("a2", email="other@example.test"), name="Claude")
    async with database.write() as session:
        assert await links.unlink_email(session, EMAIL, NOW) == 2
        assert await links.unlink_email(session, EMAIL, NOW) == 0
    assert [len((await state(database, chat)).links) for chat in (1, 2, 3)] == [0, 1, 1]
    async with database.read() as session:
        names = [kept.first_name for chat in (1, 2, 3) if (kept := await personal_data.load(session, chat))]
    assert names == ["", "Dominique", "Claude"]  # a name is kept for as long as the chat is linked


async def test_unlinking_an_address_ends_proven_codes(database: Database) -> None:
    await link(database, 1)
    async with database.write() as session:
        code_id = await codes.replace(session, 1, EMAIL, "123456", now=NOW, expires_at=later(minutes=10))
        assert await codes.move(session, code_id, CodeState.LIVE, CodeState.PROVEN)
    async with database.write() as session:
        await links.unlink_email(session, EMAIL, NOW)
    async with database.read() as session:
        assert await codes.latest(session, 1, CodeState.PROVEN) is None


async def test_other_chats_of_the_same_address(database: Database) -> None:
    await link(database, 1, to("a1"), to("a2"))
    await link(database, 2, to("a1"), to("a2"), name="Dominique", at=later(days=2))
    await link(database, 3, to("a1"), name="", at=later(days=1))
    await link(database, 4, to("a1", email="other@example.test"))
    async with database.read() as session:
        seen = [(each.chat_id, each.first_name) for each in await shared_addresses.other_chats(session, 1)]
        assert await shared_addresses.other_chats(session, 4) == []
        assert await shared_addresses.other_chats(session, 99) == []
    assert seen == [(3, ""), (2, "Dominique")]


async def test_revoking_removes_only_shared_links(database: Database) -> None:
    await link(database, 1)
    await link(database, 2, to("a1"), to("a2"))
    await link(database, 2, to("a3", email="other@example.test"))
    async with database.write() as session:
        assert await shared_addresses.revoke(session, 1, 2, NOW) == 2
        assert await shared_addresses.revoke(session, 1, 2, NOW) == 0
    assert [each.account_id for each in (await state(database, 2)).links] == ["a3"]
    assert len((await state(database, 1)).links) == 1


async def test_key_rotation_keeps_every_link(database_url: str) -> None:
    old, new = a_key(), a_key()
    async with opened(database_url, [old]) as database:
        await link(database, 1)
    async with opened(database_url, [new, old]) as database:
        assert [each.account_name for each in (await state(database, 1)).links] == ["Client Odotrack"]
        await link(database, 2, name="Dominique")
        async with database.read() as session:
            assert set(await links.chats_of_email(session, EMAIL)) == {1, 2}
            assert [each.chat_id for each in await shared_addresses.other_chats(session, 1)] == [2]
            assert [each.chat_id for each in await shared_addresses.other_chats(session, 2)] == [1]
        async with database.write() as session:
            assert await shared_addresses.revoke(session, 2, 1, NOW) == 1
            assert await links.unlink_email(session, EMAIL, NOW) == 1


async def test_rows_after_rotation_need_the_new_key_only(database_url: str) -> None:
    old, new = a_key(), a_key()
    async with opened(database_url, [old]) as database:
        await link(database, 1)
    async with opened(database_url, [new, old]) as database:
        await link(database, 2)
        await link(database, 1, at=later(days=1))
    async with opened(database_url, [new]) as database:
        for chat in (1, 2):
            assert [each.account_name for each in (await state(database, chat)).links] == ["Client Odotrack"]
        async with database.read() as session:
            assert set(await links.chats_of_email(session, EMAIL)) == {1, 2}


async def test_chat_that_no_key_decrypts(database_url: str) -> None:
    """It counts as not linked in every query, and linking again takes the place of the old row."""
    async with opened(database_url) as database:
        await link(database, 1)
        await link(database, 2)
    async with opened(database_url) as database:
        assert (await state(database, 1)).links == ()
        async with database.read() as session:
            assert await links.emails(session, 1) == {}
            assert await shared_addresses.other_chats(session, 1) == []
            kept = await personal_data.load(session, 1)
            assert kept is not None
            assert (kept.first_name, kept.emails) == ("", ())
        await link(database, 1)
        assert len((await state(database, 1)).links) == 1
        async with database.write() as session:
            assert await links.unlink(session, 2, NOW) == 1


@pytest.mark.sqlite
async def test_names_and_addresses_are_encrypted(database_url: str) -> None:
    key = a_key()
    async with opened(database_url, [key]) as database:
        await link(database, 1, to(email="camille.tremblay@example.test", name="Transport Boréal inc."), name="Zénobie")
    path = file_of(database_url)
    stored = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    for secret in ("camille", "tremblay", "example.test", "Boréal", "Transport", "Zénobie", key):
        assert secret.encode() not in stored


async def test_personal_columns_are_sealed_or_hashed(database: Database) -> None:
    columns = await columns_of(database)
    personal = {name for name in columns if any(word in name for word in ("email", "first_name", "account_name"))}
    assert [name for name in personal if not name.endswith(("_sealed", "_hash"))] == []


async def test_personal_data_is_shown_and_deleted(database: Database) -> None:
    """Everything that is stored about a chat is shown, and deleted with the chat."""
    await link(database, 1, to("a1"), to("a2", email="other@example.test"), name="Camille")
    await link(database, 2)
    async with database.read() as session:
        kept = await personal_data.load(session, 1)
        assert await personal_data.load(session, 9) is None
    assert kept is not None
    assert (kept.first_name, kept.emails, kept.since) == ("Camille", (EMAIL, "other@example.test"), NOW)
    async with database.write() as session:
        await personal_data.delete_chat(session, 1, NOW)
        await personal_data.delete_chat(session, 1, NOW)
    async with database.read() as session:
        assert await personal_data.load(session, 1) is None
        assert await links.chats_of_email(session, EMAIL) == [2]
    assert [each["chat_id"] for each in (await rows_of(database))["links"]] == [2]


async def test_move_awaiting_compares_and_sets(database: Database) -> None:
    """It changes nothing where another update changed the state first."""
    email, code = Awaiting(Awaited.EMAIL, later(hours=1)), Awaiting(Awaited.CODE, later(hours=2))
    search = Awaiting(Awaited.ORDER_SEARCH, later(hours=3), 7)
    async with database.write() as session:
        await chats.set_awaiting(session, 1, email, NOW)
        assert not await chats.move_awaiting(session, 1, None, code)
        assert not await chats.move_awaiting(session, 1, code, None)
        assert not await chats.move_awaiting(session, 1, Awaiting(Awaited.EMAIL, later(hours=9)), code)
        assert not await chats.move_awaiting(session, 2, email, code)
        assert await chats.move_awaiting(session, 1, email, search)
    assert (await state(database, 1)).awaiting == search
    async with database.write() as session:
        assert await chats.move_awaiting(session, 1, search, None)
        assert await chats.move_awaiting(session, 1, None, code)
    assert (await state(database, 1)).awaiting == code


async def test_concurrent_moves_of_the_awaited_text(database_url: str) -> None:
    """One of them succeeds."""
    key = a_key()
    seen = Awaiting(Awaited.CODE, later(hours=1))
    async with opened(database_url, [key]) as one, opened(database_url, [key]) as two:
        async with one.write() as session:
            await chats.set_awaiting(session, 1, seen, NOW)

        async def move(database: Database, number: int) -> bool:
            async with database.write() as session:
                target = Awaiting(Awaited.INVOICE_SEARCH, later(hours=2, seconds=number), number)
                return await chats.move_awaiting(session, 1, seen, target)

        moved = await asyncio.gather(*(move(each, n) for n, each in enumerate((one, two) * 5)))
        assert sorted(moved) == [False] * 9 + [True]
        awaiting = (await state(one, 1)).awaiting
        assert awaiting is not None
        assert awaiting.link_id == moved.index(True)


async def test_one_message_of_an_album_is_the_first(database_url: str) -> None:
    key = a_key()
    async with opened(database_url, [key]) as one, opened(database_url, [key]) as two:

        async def see(database: Database, album: str) -> bool:
            async with database.write() as session:
                return await chats.first_of_album(session, 1, album, NOW)

        assert sorted(await asyncio.gather(*(see(each, "x") for each in (one, two) * 5))) == [False] * 9 + [True]
        assert await see(one, "y")
        assert not await see(two, "y")


async def test_concurrent_creation_of_a_chat(database_url: str) -> None:
    key = a_key()
    async with opened(database_url, [key]) as one, opened(database_url, [key]) as two:

        async def see(database: Database, language: str) -> None:
            async with database.write() as session:
                await chats.set_language(session, 1, language, NOW)

        await asyncio.gather(*(see(each, language) for each, language in ((one, "fr"), (two, "en")) * 5))
        assert (await state(one, 1)).language in ("fr", "en")


@pytest.mark.parametrize("chat_id", [1, 2**52 - 1, 2**62, -1])
async def test_large_chat_id(database: Database, chat_id: int) -> None:
    await link(database, chat_id)
    assert (await state(database, chat_id)).links


@pytest.mark.parametrize("name", ["", "שלום", "<b>", "x" * 5000, "O'Neil; DROP TABLE chats"])
async def test_names_are_returned_unchanged(database: Database, name: str) -> None:
    await link(database, 1, to(name=name), name=name)
    assert (await state(database, 1)).links[0].account_name == name
    async with database.read() as session:
        kept = await personal_data.load(session, 1)
    assert kept is not None
    assert kept.first_name == name
