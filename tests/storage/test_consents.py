"""Consents, and the versions of the privacy policy."""

import asyncio
import datetime

from sqlmodel import col, func, select

from storage import chats
from storage.database import Database
from storage.linking import links
from storage.linking.links import NewLink
from storage.privacy import consents, policy_versions
from storage.privacy.consents import WHOLE_CHAT, Wording
from storage.tables import Delivery, Kind, Notice
from tests.storage import EMAIL, NOW

VERSION = datetime.date(2026, 11, 27)
WORDING = Wording("link.ask_wish", "fr")


async def test_what_is_given_now(database: Database) -> None:
    async with database.write() as session:
        await chats.ensure(session, 1, NOW)
        for minute, is_given in enumerate((True, True, False, True)):
            at = NOW + datetime.timedelta(minutes=minute)
            await consents.record(session, 1, ["copy", "access"], [7], WORDING, at, is_given=is_given)
            await session.flush()
        await consents.record(session, 1, ["inline"], WHOLE_CHAT, WORDING, NOW, is_given=False)
    async with database.write() as session:
        given = await consents.given(session, 1)
        assert [(each.purpose, each.link_id) for each in given] == [("copy", 7), ("access", 7)]
        assert {each.since for each in given} == {NOW + datetime.timedelta(minutes=3)}
        assert await consents.last_word(session, 1, "inline") is False
        assert await consents.last_word(session, 1, "support") is None
        await consents.withdraw_all(session, 1, WORDING, NOW)
    async with database.read() as session:
        assert await consents.given(session, 1) == []


async def test_withdrawal_for_some_links_leaves_the_others(database: Database) -> None:
    async with database.write() as session:
        await chats.ensure(session, 1, NOW)
        await consents.record(session, 1, ["access"], [7, 8], WORDING, NOW, is_given=True)
        await consents.record(session, 1, ["inline"], WHOLE_CHAT, WORDING, NOW, is_given=True)
        await session.flush()
        await consents.withdraw_all(session, 1, WORDING, NOW, of_links=[7])
    async with database.read() as session:
        given = await consents.given(session, 1)
    assert {(each.purpose, each.link_id) for each in given} == {("access", 8), ("inline", None)}


async def test_two_replicas_tell_of_a_version_once(database: Database) -> None:
    async with database.write() as session:
        for chat_id in (1, 2):
            for account in ("a", "b"):
                new = NewLink("c", account, "Client", frozenset(), EMAIL)
                await links.add_links(session, chat_id, "Camille", [new], NOW)

    async def start(version: datetime.date) -> int | None:
        async with database.write() as session:
            return await policy_versions.record_version(session, version, NOW)

    told = await asyncio.gather(*(start(VERSION) for _ in range(4)))

    assert sorted(each for each in told if each is not None) == [2]
    assert await start(VERSION - datetime.timedelta(days=1)) is None
    async with database.read() as session:
        assert await policy_versions.is_recorded(session, VERSION)
        assert not await policy_versions.is_recorded(session, VERSION + datetime.timedelta(days=1))
        query = select(func.count()).select_from(Delivery).join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        assert (await session.exec(query.where(col(Notice.kind) == Kind.POLICY_CHANGED))).one() == 2


async def test_consents_follow_a_chat_to_its_new_id(database: Database) -> None:
    async with database.write() as session:
        await chats.ensure(session, 1, NOW)
        await consents.record(session, 1, ["support"], WHOLE_CHAT, WORDING, NOW, is_given=True)
    async with database.write() as session:
        await chats.migrate(session, 1, 2)
    async with database.read() as session:
        assert [each.purpose for each in await consents.given(session, 2)] == ["support"]
