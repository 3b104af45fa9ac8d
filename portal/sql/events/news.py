"""The events of a changed row. Their ids are the same whenever the row is read again.

A row is read again at each of its changes, so what is told as new or as paid is bounded: by the begin of the feed, and
by a week before the change. Otherwise an update of all rows would tell each old invoice as a new one.
"""

import datetime
import hashlib
from typing import Any

from pydantic import ValidationError

from portal.events import EventType
from portal.models import Invoice, InvoiceStatus
from portal.sql.papers import as_invoice
from portal.sql.times import read_moment

RawEvent = dict[str, Any]
"""The fields of an ``Event``; ``EventPage`` validates each by itself."""

_NEW_FOR = datetime.timedelta(days=7)
_DAY = datetime.timedelta(days=1)
_AT_ONCE = datetime.timedelta(minutes=2)
"""A change that soon after the issue is a part of it."""


def invoice_news(row: RawEvent, at: datetime.datetime, begun: datetime.datetime) -> list[RawEvent]:
    """Return the events of an invoice that changed at ``at``, in the feed that was begun at ``begun``."""
    changed = _event(EventType.INVOICE_CHANGED, row, at, f"changed-{_reference(row)}-{at.isoformat()}")
    try:
        invoice = Invoice.model_validate(as_invoice(row))
    except ValidationError:
        return [changed]
    if invoice.state is InvoiceStatus.CANCELLED:
        return [_event(EventType.INVOICE_CANCELLED, row, at, f"cancelled-{_reference(row)}")]
    issued_at = read_moment(row.get("issued_at")) or read_moment(row.get("created_at"))
    news = []
    if issued_at is not None and _is_new(issued_at, at, begun):
        news.append(_event(EventType.INVOICE_ISSUED, row, min(issued_at, at), f"issued-{_reference(row)}"))
    paid_on = invoice.paid_on
    is_paid = invoice.state is InvoiceStatus.PAID and not invoice.is_credit_note and invoice.amount > 0
    if is_paid and paid_on is not None and paid_on >= max(begun - _DAY, at - _NEW_FOR).date():
        news.append(_event(EventType.INVOICE_PAID, row, at, f"paid-{_reference(row)}-{paid_on}"))
    elif not news or (issued_at is not None and at - issued_at > _AT_ONCE):
        news.append(changed)
    return news


def order_news(row: RawEvent, at: datetime.datetime, begun: datetime.datetime) -> list[RawEvent]:
    """Return the event of an order that changed at ``at``."""
    created_at = read_moment(row.get("created_at"))
    news = []
    if created_at is not None and _is_new(created_at, at, begun):
        news.append(_event(EventType.ORDER_CREATED, row, min(created_at, at), f"created-{_reference(row)}"))
    if not news or (created_at is not None and at - created_at > _AT_ONCE):
        news.append(_event(EventType.ORDER_CHANGED, row, at, f"order-changed-{_reference(row)}-{at.isoformat()}"))
    return news


def contact_news(row: RawEvent, at: datetime.datetime, _begun: datetime.datetime) -> list[RawEvent]:
    """Return the event of a contact's access that changed at ``at``."""
    who = row.get("contact_id")
    named = hashlib.sha256(f"{who}\0{row.get('account_id')}".encode()).hexdigest()[:24]
    event = _event(EventType.CONTACT_CHANGED, row, at, f"contact-changed-{named}-{at.isoformat()}")
    return [event | {"contact_id": who, "number": None}]


def _is_new(made_at: datetime.datetime, at: datetime.datetime, begun: datetime.datetime) -> bool:
    """Whether what was made is news: a column may have the day only, which begins up to a day before."""
    return made_at >= begun - _DAY and at - made_at <= _NEW_FOR


def _event(type_: EventType, row: RawEvent, at: datetime.datetime, id_: str) -> RawEvent:
    account_id, number = row.get("account_id"), row.get("number")
    return {"id": id_, "type": type_.value, "occurred_at": at, "account_id": account_id, "number": number}


def _reference(row: RawEvent) -> str:
    """Return what stands for an account and a number in an id: both may be long, or have any character."""
    return hashlib.sha256(f"{row.get('account_id')}\0{row.get('number')}".encode()).hexdigest()[:24]
