"""Codes: counted by chat and address, five attempts, proven once, used once."""

import asyncio
import datetime

import pytest

from storage import personal_data
from storage.database import Database, Session
from storage.linking import code_history, codes, links, proofs
from storage.linking.code_history import History
from storage.tables import CodeState
from tests.storage import EMAIL, NOW, a_key, file_of, later, opened, rows_of

CODE = "048213"
LIMIT = 5
HOUR = datetime.timedelta(hours=1)


async def a_code(
    database: Database, chat_id: int = 1, email: str = EMAIL, code: str = CODE, at: datetime.datetime = NOW
) -> int:
    """Store a requested code. Returns: its id."""
    async with database.write() as session:
        return await codes.replace(
            session, chat_id, email, code, now=at, expires_at=at + datetime.timedelta(minutes=10)
        )


async def is_right(session: Session, chat_id: int, code: str) -> bool:
    known = await codes.latest(session, chat_id, CodeState.LIVE)
    return known is not None and codes.is_right(session, known, chat_id, code)


async def test_code_is_right_in_its_own_chat_only(database: Database) -> None:
    await a_code(database)
    await a_code(database, chat_id=2, code="999999")
    async with database.read() as session:
        assert await is_right(session, 1, CODE)
        assert not await is_right(session, 2, CODE)
        assert not await is_right(session, 3, CODE)
        for wrong in ("", "48213", "048214", "0482130", " 048213", "１２３４５６"):
            assert not await is_right(session, 1, wrong)


async def test_new_code_replaces_the_old_one(database: Database) -> None:
    old, new = await a_code(database), await a_code(database, code="111111", at=later(minutes=1))
    async with database.write() as session:
        known = await codes.latest(session, 1, CodeState.LIVE)
        assert known is not None
        assert (known.code_id, known.email, known.expires_at) == (new, EMAIL, later(minutes=11))
        assert not codes.is_right(session, known, 1, CODE)
        assert await codes.take_attempt(session, old, LIMIT) is None
        assert not await codes.move(session, old, CodeState.LIVE, CodeState.PROVEN)


async def test_attempts_count_down(database: Database) -> None:
    code_id = await a_code(database)
    left = []
    for _ in range(LIMIT + 2):
        async with database.write() as session:
            left.append(await codes.take_attempt(session, code_id, LIMIT))
    assert left == [4, 3, 2, 1, 0, None, None]


@pytest.mark.parametrize("replicas", [1, 3])
async def test_concurrent_attempts_keep_the_limit(database_url: str, replicas: int) -> None:
    key = a_key()
    async with (
        opened(database_url, [key]) as one,
        opened(database_url, [key]) as two,
        opened(database_url, [key]) as three,
    ):
        databases = [one, two, three][:replicas]
        code_id = await a_code(one)

        async def attempt(number: int) -> int | None:
            async with databases[number % replicas].write() as session:
                return await codes.take_attempt(session, code_id, LIMIT)

        left = await asyncio.gather(*(attempt(number) for number in range(12)))
    assert sorted(each for each in left if each is not None) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("seen", "to"), [(CodeState.LIVE, CodeState.PROVEN), (CodeState.LIVE, CodeState.CLOSED)], ids=str
)
async def test_code_changes_state_once(database_url: str, seen: CodeState, to: CodeState) -> None:
    key = a_key()
    async with opened(database_url, [key]) as one, opened(database_url, [key]) as two:
        code_id = await a_code(one)

        async def move(database: Database) -> bool:
            async with database.write() as session:
                return await codes.move(session, code_id, seen, to)

        assert sorted(await asyncio.gather(*(move(each) for each in (one, two) * 5))) == [False] * 9 + [True]


async def test_proven_code_is_used_once(database: Database) -> None:
    """It takes no further attempt."""
    code_id = await a_code(database)
    async with database.write() as session:
        assert await codes.move(session, code_id, CodeState.LIVE, CodeState.PROVEN)
        assert await codes.take_attempt(session, code_id, LIMIT) is None
        assert await codes.latest(session, 1, CodeState.LIVE) is None
        proven = await codes.latest(session, 1, CodeState.PROVEN)
        assert proven is not None
        assert proven.email == EMAIL
        assert await codes.move(session, code_id, CodeState.PROVEN, CodeState.CLOSED)
        assert not await codes.move(session, code_id, CodeState.PROVEN, CodeState.CLOSED)
        assert await codes.latest(session, 1, CodeState.PROVEN) is None


