"""Keys are rotated: everything is sealed and hashed under the newest one, and the others can go."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import update
from sqlmodel import SQLModel, col, func, select

from storage.database import Database, Session
from storage.health.keys import unreadable_chats
from storage.linking import proofs
from storage.rotation import _BATCH, Rotation, remaining, rotate
from storage.tables import AddressGuard, Chat, Copy, Link, ProvenAddress
from storage.vault import Vault
from tests.storage import NOW

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
LINKS = _BATCH + 5
FOREIGN = "inconnue@example.test"


def address_of(number: int) -> str:
    return f"p{number}@example.test"


@pytest.fixture
async def old_rows(database_url: str) -> str:
    """A database with links, copies, counters and proofs under the old key. Returns its URL."""
    database = Database(database_url, Vault([OLD]))
    vault = database.vault
    async with database.write() as session:
        session.add_all(Chat(chat_id=n, first_name_sealed=vault.seal(f"P{n}"), created_at=NOW) for n in range(LINKS))
    async with database.write() as session:
        session.add_all(
            Link(
                chat_id=n, contact_id=f"c-{n}", account_id=f"a-{n}", account_name_sealed=vault.seal(f"Compte {n}"),
                access="invoices", email_sealed=vault.seal(address_of(n)),
                email_hash=vault.hash("email", address_of(n)), wishes="", linked_at=NOW, chosen_at=NOW,
            )
            for n in range(LINKS)
        )  # fmt: skip
    async with database.write() as session:
        for link_id in (await session.exec(select(Link.link_id).order_by(Link.link_id).limit(3))).all():
            session.add(Copy(link_id=link_id, email_sealed=vault.seal("c@x.test"), language="fr", confirmed_at=NOW))
        for email in (address_of(0), FOREIGN):
            await proofs.count_wrong(session, email, NOW)
            await proofs.remember_proven(session, 0, email, NOW)
    await database.close()
    return database_url


async def test_everything_is_readable_without_the_old_key(old_rows: str) -> None:
    database = Database(old_rows, Vault([NEW, OLD]))
    async with database.write() as session:
        await proofs.count_wrong(session, address_of(0), NOW)  # counted under the new key

    done = await rotate(database)

    # Names and addresses, three copies; hashes of the links, one counter, one proof.
    assert done == Rotation(resealed=3 * LINKS + 3, rehashed=LINKS + 2, unreadable=0)
    assert await remaining(database) == 2, "the stranger's counter and proof"
    await database.close()

    alone = Database(old_rows, Vault([NEW]))
    async with alone.read() as session:
        assert await unreadable_chats(session) == frozenset()
        assert await proofs.wrong_codes(session, address_of(0)) == 2
        assert await proofs.was_proven(session, 0, address_of(0))
        (sealed,) = (await session.exec(select(Link.email_sealed).where(Link.chat_id == LINKS - 1))).all()
        assert alone.vault.open_or_none(sealed) == address_of(LINKS - 1)
        for table in SQLModel.metadata.sorted_tables:
            for column in [each for each in table.columns if each.name.endswith("_sealed")]:
                values = (await session.exec(select(table.primary_key.columns[0], column))).all()
                assert all(not sealed or alone.vault.is_newest(sealed) for _, sealed in values), column
    await alone.close()


async def test_a_second_rotation_changes_nothing(old_rows: str) -> None:
    database = Database(old_rows, Vault([NEW, OLD]))
    await rotate(database)

    assert await rotate(database) == Rotation()
    async with database.read() as session:
        guards = (await session.exec(select(func.count()).select_from(AddressGuard))).one()
        proven = (await session.exec(select(func.count()).select_from(ProvenAddress))).one()
    assert (guards, proven) == (2, 2)
    await database.close()


async def test_what_no_key_opens_stays_as_it_is(old_rows: str) -> None:
    database = Database(old_rows, Vault([NEW, Fernet.generate_key().decode()]))

    done = await rotate(database)

    assert (done.resealed, done.rehashed, done.unreadable) == (0, 0, 3 * LINKS + 3)
    await database.close()
    before = Database(old_rows, Vault([OLD]))
    async with before.read() as session:
        assert await unreadable_chats(session) == frozenset()
    await before.close()


async def test_a_row_that_changes_meanwhile_keeps_its_change(old_rows: str) -> None:
    """A replica seals an account's new name after the rotation has read the row, and before it writes it."""
    database = Database(old_rows, Vault([NEW, OLD]))
    beside = Database(old_rows, Vault([NEW, OLD]))
    write, renamed = database.write, False

    @asynccontextmanager
    async def rename_before(*args: object, **options: object) -> AsyncIterator[Session]:
        nonlocal renamed
        if not renamed:
            renamed = True
            async with beside.write() as session:
                name = beside.vault.seal("Nouveau nom")
                await session.change(update(Link).where(col(Link.chat_id) == 1).values(account_name_sealed=name))
        async with write() as session:
            yield session

    database.write = rename_before  # type: ignore[method-assign]
    await rotate(database)

    async with beside.read() as session:
        (sealed,) = (await session.exec(select(Link.account_name_sealed).where(Link.chat_id == 1))).all()
    assert beside.vault.open_or_none(sealed) == "Nouveau nom"
    await database.close()
    await beside.close()
