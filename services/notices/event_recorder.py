"""Records events of the portal's feed: queues notices, requests sweeps of the plan, and removes links that ended."""

import datetime
from collections.abc import Sequence

from msgspec import Struct

from portal.events import Event, EventType
from storage.database import Session
from storage.linking import access, links
from storage.notices import cancellation, feed
from storage.notices.feed import AffectedLink, NewDelivery, NewNotice
from storage.notices.plan import sweeps
from storage.notices.plan.hand_over import ENDING_TOLD_WITHIN
from storage.tables import Channel, Kind

REMINDERS = (Kind.REMINDER_BEFORE, Kind.REMINDER_DUE, Kind.REMINDER_LATER)
REMINDER_SUBSCRIPTION = "reminder"
"""The one subscription for all three kinds of reminders."""
SUBSCRIPTIONS = (
    Kind.INVOICE_ISSUED, Kind.INVOICE_PAID, Kind.ORDER_CREATED, Kind.ORDER_ENDING, REMINDER_SUBSCRIPTION,
    Kind.COMPANY_NEWS,
)  # fmt: skip
"""All subscriptions, in the order in which the chat shows them."""
_REPEATED_WITHIN = {
    Kind.INVOICE_ISSUED: datetime.timedelta(days=90),
    Kind.ORDER_CREATED: datetime.timedelta(days=90),
    Kind.INVOICE_PAID: datetime.timedelta(hours=12),
    Kind.ORDER_ENDING: datetime.timedelta(hours=12),
    Kind.INVOICE_CANCELLED: datetime.timedelta(days=90),
}
"""Two events of one kind about one order or invoice are one fact if they occurred less than this apart: an invoice is
issued once, and its number may be used again in a year; it may be paid, reversed and paid again; the end of an order is
announced several times. docs/portal.md states it."""
_PLANNED_FOR: dict[str, str] = {
    EventType.INVOICE_ISSUED: REMINDER_SUBSCRIPTION,
    EventType.INVOICE_PAID: REMINDER_SUBSCRIPTION,
    EventType.INVOICE_CHANGED: REMINDER_SUBSCRIPTION,
    EventType.INVOICE_CANCELLED: REMINDER_SUBSCRIPTION,
    EventType.ORDER_CREATED: Kind.ORDER_ENDING,
    EventType.ORDER_ENDING: Kind.ORDER_ENDING,
    EventType.ORDER_CHANGED: Kind.ORDER_ENDING,
}
"""The subscription whose plan an event may change."""
_ENDS_REMINDERS: dict[str, str] = {EventType.INVOICE_PAID: "paid", EventType.INVOICE_CANCELLED: "cancelled"}
"""The events after which no reminder is sent, with the reason of a cancelled delivery."""
DOCUMENT_KINDS = {
    Kind.INVOICE_ISSUED, Kind.INVOICE_PAID, Kind.INVOICE_CANCELLED, Kind.ORDER_CREATED, Kind.ORDER_ENDING,
}  # fmt: skip
"""Events about an order or an invoice that are told; they have a number."""
DOCUMENT_TYPES = frozenset(_PLANNED_FOR)
"""The types of events about an order or an invoice, also those that only change the plan; they have a number."""
_TELLS_OF_INVOICE = frozenset({Kind.INVOICE_ISSUED, Kind.INVOICE_PAID, *REMINDERS})
"""Whoever got one of these about an invoice is told that it was cancelled."""
UNLINKING_KINDS = {Kind.CONTACT_REMOVED, Kind.ACCOUNT_CLOSED}
"""Events that end the affected links."""

_Notice = tuple[NewNotice, list[NewDelivery]]
_Told = tuple[datetime.datetime, datetime.timedelta]
"""When a fact occurred of which a recipient was told, and how much later another event about it is a further fact."""


def subscription_for(kind: Kind) -> str:
    """Return the subscription that a kind of notice needs."""
    if kind is Kind.INVOICE_CANCELLED:
        return Kind.INVOICE_ISSUED
    return REMINDER_SUBSCRIPTION if kind in REMINDERS else kind


def is_recorded(event_type: str) -> bool:
    """Return whether events of this type have an effect: they are told, end links, change the plan or a contact."""
    is_known = event_type in DOCUMENT_TYPES or event_type == EventType.CONTACT_CHANGED
    return is_known or kind_of(event_type) is not None


def kind_of(event_type: str) -> Kind | None:
    """Return the kind of an event's type; None for a type that the feed does not have in this version."""
    kinds = DOCUMENT_KINDS | UNLINKING_KINDS
    return Kind(event_type) if event_type in kinds else None


class Recorded(Struct):
    """Counts of recorded events.

    Attributes:
        new: Events that were not recorded before.
        queued: Deliveries that were queued for them.
        repeated: Deliveries that were not queued, because their recipients had one about the same fact.
        known: Events that were recorded before.
    """

    new: int = 0
    queued: int = 0
    repeated: int = 0
    known: int = 0


async def record_events(session: Session, events: Sequence[Event], now: datetime.datetime) -> Recorded:
    """Record the events that are not recorded yet, in their order. Every type is one of ``is_recorded``.

    A changed contact is not recorded: its links are confirmed with the portal before their next use.
    """
    known = await feed.known_events(session, [event.id for event in events])
    recorded = Recorded()
    documents: list[Event] = []
    for event in events:
        if event.type == EventType.CONTACT_CHANGED:
            await access.expire_confirmations(session, event.account_id, event.contact_id)
            continue
        if event.id in known:
            recorded.known += 1
            continue
        known.add(event.id)
        recorded.new += 1
        if event.type in DOCUMENT_TYPES:
            documents.append(event)
            continue
        await _record_documents(session, documents, now, recorded)
        documents = []
        recorded.queued += await _end_links(session, event, now)
    await _record_documents(session, documents, now, recorded)
    return recorded