def own(history: History) -> list[datetime.datetime]:
    return [each.asked_at for each in history.requests if each.is_own]


def same_address(history: History) -> list[datetime.datetime]:
    return [each.asked_at for each in history.requests if each.is_same_address]


async def test_requests_count_by_chat_and_address(database: Database) -> None:
    await a_code(database, 1, EMAIL, at=later(minutes=-70))
    await a_code(database, 1, EMAIL, at=later(minutes=-50))
    await a_code(database, 1, "other@example.test", at=later(minutes=-40))
    await a_code(database, 2, EMAIL, at=later(minutes=-30))
    async with database.read() as session:
        asked = await code_history.history(session, 1, EMAIL, NOW - HOUR)
        assert own(asked) == [later(minutes=-50), later(minutes=-40)]
        assert same_address(asked) == [later(minutes=-50), later(minutes=-30)]
        assert len({each.asker for each in asked.requests}) == 2
        stranger = await code_history.history(session, 9, "nobody@example.test", NOW - HOUR)
        assert stranger == History((), 0, is_proven=False)


async def test_unlinking_and_forgetting_keep_the_counts(database: Database) -> None:
    code_id = await a_code(database)
    async with database.write() as session:
        await codes.take_attempt(session, code_id, LIMIT)
        await proofs.count_wrong(session, EMAIL, NOW)
        await links.unlink(session, 1, NOW)
        await personal_data.delete_chat(session, 1, NOW)
    async with database.read() as session:
        asked = await code_history.history(session, 1, EMAIL, NOW - HOUR)
        assert (len(own(asked)), len(same_address(asked)), asked.wrong_codes) == (1, 1, 1)
        assert asked.requests[0].wrong == 1
        assert await codes.latest(session, 1, CodeState.LIVE) is None
    (row,) = (await rows_of(database))["codes"]
    assert (row["chat_id"], row["email_sealed"]) == (0, "")  # only keyed hashes are left


async def test_failed_code_is_closed_and_is_a_request(database: Database) -> None:
    code_id = await a_code(database)
    async with database.write() as session:
        await codes.fail(session, code_id)
        assert await codes.take_attempt(session, code_id, LIMIT) is None
        assert await codes.latest(session, 1, CodeState.LIVE, CodeState.PROVEN) is None
        again = await codes.latest(session, 1, CodeState.CLOSED)
        asked = await code_history.history(session, 1, EMAIL, NOW - HOUR)
    assert again is not None
    assert again.email == EMAIL  # the person may ask again
    assert [each.is_counted for each in asked.requests] == [False]


async def test_code_opens_after_it_is_allowed(database: Database) -> None:
    code_id = await a_code(database)
    async with database.write() as session:
        known = await codes.latest(session, 1, CodeState.LIVE)
        assert known is not None
        assert known.opens_until is None
        await codes.allow(session, code_id, later(minutes=10))
    async with database.write() as session:
        known = await codes.latest(session, 1, CodeState.LIVE)
        assert known is not None
        assert known.opens_until == later(minutes=10)


LONG = "K7QM2XVP"


async def a_long_code(database: Database, chat_id: int, code: str = LONG, for_link: int | None = None) -> int:
    """Store a long code that was mailed. Returns: its id."""
    async with database.write() as session:
        code_id = await codes.replace(
            session, chat_id, EMAIL, code, now=NOW, expires_at=later(hours=2), is_long=True, for_link=for_link
        )
        await codes.allow(session, code_id, later(hours=2))
    return code_id


async def opened_by(database: Database, chat_id: int, code: str) -> str | None:
    async with database.read() as session:
        known = await codes.latest(session, chat_id, CodeState.LIVE)
        return await codes.find_match(session, known, chat_id, code, NOW) if known else None


async def test_long_code_opens_every_chat_that_asked(database: Database) -> None:
    await a_long_code(database, 1)
    async with database.write() as session:
        assert await codes.take_over(session, 2, "other@example.test", NOW) is None
        taken = await codes.take_over(session, 2, EMAIL, NOW)
        assert taken is not None
    assert await opened_by(database, 2, "K7QM2XVQ") is None
    assert await opened_by(database, 3, LONG) is None  # it did not ask
    code_hash = await opened_by(database, 2, LONG)
    assert code_hash
    await a_long_code(database, 3, "BBBB3333")
    async with database.write() as session:
        known = await codes.latest(session, 2, CodeState.LIVE)
        assert known is not None
        assert known.code_id == taken
        assert await codes.prove(session, known, code_hash, NOW)
    assert await opened_by(database, 1, LONG) is None  # a code is used once
    assert await opened_by(database, 3, "BBBB3333") is None  # and ends the others in the mailbox


