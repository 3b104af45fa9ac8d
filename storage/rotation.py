"""Seals and hashes anew what older keys sealed and hashed, while the bot runs, so that these keys can be taken away.

It can be stopped at any time and run again: what is under the newest key is left as it is.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Column, Table, and_, func, tuple_, update
from sqlmodel import col, select

from storage.database import Database, Session
from storage.health.keys import sealed_columns
from storage.papers import saved_answers
from storage.tables import AddressGuard, Code, Link, ProvenAddress, SavedAnswer

_BATCH = 200


class Rotation(Struct):
    """What a rotation did, counted in columns; ``unreadable`` are those that no key opens."""

    resealed: int = 0
    rehashed: int = 0
    unreadable: int = 0


async def rotate(database: Database) -> Rotation:
    """Bring everything stored under the newest key.

    The hash of a code, and the counters of an address that nobody is linked to, cannot be computed anew. ``remaining``
    counts them.
    """
    done = Rotation()
    for table, columns in sealed_columns():
        await _reseal(database, table, columns, done)
    await _rehash(database, done)
    return done


async def remaining(database: Database) -> int:
    """Return the number of codes, counters and proofs that may be stored under an older key."""
    known_emails: set[str] = set()
    known_chats: set[str] = set()
    async with database.read() as session:
        for sealed, chat_id in (await session.exec(select(col(Link.email_sealed), col(Link.chat_id)))).all():
            email = session.vault.open_or_none(sealed)
            known_emails |= {session.vault.hash("email", email)} if email is not None else set()
            known_chats.add(session.vault.hash("chat", str(chat_id)))
        guards = (await session.exec(select(col(AddressGuard.email_hash)))).all()
        proofs = (await session.exec(select(col(ProvenAddress.email_hash), col(ProvenAddress.chat_hash)))).all()
        codes = (await session.exec(select(func.count()).select_from(Code))).one()
    strangers = sum(hashed not in known_emails for hashed in guards)
    former = sum(email not in known_emails or chat not in known_chats for email, chat in proofs)
    return codes + strangers + former


async def _reseal(database: Database, table: Table, columns: Sequence[Column[Any]], done: Rotation) -> None:
    async for key, rows in _batches(database, table, columns):
        changes = []
        for row in rows:
            for column, sealed in zip(columns, row[len(key) :], strict=True):
                if not sealed or database.vault.is_newest(sealed):
                    continue
                text = database.vault.open_or_none(sealed)
                if text is None:
                    done.unreadable += 1
                    continue
                this = and_(*(part == value for part, value in zip(key, row, strict=False)))
                # The row may have been changed or deleted since it was read.
                changes.append(update(table).where(this, column == sealed).values({column: database.vault.seal(text)}))
        if changes:
            async with database.write() as session:
                for change in changes:
                    done.resealed += await session.change(change)


async def _batches(
    database: Database, table: Table, columns: Sequence[Column[Any]]
) -> AsyncIterator[tuple[Sequence[Column[Any]], Sequence[Any]]]:
    """Yield the table's primary key, and its rows in batches: the values of the key, then those of the columns."""
    key = list(table.primary_key.columns)
    query = select(*key, *columns).order_by(*key).limit(_BATCH)
    after: Sequence[Any] = ()
    while True:
        page = query.where(tuple_(*key) > tuple_(*after)) if after else query
        async with database.read() as session:
            rows = (await session.exec(page)).all()
        if rows:
            yield key, rows
        if len(rows) < _BATCH:
            return
        after = rows[-1][: len(key)]


async def _rehash(database: Database, done: Rotation) -> None:
    """Compute the hashes anew of the addresses and chats that are known from links and codes, and of saved answers."""
    links, codes, answers = Link.__table__, Code.__table__, SavedAnswer.__table__  # type: ignore[attr-defined]
    async for _, rows in _batches(database, links, [links.c.email_sealed, links.c.email_hash, links.c.chat_id]):
        async with database.write() as session:
            for link_id, sealed, hashed, chat_id in rows:
                email = session.vault.open_or_none(sealed)
                if email is None:
                    continue
                newest = session.vault.hash("email", email)
                if hashed != newest:
                    this = update(Link).where(col(Link.link_id) == link_id, col(Link.email_hash) == hashed)
                    done.rehashed += await session.change(this.values(email_hash=newest))
                done.rehashed += await _move_counters(session, email)
                done.rehashed += await _move_proofs(session, chat_id, email)
    async for _, rows in _batches(database, codes, [codes.c.email_sealed, codes.c.email_hash, codes.c.chat_id]):
        async with database.write() as session:
            for code_id, sealed, hashed, chat_id in rows:
                email = session.vault.open_or_none(sealed) if sealed else None
                if email is None or hashed == session.vault.hash("email", email):
                    continue
                values = {"email_hash": session.vault.hash("email", email)}
                if chat_id:
                    values["chat_hash"] = session.vault.hash("chat", str(chat_id))
                this = update(Code).where(col(Code.code_id) == code_id, col(Code.email_hash) == hashed)
                done.rehashed += await session.change(this.values(**values))
                done.rehashed += await _move_counters(session, email)

    async for _, rows in _batches(database, answers, [answers.c.answer_sealed]):
        for link_id, key_hash, sealed in rows:
            wanted = saved_answers.newest_hash(database.vault, sealed)
            if wanted is not None and wanted != key_hash:
                async with database.write() as session:  # one for each: it locks the link
                    done.rehashed += await saved_answers.rehash(session, link_id, key_hash, wanted)


async def _move_counters(session: Session, email: str) -> int:
    """Move an address's counters under the newest key, and add them to those that stand there."""
    newest, *older = session.vault.hashes("email", email)
    found = (await session.exec(select(AddressGuard).where(col(AddressGuard.email_hash).in_(older)))).all()
    for guard in found:
        await session.insert_if_absent(AddressGuard, email_hash=newest, wrong_codes=0, changed_at=guard.changed_at)
        here = update(AddressGuard).where(col(AddressGuard.email_hash) == newest)
        warned = func.coalesce(col(AddressGuard.warned_at), guard.warned_at)
        wrong = col(AddressGuard.wrong_codes) + guard.wrong_codes
        await session.change(here.values(wrong_codes=wrong, warned_at=warned))
        await session.delete(guard)
    return len(found)


async def _move_proofs(session: Session, chat_id: int, email: str) -> int:
    """Move the proof that a chat was linked through an address under the newest key."""
    chats, emails = session.vault.hashes("chat", str(chat_id)), session.vault.hashes("email", email)
    pair = select(ProvenAddress).where(
        col(ProvenAddress.chat_hash).in_(chats), col(ProvenAddress.email_hash).in_(emails)
    )
    moved = 0
    for proof in (await session.exec(pair)).all():
        if (proof.chat_hash, proof.email_hash) != (chats[0], emails[0]):
            await session.insert_if_absent(
                ProvenAddress, chat_hash=chats[0], email_hash=emails[0], proven_at=proof.proven_at
            )
            await session.delete(proof)
            moved += 1
    return moved
