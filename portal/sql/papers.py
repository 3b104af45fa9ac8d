"""The queries of orders and invoices. Every one of them has ``access.owned`` as a condition."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, not_, or_, select

from portal.client import Reader
from portal.errors import NotFound, PortalBroken
from portal.fields import MOST_ROWS, readable_rows
from portal.models import MOST_LINES, InvoiceSummary, Part, Status
from portal.numbers import checked, is_same
from portal.sql.access import check_access, check_owner, owned
from portal.sql.conditions import (
    Condition,
    contains,
    equals,
    equals_any,
    exact,
    number as number_of,
    on_or_after,
    on_or_before,
    same_ignoring_case,
    word,
)
from portal.sql.database.pool import Reading
from portal.sql.inspection import Row, View
from portal.sql.search import in_texts, matches
from portal.sql.times import today
from portal.sql.views import INVOICES, LINES, ORDERS

_MOST_OFFSET = 2**31
_TOTAL = "rows_in_all"
_MOST_LINES_OF_A_PAGE = 4 * MOST_LINES
_CREDIT = ("credit_note", "creditnote", "credit")
_ENDED = ("cancelled", "canceled", "credited")
_SETTLED = (*_ENDED, "paid")


@dataclass(frozen=True, slots=True)
class InvoiceFilter:
    """Which invoices are asked for; see ``Papers.invoices``."""

    query: str = ""
    order: str | None = None
    status: Status | None = None
    since: date | None = None
    until: date | None = None


async def page_of_orders(reading: Reading, reader: Reader, page: int, size: int, query: str) -> Row:
    """Return a page of orders with their lines, newest start first, as ``Page`` reads it."""
    view = reading.view(ORDERS)
    conditions = [owned(reading.views, view, reader, Part.ORDERS)]
    asked = matches(
        view, query, lambda word: _in_order(reading, reader, word), days=("start_date", "end_date"), amount="amount"
    )
    found = await _page(reading, reader, view, [*conditions, *_given(asked)], Part.ORDERS, page, size)
    found["items"] = await _with_lines(reading, reader, found["items"])
    return found


async def order(reading: Reading, reader: Reader, number: str) -> Row:
    """Return an order with its lines; raises ``NotFound`` and ``Forbidden``."""
    row = await _numbered(reading, reader, ORDERS, Part.ORDERS, number)
    return (await _with_lines(reading, reader, [row]))[0]


async def page_of_invoices(reading: Reading, reader: Reader, page: int, size: int, asked: InvoiceFilter) -> Row:
    """Return a page of invoices, newest date first, as ``Page`` reads it."""
    view = reading.view(INVOICES)
    searched = matches(
        view, asked.query, lambda word: in_texts(view, word, ("number", "order_number")),
        days=("date", "due_date", "paid_on"), amount="amount",
    )  # fmt: skip
    conditions = [owned(reading.views, view, reader, Part.INVOICES), *_given(searched)]
    if asked.order is not None:
        conditions.append(_of_order(view, asked.order))
    if asked.status is not None:
        conditions.append(is_unpaid(view) if asked.status is Status.UNPAID else is_paid(view))
    if asked.since is not None:
        conditions.append(on_or_after(view, "date", asked.since))
    if asked.until is not None:
        conditions.append(on_or_before(view, "date", asked.until))
    found = await _page(reading, reader, view, conditions, Part.INVOICES, page, size)
    found["items"] = [as_invoice(row) for row in found["items"]]
    return found


async def invoice(reading: Reading, reader: Reader, number: str) -> Row:
    """Return an invoice; raises ``NotFound`` and ``Forbidden``."""
    return as_invoice(await _numbered(reading, reader, INVOICES, Part.INVOICES, number))


async def summary(reading: Reading, reader: Reader) -> tuple[InvoiceSummary, ...]:
    """Return what is open by currency, overdue by the day at the database's server."""
    view = reading.view(INVOICES)
    currency = func.coalesce(func.upper(func.trim(view["currency"])), "CAD") if view.has("currency") else None
    day = today(view.dialect)
    balance = number_of(view, "balance")
    due = _day_of(view, "due_date") if view.has("due_date") else None
    columns: list[ColumnElement[Any]] = [func.sum(balance).label("open_balance"), func.count().label("open_count")]
    if due is not None:
        columns += [
            func.sum(case((due < day, balance), else_=0)).label("overdue_balance"),
            func.sum(case((due < day, 1), else_=0)).label("overdue_count"),
            func.min(case((due >= day, due))).label("next_due_date"),
        ]
    statement = select(*columns).select_from(view.table).where(
        owned(reading.views, view, reader, Part.INVOICES), is_unpaid(view)
    )  # fmt: skip
    if currency is not None:
        statement = statement.add_columns(currency.label("of_currency")).group_by(currency).order_by(currency)
    rows = [row for row in await reading.rows(view, statement, MOST_ROWS) if row["open_count"]]
    if not rows:
        await check_access(reading, reader, Part.INVOICES)
    nothing = {"overdue_balance": 0, "overdue_count": 0}
    named = [nothing | row | {"currency": row.get("of_currency") or "CAD"} for row in rows]
    return tuple(readable_rows(InvoiceSummary, named, MOST_ROWS))


