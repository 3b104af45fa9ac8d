"""Lists accounts with their contacts, orders and invoices, for the control API and the web page."""

from typing import Any

from sqlmodel import Session, col, select

from sandbox.portal.company import Portal
from sandbox.portal.data.money import decimal_text
from sandbox.portal.data.tables import AccessRow, AccountRow, ContactRow, InvoiceRow, OrderRow
from sandbox.portal.seed.generator import write_documents


def accounts(portal: Portal, generated: bool, limit: int, offset: int) -> list[dict[str, Any]]:
    """List the hand-made accounts, closed ones included, or the generated ones. It writes their missing documents."""
    is_generated = col(AccountRow.generated_index).is_not(None)
    statement = select(AccountRow).where(is_generated if generated else ~is_generated)
    statement = statement.order_by(col(AccountRow.account_id)).limit(limit).offset(offset)
    with portal.database.session() as session:
        listed = [_account(session, row) for row in session.exec(statement).all()]
        session.commit()
    return listed


def _account(session: Session, row: AccountRow) -> dict[str, Any]:
    if not row.documents_written:
        write_documents(session, row)
    contacts = (
        select(ContactRow, AccessRow)
        .join(AccessRow, col(AccessRow.contact_id) == ContactRow.contact_id)
        .where(AccessRow.account_id == row.account_id)
    )
    orders = select(OrderRow).where(OrderRow.account_id == row.account_id).order_by(col(OrderRow.order_id))
    invoices = select(InvoiceRow).where(InvoiceRow.account_id == row.account_id)
    return {
        "account_id": row.account_id,
        "name": row.name,
        "closed": row.closed,
        "contacts": [
            {
                "contact_id": contact.contact_id,
                "email": contact.email,
                "language": contact.language,
                "orders": access.orders,
                "invoices": access.invoices,
            }
            for contact, access in session.exec(contacts)
        ],
        "orders": [
            {"number": order.number, "end_date": order.end_date, "progress": order.progress}
            for order in session.exec(orders)
        ],
        "invoices": [
            {
                "number": invoice.number,
                "date": invoice.date,
                "amount": decimal_text(invoice.amount_cents),
                "balance": decimal_text(invoice.balance_cents),
                "order_number": invoice.order_number,
            }
            for invoice in session.exec(invoices.order_by(col(InvoiceRow.date).desc()))
        ],
    }
