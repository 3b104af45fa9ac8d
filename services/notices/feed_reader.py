"""Reads the portal's feed: queues notices for subscribed links, and removes links whose contact or account ended."""

import datetime
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import structlog

from portal.client import Portal
from portal.errors import CursorTooOld
from portal.models import Event
from services.clock import Clock
from services.uninterrupted import run_to_completion
from storage.database import Database, Session
from storage.linking import links
from storage.notices import cancellation, feed
from storage.notices.feed import AffectedLink, NewDelivery, NewNotice
from storage.tables import Channel, Kind

_PAGE_SIZE = 100
REMINDERS = (Kind.REMINDER_BEFORE, Kind.REMINDER_DUE, Kind.REMINDER_LATER)
REMINDER_SUBSCRIPTION = "reminder"
"""The one subscription for all three kinds of reminders."""
SUBSCRIPTIONS = (Kind.INVOICE_ISSUED, Kind.INVOICE_PAID, Kind.ORDER_CREATED, Kind.ORDER_ENDING, REMINDER_SUBSCRIPTION)
"""All subscriptions, in the order in which the chat shows them."""
_DOCUMENT_KINDS = {Kind.INVOICE_ISSUED, Kind.INVOICE_PAID, Kind.ORDER_CREATED, Kind.ORDER_ENDING}
"""Events about an order or an invoice; they have a number."""
_UNLINKING_KINDS = {Kind.CONTACT_REMOVED, Kind.ACCOUNT_CLOSED}
"""Events that end the affected links."""

log = structlog.get_logger()


def subscription_for(kind: Kind) -> str:
    """Return the subscription that a kind of notice needs."""
    return REMINDER_SUBSCRIPTION if kind in REMINDERS else kind


@dataclass(slots=True)
class FeedCounters:
    """Counters of this process: events read, events skipped by type, and failed reads."""

    events: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failures: int = 0


class FeedReader:
    """Reads the feed from the stored cursor. One transaction per page moves the cursor and writes the notices."""

    def __init__(self, database: Database, portal: Portal, clock: Clock) -> None:
        self._database = database
        self._portal = portal
        self._clock = clock
        self.counters = FeedCounters()

    async def read(self) -> int:
        """Read all new events.

        Returns:
            Number of queued deliveries.

        Raises:
            PortalError: The feed could not be read; the cursor stays after the last stored page.
        """
        queued = 0
        while True:
            position = await run_to_completion(self._load_position())
            cursor = position.cursor if position else None
            try:
                page = await self._portal.events(cursor, _PAGE_SIZE)
            except CursorTooOld:
                await self._restart()
                return queued
            queued += await run_to_completion(self._store_page(cursor, page.cursor, list(page.items)))
            if len(page.items) < _PAGE_SIZE:
                return queued

    async def _load_position(self) -> feed.Position | None:
        async with self._database.read() as session:
            return await feed.position(session)

    async def _restart(self) -> None:
        """Continue at the end of the feed after the portal refused the cursor: the events in between are lost."""
        page = await self._portal.events(None, _PAGE_SIZE)
        async with self._database.write() as session:
            await feed.restart(session, page.cursor, self._clock())
        log.error("feed.cursor_too_old", reason="the portal's feed no longer reaches back; started at now")

    async def _store_page(self, seen: str | None, cursor: str, events: list[Event]) -> int:
        """Store a page. Returns: number of queued deliveries; 0 where another reader has moved the cursor."""
        now = self._clock()
        queued = 0
        async with self._database.write() as session:
            if not await feed.advance(session, seen, cursor, now):
                return 0
            known = await feed.known_events(session, [event.id for event in events])
            for event in events:
                if event.id in known:
                    continue
                known.add(event.id)
                queued += await self._record_event(session, event, now)
        self.counters.events += len(events)
        return queued

    async def _record_event(self, session: Session, event: Event, now: datetime.datetime) -> int:
        try:
            kind = Kind(event.type)
        except ValueError:
            kind = None
        if kind in _UNLINKING_KINDS:
            return await self._end_links(session, event, kind, now)
        if kind not in _DOCUMENT_KINDS or event.number is None:
            self.counters.skipped[event.type] += 1
            log.warning("feed.event_skipped", type=event.type[:50])
            return 0
        affected = await feed.affected_links(session, event.account_id, event.contact_id)
        if kind is Kind.INVOICE_PAID:
            await cancellation.cancel_for_number(
                session, REMINDERS, event.number, now, "paid", account_id=event.account_id
            )
        queued = 0
        for suffix, each, deliveries in _notices_from(kind, affected, now):
            queued += len(deliveries)
            notice = NewNotice(f"{event.id}{suffix}", each, event.account_id, event.number, event.occurred_at)
            await feed.record(session, notice, deliveries)
        return queued

    async def _end_links(self, session: Session, event: Event, kind: Kind, now: datetime.datetime) -> int:
        """Remove the links of a removed contact or a closed account and their deliveries; queue one notice per chat."""
        affected = await feed.affected_links(session, event.account_id, event.contact_id)
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


def _notices_from(
    kind: Kind, affected: list[AffectedLink], now: datetime.datetime
) -> Iterator[tuple[str, Kind, list[NewDelivery]]]:
    """Yield the notices that follow from an event: suffix of the event id, kind, deliveries.

    A new invoice also has reminders. They are due at once: the sender reads the due date and reschedules them.
    """
    deliveries = _chat_deliveries(affected, kind, now)
    if kind is not Kind.INVOICE_ISSUED:
        yield "", kind, deliveries
        return
    yield "", kind, [*deliveries, *_copy_deliveries(affected, now)]
    if to_remind := _chat_deliveries(affected, REMINDER_SUBSCRIPTION, now):
        yield ":before", Kind.REMINDER_BEFORE, to_remind
        yield ":due", Kind.REMINDER_DUE, to_remind


def _chat_deliveries(affected: list[AffectedLink], subscription: str, now: datetime.datetime) -> list[NewDelivery]:
    """Return one delivery per subscribed chat, also where two of its links are to the same account."""
    by_chat: dict[int, NewDelivery] = {}
    for link in affected:
        if subscription in link.subscriptions:
            by_chat.setdefault(link.chat_id, NewDelivery(Channel.TELEGRAM, link.chat_id, link.link_id, now))
    return list(by_chat.values())


def _copy_deliveries(affected: list[AffectedLink], now: datetime.datetime) -> list[NewDelivery]:
    return [
        NewDelivery(Channel.EMAIL, link.copy_id, link.link_id, now) for link in affected if link.copy_id is not None
    ]
