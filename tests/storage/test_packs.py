"""Packs: one open pack a chat, leases, and what is erased with a link or a chat."""

import datetime

import pytest
from sqlmodel import select

from storage import chats, personal_data
from storage.database import Database
from storage.linking import invitations, links
from storage.linking.links import NewLink
from storage.papers import packs
from storage.papers.packs import ClaimedPack, NewPack
from storage.tables import InvitationState, Link, Pack, PackState
from tests.storage import NOW

CHAT = 7
MINUTE = datetime.timedelta(minutes=1)


async def linked(database: Database, chat_id: int = CHAT) -> int:
    async with database.write() as session:
        new = NewLink("c", "a", "Client", frozenset({"invoices"}), f"client{chat_id}@example.test")
        await links.add_links(session, chat_id, "Camille", [new], NOW)
        await session.flush()
        link_id = (await session.exec(select(Link.link_id).where(Link.chat_id == chat_id))).one()
    assert link_id
    return link_id


async def queued(database: Database, link_id: int, chat_id: int = CHAT) -> int | None:
    async with database.write() as session:
        return await packs.add(session, NewPack(chat_id, link_id, None, "fr", "z", {"query": "x"}), NOW, NOW)


async def claimed(database: Database, lease: str = "one", at: datetime.datetime = NOW) -> list[ClaimedPack]:
    async with database.write() as session:
        return await packs.claim(session, lease, at, at + MINUTE, 2)


async def states(database: Database) -> list[str]:
    async with database.read() as session:
        return list(await session.exec(select(Pack.state).order_by(Pack.pack_id)))  # type: ignore[arg-type]


async def test_chat_has_one_open_pack(database: Database) -> None:
    link_id = await linked(database)
    first = await queued(database, link_id)
    assert first
    assert await queued(database, link_id) is None
    (pack,) = await claimed(database)
    assert pack.request == {"query": "x"}
    assert await queued(database, link_id) is None
    async with database.write() as session:
        assert await packs.settle(session, pack, PackState.DONE, NOW)
    second = await queued(database, link_id)
    assert second
    assert second > first


async def test_two_processes_do_not_make_the_same_pack(database: Database) -> None:
    """A lease that ran out goes to another process; what the first one then stores is refused."""
    await queued(database, await linked(database))
    (first,) = await claimed(database)
    assert await claimed(database, "two", NOW + MINUTE / 2) == []
    async with database.write() as session:
        assert await packs.extend(session, first, NOW + 2 * MINUTE)
    assert await claimed(database, "two", NOW + 1.5 * MINUTE) == []
    (second,) = await claimed(database, "two", NOW + 3 * MINUTE)
    async with database.write() as session:
        assert not await packs.save(session, first, {"position": 3})
        assert not await packs.settle(session, first, PackState.DONE, NOW)
        assert await packs.save(session, second, {"position": 5})
        await packs.put_back(session, second, NOW)
    (third,) = await claimed(database, "three")
    assert third.progress == {"position": 5}


async def test_only_its_chat_cancels_a_pack(database: Database) -> None:
    pack_id = await queued(database, await linked(database))
    assert pack_id
    async with database.write() as session:
        assert not await packs.cancel(session, pack_id, CHAT + 1, NOW)
        assert await packs.cancel(session, pack_id, CHAT, NOW)
        assert not await packs.cancel(session, pack_id, CHAT, NOW)
    assert await claimed(database) == []


@pytest.mark.parametrize("is_running", [False, True])
async def test_unlinking_empties_an_open_pack(database: Database, is_running: bool) -> None:
    """The row stays with chat and message only, until the chat was told; a settled one is deleted."""
    await queued(database, await linked(database))
    pack = (await claimed(database))[0] if is_running else None
    async with database.write() as session:
        await links.unlink(session, CHAT, NOW)
    if pack:
        async with database.write() as session:
            assert not await packs.is_held(session, pack)
    async with database.read() as session:
        row = (await session.exec(select(Pack))).one()
        assert (row.state, row.request_sealed, row.progress_sealed) == ("ended", "", None)
    (ended,) = await claimed(database, "two")
    assert ended.has_ended
    assert await claimed(database, "three") == []


async def test_unlinking_deletes_a_settled_pack(database: Database) -> None:
    await queued(database, await linked(database))
    (pack,) = await claimed(database)
    async with database.write() as session:
        await packs.settle(session, pack, PackState.DONE, NOW, keep_files=True)
        await links.unlink(session, CHAT, NOW)
    assert await states(database) == []


async def test_forgetting_a_chat_deletes_its_packs(database: Database) -> None:
    await queued(database, await linked(database))
    await queued(database, await linked(database, CHAT + 1), CHAT + 1)
    async with database.write() as session:
        await personal_data.delete_chat(session, CHAT, NOW)
    assert await states(database) == ["queued"]
    async with database.read() as session:
        assert (await chats.load(session, CHAT + 1)).is_known


async def test_packs_are_purged_by_age(database: Database) -> None:
    await queued(database, await linked(database))
    (pack,) = await claimed(database)
    async with database.write() as session:
        assert await packs.purge(session, NOW + MINUTE, 10) == 0
        await packs.settle(session, pack, PackState.FAILED, NOW)
        assert await packs.purge(session, NOW, 10) == 0
        assert await packs.purge(session, NOW + MINUTE, 10) == 1


@pytest.mark.parametrize("forged", [-1, 2**31, 2**63 - 1, -(2**63) + 1])
async def test_forged_id_is_no_row(database: Database, forged: int) -> None:
    """PostgreSQL's ids have 32 bits; callback data and SQLite's have 64."""
    async with database.write() as session:
        assert not await packs.cancel(session, forged, CHAT, NOW)
        assert await packs.find_settled(session, forged, CHAT) is None
        assert await invitations.find(session, forged, CHAT) is None
        assert not await invitations.close(session, forged, CHAT, InvitationState.USED, NOW)