def is_unpaid(view: View) -> Condition:
    """Whether somebody has to pay an invoice, as ``Invoice.is_unpaid`` says it."""
    open_ = word(view, "status").not_in(_SETTLED) if view.has("status") else None
    return and_(number_of(view, "balance") > 0, *_given(open_), not_(_is_credit_note(view)))


def is_paid(view: View) -> Condition:
    """Whether an invoice is neither to be paid nor cancelled nor credited."""
    ended = word(view, "status").not_in(_ENDED) if view.has("status") else None
    return and_(not_(is_unpaid(view)), *_given(ended))


def _is_credit_note(view: View) -> Condition:
    gives_back = number_of(view, "amount") < 0
    if not view.has("kind"):
        return gives_back
    kind = word(view, "kind")
    return or_(kind.in_(_CREDIT), and_(gives_back, kind != "invoice"))


def as_invoice(row: Row) -> Row:
    """Return a row for ``Invoice``. A credit note has no balance, although its view may compute one."""
    amount, kind = row.get("amount"), str(row.get("kind") or "").strip().lower().replace("-", "_").replace(" ", "_")
    is_negative = isinstance(amount, int | float) or hasattr(amount, "is_signed")
    if kind in _CREDIT or (is_negative and amount is not None and amount < 0 and kind != "invoice"):
        row = row | {"balance": 0}
    return row


async def _page(
    reading: Reading,
    reader: Reader,
    view: View,
    conditions: Sequence[Condition],
    part: Part,
    page: int,
    size: int,
) -> Row:
    """Read a page and the total. A list is counted in its index; a search goes through its rows only once."""
    size = max(1, min(size, MOST_ROWS))
    first = (page - 1) * size
    newest = _newest(view).where(*conditions).offset(min(first, _MOST_OFFSET))
    rows: list[Row] = []
    if len(conditions) > 1:
        rows = await reading.rows(view, newest.add_columns(func.count().over().label(_TOTAL)), size)
    total = rows[0][_TOTAL] if rows else 0
    is_known = rows or (len(conditions) > 1 and not first)
    if not is_known:
        total = await reading.value(view, select(func.count()).select_from(view.table).where(*conditions))
        if first < min(total, _MOST_OFFSET):
            rows = await reading.rows(view, newest, size)
    if not total:
        await check_access(reading, reader, part)
    check_owner(rows, reader)
    return {"items": rows, "page": page, "page_size": size, "total": total}


