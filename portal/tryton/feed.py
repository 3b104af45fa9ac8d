"""The event feed of a Tryton server: issued and paid invoices, read from a cursor on.

Issued: posting makes a move (an entry in the books) with a growing id, and the strict sequence that numbers invoices
holds its lock until the commit, so moves appear in order of their ids. Paid: Tryton writes to the invoice when its last
line is reconciled. Write times do not appear in order, so each read starts two minutes before the last one, and skips
the payments that were reported already.
"""

import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from portal.events import EventPage, FeedCursor, read_cursor
from portal.tryton.papers import issued
from portal.tryton.rows import read
from portal.tryton.wire import Domain, Row, TrytonWire

_INVOICE = "account.invoice"
_FIELDS = ("number", "party", "move.create_date", "create_date", "write_date", "lines_to_pay.reconciliation")
_IN_FLIGHT = datetime.timedelta(minutes=2)
"""How long a transaction in Tryton may take before its commit."""
_RawEvent = dict[str, Any]
"""The fields of an ``Event``; ``EventPage`` validates each by itself."""


class _Cursor(FeedCursor):
    """A position in the feed of a company in a database.

    Attributes:
        move: The id of the last move that was reported.
        paid_at: The write time after which payments are read.
        paid_id: The invoice after which they are read, among those with that time.
        told: The invoices after that position whose payment was reported already.
    """

    move: int = 0
    paid_at: datetime.datetime = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    paid_id: int = 0
    told: tuple[int, ...] = ()


class _Move(BaseModel):
    id: int
    create_date: datetime.datetime | None = None


class _ToPay(BaseModel):
    reconciliation: int | None = None


class _EventRow(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    id: int
    number: Any
    party: Any
    move: _Move
    create_date: datetime.datetime
    write_date: datetime.datetime | None = None
    lines_to_pay: tuple[_ToPay, ...] = ()

    @property
    def account_id(self) -> Any:
        return self.party.get("id") if isinstance(self.party, dict) else self.party

    @property
    def written_at(self) -> datetime.datetime:
        return self.write_date or self.create_date


class TrytonFeed:
    """Reads the feed of one company in one database. ``of`` names both, and is part of each cursor."""

    def __init__(self, wire: TrytonWire, company: int, of: str) -> None:
        self._wire = wire
        self._company = company
        self._of = of

    async def read(self, after: str | None, limit: int) -> EventPage:
        """See ``Portal.events``."""
        if not after:
            return EventPage(items=(), cursor=(await self._now()).written())
        cursor = read_cursor(_Cursor, after, self._of)
        new = await self._search([["move", ">", cursor.move]], (("move.id", "ASC"),), limit)
        events = [_issued(row) for row in new]
        move = max([cursor.move, *(row.move.id for row in new)])
        moved = cursor.model_copy(update={"move": move})
        if len(events) < limit:
            paid, moved = await self._paid(moved, limit - len(events))
            events += paid
        events.sort(key=lambda event: event["occurred_at"])
        return EventPage.model_validate({"items": events, "cursor": moved.written()})

    async def _now(self) -> _Cursor:
        newest = await self._search([], (("move.id", "DESC"),), 1)
        paid = await self._search(_PAID, (("write_date", "DESC"), ("id", "DESC")), 1)
        move = newest[0].move.id if newest else 0
        if not paid:
            return _Cursor(of=self._of, move=move)
        since = paid[0].written_at - _IN_FLIGHT
        known = await self._search(_after(since, 0), _BY_TIME, 1000)
        return _Cursor(of=self._of, move=move, paid_at=since, told=tuple(row.id for row in known))

    async def _paid(self, cursor: _Cursor, limit: int) -> tuple[list[_RawEvent], _Cursor]:
        size = limit + len(cursor.told)
        rows = await self._search(_after(cursor.paid_at, cursor.paid_id), _BY_TIME, size)
        new = [row for row in rows if row.id not in cursor.told][:limit]
        events = [_paid(row) for row in new]
        if not new:
            return events, cursor
        if len(rows) == size or len(new) == limit:  # more payments may follow: continue after the last one reported
            since, after = new[-1].written_at, new[-1].id
            told = tuple(row.id for row in rows if row.id in cursor.told and row.written_at >= since)
        else:
            since = max(cursor.paid_at, rows[-1].written_at - _IN_FLIGHT)
            after = cursor.paid_id if since == cursor.paid_at else 0
            told = tuple(row.id for row in rows if row.written_at > since)
        return events, cursor.model_copy(update={"paid_at": since, "paid_id": after, "told": told})

    async def _search(self, domain: Domain, order: tuple[tuple[str, str], ...], size: int) -> list[_EventRow]:
        whole = [["company", "=", self._company], *issued(), *domain]
        rows: list[Row] = await self._wire.search(_INVOICE, whole, _FIELDS, order=order, size=size)
        return [read(_EventRow, row) for row in rows]


# A credit note is used rather than paid, and has no event.
_PAID: Domain = [["state", "=", "paid"], ["total_amount", ">", 0]]
_BY_TIME = (("write_date", "ASC"), ("id", "ASC"))


def _after(since: datetime.datetime, record: int) -> Domain:
    later = ["OR", ["write_date", ">", since], [["write_date", "=", since], ["id", ">", record]]]
    return [*_PAID, later]


def _issued(row: _EventRow) -> _RawEvent:
    return {
        "id": f"issued-{row.move.id}",
        "type": "invoice.issued",
        "occurred_at": row.move.create_date or row.written_at,
        "account_id": row.account_id,
        "number": row.number,
    }


def _paid(row: _EventRow) -> _RawEvent:
    """The id has the reconciliation, so that a later write to the invoice makes no second event."""
    last = max((line.reconciliation or 0 for line in row.lines_to_pay), default=0)
    return {
        "id": f"paid-{row.id}-{last}",
        "type": "invoice.paid",
        "occurred_at": row.written_at,
        "account_id": row.account_id,
        "number": row.number,
    }
