"""What a contact may read: the queries behind the API, and their two refusals."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeVar, cast

from sqlalchemy import func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from sandbox.portal import contract
from sandbox.portal.contract import Contact, Invoice, Order, Page, Part
from sandbox.portal.data.folding import email_key
from sandbox.portal.data.money import Language, decimal_text
from sandbox.portal.data.tables import AccessRow, AccountRow, ContactRow, InvoiceRow, LinkRow, OrderRow
from sandbox.portal.seed.generator import write_documents

Row = TypeVar("Row")


class NotAccessible(Exception):
    """No such contact, account, order or invoice exists for this contact."""


class PartNotAccessible(Exception):
    """The contact may see the account, but not its orders, or not its invoices."""


@dataclass(frozen=True)
class Paging:
    page: int
    page_size: int


@dataclass(frozen=True)
class InvoiceFilter:
    """Selects invoices. None does not filter. Both days are inclusive."""

    words: list[str]
    number: str | None = None
    order: str | None = None
    status: Literal["paid", "unpaid"] | None = None
    first_day: date | None = None
    last_day: date | None = None


def find_contacts(session: Session, email: str) -> list[Contact]:
    statement = select(ContactRow).where(ContactRow.email_key == email_key(email)).order_by(ContactRow.contact_id)
    return [_contact(session, row) for row in session.exec(statement)]


def read_contact(session: Session, contact_id: str) -> Contact:
    """Return a contact. Raises NotAccessible when it does not exist."""
    row = session.get(ContactRow, contact_id)
    if row is None:
        raise NotAccessible
    return _contact(session, row)


def open_account(session: Session, contact_id: str, account_id: str, part: Part) -> AccessRow:
    """Return the contact's access to a part of an account.

    Raises:
        NotAccessible: The contact may not see the account.
        PartNotAccessible: The contact may not see this part.
    """
    access = session.get(AccessRow, (contact_id, account_id))
    account = session.get(AccountRow, account_id) if access else None
    if access is None or account is None or account.closed:
        raise NotAccessible
    if not (access.orders if part == "orders" else access.invoices):
        raise PartNotAccessible
    if not account.documents_written:
        write_documents(session, account)
        session.commit()
    return access


def page_of_orders(
    session: Session, access: AccessRow, words: list[str], number: str | None, paging: Paging, portal_url: str
) -> Page[Order]:
    """Return a page of orders, newest start date first, those without dates last."""
    statement = select(OrderRow).where(OrderRow.account_id == access.account_id)
    if number is not None:
        statement = statement.where(OrderRow.number == number)
    for word in words:
        statement = statement.where(func.instr(OrderRow.search_text, word) > 0)
    statement = statement.order_by(col(OrderRow.start_date).desc(), col(OrderRow.order_id).desc())
    rows, total = _page(session, statement, paging)
    counts = _invoice_counts(session, access, [row.number for row in rows])
    items = [_order(row, counts, portal_url) for row in rows]
    return Page(items=items, page=paging.page, page_size=paging.page_size, total=total)


def read_order(session: Session, access: AccessRow, number: str, portal_url: str) -> Order:
    """Return an order. Raises NotAccessible when it does not exist."""
    statement = select(OrderRow).where(OrderRow.account_id == access.account_id, OrderRow.number == number)
    row = session.exec(statement).first()
    if row is None:
        raise NotAccessible
    return _order(row, _invoice_counts(session, access, [number]), portal_url)


def page_of_invoices(
    session: Session, access: AccessRow, wanted: InvoiceFilter, paging: Paging, portal_url: str
) -> Page[Invoice]:
    """Return a page of invoices, newest date first."""
    statement = select(InvoiceRow).where(InvoiceRow.account_id == access.account_id)
    if wanted.number is not None:
        statement = statement.where(InvoiceRow.number == wanted.number)
    for word in wanted.words:
        statement = statement.where(func.instr(InvoiceRow.search_text, word) > 0)
    if wanted.order is not None:
        statement = statement.where(InvoiceRow.order_number == wanted.order)
    if wanted.status is not None:
        is_open = col(InvoiceRow.balance_cents) > 0 if wanted.status == "unpaid" else col(InvoiceRow.balance_cents) <= 0
        statement = statement.where(is_open, col(InvoiceRow.ended_as).is_(None))
    if wanted.first_day:
        statement = statement.where(InvoiceRow.date >= wanted.first_day)
    if wanted.last_day:
        statement = statement.where(InvoiceRow.date <= wanted.last_day)
    statement = statement.order_by(col(InvoiceRow.date).desc(), col(InvoiceRow.invoice_id).desc())
    rows, total = _page(session, statement, paging)
    items = [invoice_as_sent(row, portal_url) for row in rows]
    return Page(items=items, page=paging.page, page_size=paging.page_size, total=total)


def read_invoice(session: Session, account_id: str, number: str) -> InvoiceRow:
    """Return an invoice. Raises NotAccessible when it does not exist."""
    statement = select(InvoiceRow).where(InvoiceRow.account_id == account_id, InvoiceRow.number == number)
    row = session.exec(statement).first()
    if row is None:
        raise NotAccessible
    return row


def invoice_as_sent(row: InvoiceRow, portal_url: str) -> Invoice:
    return Invoice(
        number=row.number,
        date=row.date,
        due_date=row.due_date,
        amount=decimal_text(row.amount_cents),
        balance=decimal_text(row.balance_cents),
        paid_on=row.paid_on,
        order_number=row.order_number,
        url=portal_url + row.path if row.path else None,
        status=_status(row),
        kind="credit_note" if row.amount_cents < 0 else "invoice",
        payment_reference=row.payment_reference,
    )


def summaries(session: Session, account_id: str, today: date) -> list[contract.Summary]:
    """Return what is open in the account: one item, in its one currency."""
    statement = select(InvoiceRow).where(
        InvoiceRow.account_id == account_id, col(InvoiceRow.balance_cents) > 0, col(InvoiceRow.ended_as).is_(None)
    )
    rows = session.exec(statement).all()
    overdue = [row for row in rows if row.due_date is not None and row.due_date < today]
    return [
        contract.Summary(
            currency="CAD",
            open_balance=decimal_text(sum(row.balance_cents for row in rows)),
            open_count=len(rows),
            overdue_balance=decimal_text(sum(row.balance_cents for row in overdue)),
            overdue_count=len(overdue),
            next_due_date=min((row.due_date for row in rows if row.due_date and row.due_date >= today), default=None),
        )
    ]


def _status(row: InvoiceRow) -> contract.InvoiceStatus:
    if row.ended_as == "cancelled":
        return "cancelled"
    if row.ended_as == "credited":
        return "credited"
    return "open" if row.balance_cents > 0 else "paid"


def menu(session: Session, language: Language, portal_url: str) -> list[contract.Link]:
    statement = select(LinkRow).where(LinkRow.language == language).order_by(col(LinkRow.position))
    return [
        contract.Link(key=row.key, title=row.title, url=portal_url + row.url if row.url[0] == "/" else row.url)
        for row in session.exec(statement)
    ]


def _contact(session: Session, row: ContactRow) -> Contact:
    statement = (
        select(AccessRow, AccountRow.name)
        .join(AccountRow, col(AccountRow.account_id) == AccessRow.account_id)
        .where(AccessRow.contact_id == row.contact_id, col(AccountRow.closed).is_(False))
        .order_by(col(AccessRow.position), col(AccessRow.account_id))
    )
    accounts = [
        contract.AccountAccess(account_id=access.account_id, name=name, access=_parts(access))
        for access, name in session.exec(statement)
    ]
    return Contact(
        contact_id=row.contact_id,
        email=row.email,
        name=row.name,
        language="en" if row.language == "en" else "fr",
        accounts=accounts,
    )


def _parts(access: AccessRow) -> list[Part]:
    parts: list[Part] = []
    if access.orders:
        parts.append("orders")
    if access.invoices:
        parts.append("invoices")
    return parts


def _page(session: Session, statement: "SelectOfScalar[Row]", paging: Paging) -> tuple[list[Row], int]:
    total = session.exec(select(func.count()).select_from(statement.order_by(None).subquery())).one()
    skipped = (paging.page - 1) * paging.page_size
    if skipped >= total:  # also for page numbers beyond SQLite's integers
        return [], total
    return list(session.exec(statement.offset(skipped).limit(paging.page_size))), total


def _invoice_counts(session: Session, access: AccessRow, numbers: list[str]) -> dict[str, int]:
    # A contact without access to invoices may not see their count.
    if not access.invoices or not numbers:
        return {}
    statement: Any = (
        select(InvoiceRow.order_number, func.count())
        .where(InvoiceRow.account_id == access.account_id, col(InvoiceRow.order_number).in_(numbers))
        .group_by(col(InvoiceRow.order_number))
    )
    return dict(session.exec(statement).all())


def _order(row: OrderRow, invoice_counts: dict[str, int], portal_url: str) -> Order:
    return Order(
        number=row.number,
        start_date=row.start_date,
        end_date=row.end_date,
        progress=row.progress,
        lines=[contract.OrderLine(quantity=quantity, description=text) for quantity, text in row.lines],
        invoice_count=invoice_counts.get(row.number, 0),
        url=portal_url + row.path if row.path else None,
        title=row.title,
        amount=decimal_text(row.amount_cents) if row.amount_cents is not None else None,
        currency="CAD" if row.amount_cents is not None else None,
        status=cast(contract.OrderStatus | None, row.status),
    )