async def _numbered(reading: Reading, reader: Reader, name: str, part: Part, number: str) -> Row:
    """Return the row with a number: exactly this one, or the only one that has it in another case."""
    view, number = reading.view(name), checked(number)
    mine = owned(reading.views, view, reader, part)
    rows = await reading.rows(view, _newest(view).where(mine, equals(view, "number", number)), 1)
    if not rows:
        alike = _newest(view).where(mine, same_ignoring_case(view, "number", number))
        rows = [row for row in await reading.rows(view, alike, 10) if is_same(row["number"] or "", number)]
        if len(rows) > 1:
            raise NotFound(f"{part.value}: several have this number in another case")
    if not rows:
        await check_access(reading, reader, part)
        raise NotFound(f"{part.value}: none has this number")
    check_owner(rows, reader)
    return rows[0]


def _newest(view: View) -> Select[Any]:
    """Return the query of a view's rows, newest first; rows of one day by their number."""
    newest = "date" if view.name == INVOICES else next((n for n in ("start_date", "created_at") if view.has(n)), None)
    days: list[Any] = [] if newest is None else [view[newest].desc()]
    if newest is not None and view.name == ORDERS:
        days.insert(0, view[newest].is_(None))  # PostgreSQL's descending order begins with null
    return view.select().order_by(*days, view["number"].desc())


async def _with_lines(reading: Reading, reader: Reader, orders: Sequence[Row]) -> list[Row]:
    """Add their lines and the number of their invoices to orders."""
    numbers = [str(row["number"]) for row in orders if row["number"] is not None]
    lines = await _lines(reading, reader, numbers) if numbers else {}
    counts = await _invoice_counts(reading, reader, numbers) if numbers else {}
    return [
        row
        | {"lines": lines.get(row["number"], [])}
        | ({"invoice_count": counts.get(row["number"], 0)} if counts is not None else {})
        for row in orders
    ]


async def _lines(reading: Reading, reader: Reader, numbers: Sequence[str]) -> dict[str, list[Row]]:
    view = reading.views.get(LINES)
    if view is None:
        return {}
    mine = owned(reading.views, view, reader, Part.ORDERS)
    places = [view["position"]] if view.has("position") else []
    statement = view.select().where(mine, equals_any(view, "order_number", numbers)).order_by(*places)
    rows = await reading.rows(view, statement, _MOST_LINES_OF_A_PAGE)
    if len(rows) == _MOST_LINES_OF_A_PAGE:
        raise PortalBroken(f"{view.name}: {len(rows)} lines or more for the orders of one page")
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["order_number"], []).append(row)
    return found


async def _invoice_counts(reading: Reading, reader: Reader, numbers: Sequence[str]) -> dict[str, int] | None:
    """Count the invoices of orders, none for a reader who may not see invoices; None where the view has no orders."""
    view = reading.view(INVOICES)
    if not view.has("order_number"):
        return None
    mine = owned(reading.views, view, reader, Part.INVOICES)
    statement = select(view["order_number"].label("order_number"), func.count().label("invoices"))
    statement = statement.select_from(view.table).where(mine, equals_any(view, "order_number", numbers))
    rows = await reading.rows(view, statement.group_by(view["order_number"]), MOST_ROWS)
    return {row["order_number"]: row["invoices"] for row in rows}


def _in_order(reading: Reading, reader: Reader, word: str) -> Condition:
    """Whether a word is in an order's number or title, or in one of its lines."""
    view, lines = reading.view(ORDERS), reading.views.get(LINES)
    conditions = [in_texts(view, word, ("number",))]
    conditions += [contains(view, "title", word, folds=True)] if view.has("title") else []
    if lines is not None:
        mine = [equals(lines, "account_id", reader.account_id), contains(lines, "description", word, folds=True)]
        named = select(exact(lines, "order_number")).select_from(lines.table).where(*mine)
        conditions.append(exact(view, "number").in_(named))
    return or_(*conditions)


def _of_order(view: View, order: str) -> Condition:
    if not view.has("order_number"):
        return false()
    return same_ignoring_case(view, "order_number", order)


def _day_of(view: View, name: str) -> ColumnElement[Any]:
    return func.date(view[name])


def _given(condition: Condition | None) -> list[Condition]:
    return [] if condition is None else [condition]
