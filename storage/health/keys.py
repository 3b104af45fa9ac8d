"""Tries the keys on what is stored: after a key was taken away, chats have to link again."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Column, Table, select
from sqlmodel import SQLModel, col

from storage.database import Database, Session
from storage.tables import Copy, Link

_BATCH = 500
_SEALED = "_sealed"


class TableTrial(Struct, frozen=True):
    """How many sampled rows of a table have sealed columns, and how many of these have one that no key opens."""

    tried: int
    unreadable: int


class KeyTrial(Struct, frozen=True):
    """What the keys open of a sample of each table that has sealed columns; ``tables`` is by the table's name."""

    tables: Mapping[str, TableTrial]
    chats: frozenset[int]
    """The chats of the sampled links of which a link or a bookkeeper's copy has a column that no key opens."""

    @property
    def total(self) -> TableTrial:
        """The numbers of all tables together."""
        found = self.tables.values()
        return TableTrial(sum(each.tried for each in found), sum(each.unreadable for each in found))

    @property
    def is_wrong_key(self) -> bool:
        """Whether no sampled link opens or, where there are no links, no sampled row of any table.

        A process with a wrong key seals what arrives meanwhile, such as updates and codes, and opens that.
        """
        links = self.tables["links"]
        decisive = links if links.tried else self.total
        return 0 < decisive.tried == decisive.unreadable


def sealed_columns() -> list[tuple[Table, list[Column[Any]]]]:
    """Return each table that has sealed columns, with these."""
    tables = SQLModel.metadata.sorted_tables
    found = [(table, [column for column in table.columns if column.name.endswith(_SEALED)]) for table in tables]
    return [(table, columns) for table, columns in found if columns]


async def sample_keys(database: Database, size: int) -> KeyTrial:
    """Try the keys on the ``size`` oldest and the ``size`` newest rows of each table. A row takes about 0.1 ms."""
    tables = {}
    async with database.read() as session:
        for table, columns in sealed_columns():
            key = list(table.primary_key.columns)
            query = select(*key, *columns).limit(size)
            rows = {
                tuple(row[: len(key)]): row[len(key) :]
                for order in (key, [part.desc() for part in key])
                for row in (await session.exec(query.order_by(*order))).all()  # type: ignore[call-overload]
            }
            tried = [_is_unreadable(session, sealed) for sealed in rows.values() if any(sealed)]
            tables[table.name] = TableTrial(len(tried), sum(tried))
        found = [
            row
            for order in (col(Link.link_id), col(Link.link_id).desc())
            for row in (await session.exec(_COLUMNS.order_by(order).limit(size))).all()  # type: ignore[call-overload]
        ]
        chats = frozenset(chat_id for _, chat_id, *sealed in found if _is_unreadable(session, sealed))
    return KeyTrial(tables, chats)


async def unreadable_chats(session: Session) -> frozenset[int]:
    """Return the chats that have a column which no key opens. A link takes about 0.1 ms."""
    unreadable: set[int] = set()
    after = 0
    while True:
        page = _COLUMNS.where(col(Link.link_id) > after).order_by(col(Link.link_id)).limit(_BATCH)
        found = (await session.exec(page)).all()  # type: ignore[call-overload]
        for link_id, chat_id, *sealed in found:
            after = link_id or after
            if _is_unreadable(session, sealed):
                unreadable.add(chat_id)
        if len(found) < _BATCH:
            return frozenset(unreadable)


_COLUMNS = select(
    col(Link.link_id), col(Link.chat_id), col(Link.email_sealed), col(Link.account_name_sealed), col(Copy.email_sealed)
).outerjoin(Copy, col(Copy.link_id) == col(Link.link_id))


def _is_unreadable(session: Session, sealed: Sequence[str | None]) -> bool:
    return any(each and not session.vault.opens(each) for each in sealed)
