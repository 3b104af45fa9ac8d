"""Saved answers: their number, their owner, and the keys that seal them."""

import datetime

from cryptography.fernet import Fernet
from sqlalchemy import update
from sqlmodel import col, select

from storage.database import Database
from storage.linking import links
from storage.linking.links import NewLink
from storage.papers import saved_answers
from storage.papers.saved_answers import MOST_OF_LINK, Answer
from storage.rotation import rotate
from storage.tables import Link, SavedAnswer
from storage.vault import Vault
from tests.storage import EMAIL, NOW

LONG_AGO = NOW - datetime.timedelta(days=100)


async def linked(database: Database, chat_id: int = 1) -> int:
    async with database.write() as session:
        new = NewLink(f"c-{chat_id}", "a-1", "Client", frozenset({"orders"}), EMAIL)
        await links.add_links(session, chat_id, "Camille", [new], NOW)
    async with database.read() as session:
        link_id = (await session.exec(select(Link.link_id).where(col(Link.chat_id) == chat_id))).one()
    assert link_id is not None
    return link_id


async def save(database: Database, *answers: Answer) -> None:
    rows = [saved_answers.sealed(database.vault, answer) for answer in answers]
    async with database.write() as session:
        await saved_answers.save(session, rows)


def answer(link_id: int, key: str, minutes: int = 0, content: str = "{}") -> Answer:
    return Answer(link_id, "invoices", key, content, NOW + datetime.timedelta(minutes=minutes))


async def test_newest_answers_of_each_link_are_kept(database: Database) -> None:
    one, two = await linked(database, 1), await linked(database, 2)
    await save(database, answer(two, "x"))
    await save(database, *(answer(one, str(number), number) for number in range(MOST_OF_LINK)))
    await save(database, answer(one, "0", 100, "newer"), answer(one, "more", 101))
    async with database.read() as session:
        kept = await saved_answers.find_of_call(session, one, "invoices", LONG_AGO)
        assert {each.key for each in kept} == {"0", "more", *map(str, range(2, MOST_OF_LINK))}
        assert [each.key for each in kept[:2]] == ["more", "0"]
        assert kept[1].content == "newer"
        assert await saved_answers.find(session, two, "x", LONG_AGO)
        assert await saved_answers.find(session, two, "0", LONG_AGO) is None
        assert await saved_answers.find(session, one, "0", NOW + datetime.timedelta(minutes=101)) is None


async def test_answer_of_a_removed_link_is_left_out(database: Database) -> None:
    one, two = await linked(database, 1), await linked(database, 2)
    async with database.write() as session:
        await links.unlink(session, 1, NOW)
    await save(database, answer(one, "x"), answer(two, "x"))
    async with database.read() as session:
        assert [each.link_id for each in (await session.exec(select(SavedAnswer))).all()] == [two]


async def test_row_under_another_key_is_not_opened(database: Database) -> None:
    """Somebody with access to the database alone cannot show one answer as another."""
    link_id = await linked(database)
    await save(database, answer(link_id, "one", content="of one"))
    async with database.write() as session:
        other = database.vault.hash("saved-answer", "two")
        await session.exec(update(SavedAnswer).values(key_hash=other))
    async with database.read() as session:
        assert await saved_answers.find(session, link_id, "two", LONG_AGO) is None


async def test_answer_outlives_a_new_secret_key(database: Database) -> None:
    link_id = await linked(database)
    old = Fernet.generate_key().decode()
    database.vault = Vault([old])
    await save(database, answer(link_id, "x", content="before"))
    database.vault = Vault([Fernet.generate_key().decode(), old])
    async with database.read() as session:
        found = await saved_answers.find(session, link_id, "x", LONG_AGO)
        assert found is not None
        assert found.content == "before"
    await save(database, answer(link_id, "x", 1, "after"))
    async with database.read() as session:
        found = await saved_answers.find(session, link_id, "x", LONG_AGO)
        assert found is not None
        assert found.content == "after"
    async with database.write() as session:
        assert await saved_answers.erase(session, link_id, "x") == 2


async def test_rotation_moves_answers_under_the_newest_key(database: Database) -> None:
    """One that was stored under both keys stays once, as it was read last."""
    link_id = await linked(database)
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    database.vault = Vault([old])
    await save(database, answer(link_id, "both", content="before"), answer(link_id, "old", content="before"))
    database.vault = Vault([new, old])
    await save(database, answer(link_id, "both", 1, "after"))
    await rotate(database)
    database.vault = Vault([new])
    async with database.read() as session:
        found = [await saved_answers.find(session, link_id, key, LONG_AGO) for key in ("both", "old")]
        assert [each and each.content for each in found] == ["after", "before"]
        assert len((await session.exec(select(SavedAnswer.key_hash))).all()) == 2


async def test_old_answers_are_purged_in_batches(database: Database) -> None:
    link_id = await linked(database)
    await save(database, *(answer(link_id, str(number), number) for number in range(10)))
    async with database.write() as session:
        before = NOW + datetime.timedelta(minutes=5)
        assert [await saved_answers.purge(session, before, 3) for _ in range(3)] == [3, 2, 0]