async def _record_documents(
    session: Session, events: Sequence[Event], now: datetime.datetime, recorded: Recorded
) -> None:
    """Record events about orders and invoices, with the same few statements for one event and for a whole page."""
    if not events:
        return
    if any(event.type == Kind.ORDER_ENDING for event in events):
        # The plan announces ends, too: neither would see what the other is queueing.
        await session.lock("plan")
    affected = await feed.affected_links(session, {event.account_id for event in events})
    earlier = _EarlierNotices()
    await earlier.load(session, [event for event in events if event.account_id in affected])
    notices: list[_Notice] = []
    to_sweep: set[int] = set()
    for event in events:
        of_event = [link for link in affected.get(event.account_id, ()) if event.contact_id in (None, link.contact_id)]
        notice, deliveries = _notice_from(event, of_event, now)
        if notice.kind == Kind.INVOICE_CANCELLED:
            deliveries = [each for each in deliveries if earlier.knows_of(notice, each)]
        fresh = [each for each in deliveries if earlier.add(notice, each)]
        recorded.queued += len(fresh)
        recorded.repeated += len(deliveries) - len(fresh)
        notices.append((notice, fresh))
        planned_for = _PLANNED_FOR[notice.kind]
        to_sweep |= {link.link_id for link in of_event if planned_for in link.subscriptions}
    await feed.record_all(session, notices)
    await sweeps.request(session, to_sweep, now)
    for event in events:
        reason = _ENDS_REMINDERS.get(event.type)
        if reason is not None and event.number is not None:
            await cancellation.cancel_for_number(
                session, REMINDERS, event.number, now, reason, account_id=event.account_id
            )


class _EarlierNotices:
    """Which recipients were notified of which facts, in the database and in the page that is being recorded."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str, str | None, Channel, int], list[_Told]] = {}
        self._told_invoices: set[tuple[str, str | None, Channel, int]] = set()

    async def load(self, session: Session, events: Sequence[Event]) -> None:
        """Load the notices about the orders and invoices of these events."""
        papers = {(event.number, event.account_id) for event in events if event.number is not None}
        for each in await feed.notified_recipients(session, papers):
            key = (each.kind, each.account_id, each.number, each.channel, each.recipient)
            within = ENDING_TOLD_WITHIN if each.is_planned else _REPEATED_WITHIN.get(each.kind, datetime.timedelta())
            self._times.setdefault(key, []).append((each.occurred_at, within))
            if each.is_sent and each.kind in _TELLS_OF_INVOICE:
                self._told_invoices.add(key[1:])

    def knows_of(self, notice: NewNotice, delivery: NewDelivery) -> bool:
        """Return whether the recipient was told of the invoice of this notice; a notice that waits tells of its end."""
        return (notice.account_id, notice.number, delivery.channel, delivery.recipient) in self._told_invoices

    def add(self, notice: NewNotice, delivery: NewDelivery) -> bool:
        """Add a delivery. Returns: False if its recipient already has one about the same fact."""
        key = (notice.kind, notice.account_id, notice.number, delivery.channel, delivery.recipient)
        times = self._times.setdefault(key, [])
        is_new = all(abs(notice.occurred_at - at) >= within for at, within in times)
        if is_new:
            times.append((notice.occurred_at, _REPEATED_WITHIN[Kind(notice.kind)]))
        return is_new


async def _end_links(session: Session, event: Event, now: datetime.datetime) -> int:
    """Remove the links of a removed contact or a closed account and their deliveries; queue one notice per chat."""
    kind = Kind(event.type)
    of_account = (await feed.affected_links(session, {event.account_id})).get(event.account_id, [])
    affected = [link for link in of_account if event.contact_id in (None, link.contact_id)]
    link_ids = [link.link_id for link in affected]
    name = await feed.account_name(session, link_ids)
    by_chat: dict[int, NewDelivery] = {}
    if name is not None:  # else the links were removed meanwhile
        for link in affected:
            by_chat.setdefault(link.chat_id, NewDelivery(Channel.TELEGRAM, link.chat_id, link.link_id, now, name))
    await links.remove_links(session, link_ids, now, kind)
    notice = NewNotice(event.id, kind, event.account_id, None, event.occurred_at)
    await feed.record(session, notice, list(by_chat.values()))
    return len(by_chat)


def _notice_from(event: Event, affected: Sequence[AffectedLink], now: datetime.datetime) -> _Notice:
    """Return the notice of an event and its deliveries; a new invoice also goes to the bookkeepers."""
    kind = kind_of(event.type)
    if kind is None:  # it only changes the plan
        return NewNotice(event.id, event.type, event.account_id, event.number, event.occurred_at), []
    deliveries = _chat_deliveries(affected, subscription_for(kind), now)
    if kind is Kind.INVOICE_ISSUED:
        deliveries += _copy_deliveries(affected, now)
    return NewNotice(event.id, kind, event.account_id, event.number, event.occurred_at), deliveries


def _chat_deliveries(affected: Sequence[AffectedLink], subscription: str, now: datetime.datetime) -> list[NewDelivery]:
    """Return one delivery per subscribed chat, also where two of its links are to the same account."""
    by_chat: dict[int, NewDelivery] = {}
    for link in affected:
        if subscription in link.subscriptions:
            by_chat.setdefault(link.chat_id, NewDelivery(Channel.TELEGRAM, link.chat_id, link.link_id, now))
    return list(by_chat.values())


def _copy_deliveries(affected: Sequence[AffectedLink], now: datetime.datetime) -> list[NewDelivery]:
    return [
        NewDelivery(Channel.EMAIL, link.copy_id, link.link_id, now) for link in affected if link.copy_id is not None
    ]