async def test_long_code_cannot_be_withdrawn(database: Database) -> None:
    """A stranger asks, and then unlinks, forgets and asks again: the mailed code still serves the owner."""
    await a_long_code(database, 1)
    async with database.write() as session:
        await codes.take_over(session, 2, EMAIL, NOW)
        await personal_data.delete_chat(session, 1, NOW)
    await a_long_code(database, 1, "AAAA2222")
    assert await opened_by(database, 2, LONG)
    assert await opened_by(database, 2, "AAAA2222")
    async with database.write() as session:
        await codes.close_of_email(session, EMAIL, NOW)
    assert await opened_by(database, 2, LONG) is None


async def test_long_code_of_another_purpose(database: Database) -> None:
    """A bookkeeper's code must not link a chat, and a code for a link must not set up a copy."""
    await a_long_code(database, 1, "AAAA2222", for_link=7)
    await a_long_code(database, 2, LONG)
    assert await opened_by(database, 2, "AAAA2222") is None
    async with database.read() as session:
        copy = await codes.latest(session, 1, CodeState.LIVE, for_link=7)
        assert copy is not None
        assert await codes.find_match(session, copy, 1, LONG, NOW) is None
        assert await codes.find_match(session, copy, 1, "AAAA2222", NOW)


async def test_purge_clears_addresses_then_rows(database: Database) -> None:
    await a_code(database, 1, at=later(hours=-26))
    await a_code(database, 2, at=later(minutes=-80))
    await a_code(database, 3, at=later(minutes=-69))
    async with database.write() as session:
        await codes.purge(
            session, NOW, retention=datetime.timedelta(hours=25), address_kept=datetime.timedelta(hours=1), limit=100
        )
    left = {each["chat_id"]: bool(each["email_sealed"]) for each in (await rows_of(database))["codes"]}
    assert left == {0: False, 3: True}


async def test_proven_addresses(database: Database) -> None:
    async with database.write() as session:
        await proofs.remember_proven(session, 1, EMAIL, NOW)
        await proofs.remember_proven(session, 1, EMAIL, NOW)
        await proofs.remember_proven(session, 2, EMAIL, NOW)
        assert (await code_history.history(session, 1, EMAIL, NOW - HOUR)).is_proven
        await proofs.delete_proofs(session, chat_id=1, email=EMAIL)
        assert not await proofs.was_proven(session, 1, EMAIL)
        assert await proofs.was_proven(session, 2, EMAIL)
        await proofs.delete_proofs(session, email=EMAIL)
        assert not await proofs.was_proven(session, 2, EMAIL)


async def test_owner_is_warned_once_a_day(database: Database) -> None:
    day = datetime.timedelta(days=1)
    warned = []
    for hours in (0, 1, 23, 24, 25):
        async with database.write() as session:
            warned.append(await proofs.may_warn(session, EMAIL, later(hours=hours), day))
    assert warned == [True, False, False, True, False]


@pytest.mark.sqlite
async def test_codes_and_addresses_are_encrypted(database: Database, database_url: str) -> None:
    await a_code(database, email="camille.tremblay@example.test", code="739264")
    await database.close()
    path = file_of(database_url)
    stored = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    for secret in (b"camille", b"tremblay", b"example.test", b"739264"):
        assert secret not in stored


async def test_repr_hides_code_and_address(database: Database) -> None:
    await a_code(database)
    async with database.read() as session:
        known = await codes.latest(session, 1, CodeState.LIVE)
    assert known is not None
    assert EMAIL not in repr(known)
    assert known.code_hash not in repr(known)


async def test_code_is_right_after_a_key_rotation(database_url: str) -> None:
    old, new = a_key(), a_key()
    async with opened(database_url, [old]) as database:
        await a_code(database)
    async with opened(database_url, [new, old]) as database, database.read() as session:
        assert await is_right(session, 1, CODE)
        asked = await code_history.history(session, 9, EMAIL, NOW - HOUR)
        assert len(same_address(asked)) == 1
