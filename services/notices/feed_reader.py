"""From the portal's feed to deliveries: what happened, who wants to know, and who is no longer allowed to."""

import datetime
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import structlog

from portal.client import Portal
from portal.errors import CursorTooOld
from portal.models import Event
from services.clock import Clock
from services.uninterrupted import uninterrupted
from storage.database import Database, Session
from storage.linking import links
from storage.notices import cancellation, feed
from storage.notices.feed import AffectedLink, NewDelivery, NewNotice
from storage.tables import Channel, Kind

PAGE = 100
REMINDERS = (Kind.REMINDER_BEFORE, Kind.REMINDER_DUE, Kind.REMINDER_LATER)
REMIND = "reminder"
"""The subscription for reminders, which stands for all three kinds of them."""
SUBSCRIPTIONS = (Kind.INVOICE_ISSUED, Kind.INVOICE_PAID, Kind.ORDER_CREATED, Kind.ORDER_ENDING, REMIND)
"""What can be wished for, in the order in which it is shown."""
_TOLD = {Kind.INVOICE_ISSUED, Kind.INVOICE_PAID, Kind.ORDER_CREATED, Kind.ORDER_ENDING}
_ENDS = {Kind.CONTACT_REMOVED, Kind.ACCOUNT_CLOSED}

log = structlog.get_logger()


def subscription_for(kind: Kind) -> str:
    """The subscription that a kind of notice answers to."""
    return REMIND if kind in REMINDERS else kind


@dataclass(slots=True)
class FeedReport:
    """What the reading of the feed has met since the start."""

    events: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failures: int = 0


class FeedReader:
    """Reads the feed from the stored cursor. Reading, writing and moving the cursor on is one transaction."""

    def __init__(self, database: Database, portal: Portal, clock: Clock) -> None:
        self._database = database
        self._portal = portal
        self._clock = clock
        self.report = FeedReport()

    async def read(self) -> int:
        """Reads what is new; how many deliveries follow from it.

        Raises:
            PortalError: the feed did not answer as it should; the cursor stands where it stood.
        """
        made = 0
        while True:
            seen = await uninterrupted(self._position())
            try:
                page = await self._portal.events(seen.cursor if seen else None, PAGE)
            except CursorTooOld:
                await self._start_anew()
                return made
            made += await uninterrupted(self._take(seen.cursor if seen else None, page.cursor, list(page.items)))
            if len(page.items) < PAGE:
                return made

    async def _position(self) -> feed.Position | None:
        async with self._database.read() as session:
            return await feed.position(session)

    async def _start_anew(self) -> None:
        """The portal no longer knows the cursor: what happened in between is lost, and the operator is told."""
        page = await self._portal.events(None, PAGE)
        async with self._database.write() as session:
            await feed.restart(session, page.cursor, self._clock())
        log.error("feed.cursor_too_old", reason="the portal's feed no longer reaches back; started at now")

    async def _take(self, seen: str | None, cursor: str, events: list[Event]) -> int:
        now = self._clock()
        made = 0
        async with self._database.write() as session:
            if not await feed.advance(session, seen, cursor, now):
                return 0
            known = await feed.known_events(session, [event.id for event in events])
            for event in events:
                if event.id in known:
                    continue
                known.add(event.id)
                made += await self._record(session, event, now)
        self.report.events += len(events)
        return made

    async def _record(self, session: Session, event: Event, now: datetime.datetime) -> int:
        try:
            kind = Kind(event.type)
        except ValueError:
            kind = None
        if kind in _ENDS:
            return await self._end(session, event, kind, now)
        if kind not in _TOLD or event.number is None:
            self.report.skipped[event.type] += 1
            log.warning("feed.event_skipped", type=event.type[:50])
            return 0
        affected = await feed.affected_links(session, event.account_id, event.contact_id)
        if kind is Kind.INVOICE_PAID:
            await cancellation.cancel_for_number(
                session, REMINDERS, event.number, now, "paid", account_id=event.account_id
            )
        made = 0
        for suffix, each, wanted in _notices_of(kind, affected, now):
            made += len(wanted)
            notice = NewNotice(f"{event.id}{suffix}", each, event.account_id, event.number, event.occurred_at)
            await feed.record(session, notice, wanted)
        return made

    async def _end(self, session: Session, event: Event, kind: Kind, now: datetime.datetime) -> int:
        """A contact who is no more, or an account: the links go, what is queued for them too, and each chat is told."""
        affected = await feed.affected_links(session, event.account_id, event.contact_id)
        link_ids = [link.link_id for link in affected]
        name = await feed.account_name(session, link_ids)
        told: dict[int, NewDelivery] = {}
        if name is not None:  # else they have all gone in between
            for link in affected:
                told.setdefault(link.chat_id, NewDelivery(Channel.TELEGRAM, link.chat_id, link.link_id, now, name))
        await links.remove_links(session, link_ids, now, kind)
        notice = NewNotice(event.id, kind, event.account_id, None, event.occurred_at)
        await feed.record(session, notice, list(told.values()))
        return len(told)


def _notices_of(
    kind: Kind, affected: list[AffectedLink], now: datetime.datetime
) -> Iterator[tuple[str, Kind, list[NewDelivery]]]:
    """The notice itself, and the reminders that follow from an invoice. These are due at once: only the portal knows
    the due date, and each delivery asks it and waits."""
    wanted = _to_chats(affected, kind, now)
    if kind is not Kind.INVOICE_ISSUED:
        yield "", kind, wanted
        return
    yield "", kind, [*wanted, *_to_copies(affected, now)]
    if reminded := _to_chats(affected, REMIND, now):
        yield ":before", Kind.REMINDER_BEFORE, reminded
        yield ":due", Kind.REMINDER_DUE, reminded


def _to_chats(affected: list[AffectedLink], subscription: str, now: datetime.datetime) -> list[NewDelivery]:
    """One delivery a chat, also where two of its addresses open the same account."""
    wanted: dict[int, NewDelivery] = {}
    for link in affected:
        if subscription in link.subscriptions:
            wanted.setdefault(link.chat_id, NewDelivery(Channel.TELEGRAM, link.chat_id, link.link_id, now))
    return list(wanted.values())


def _to_copies(affected: list[AffectedLink], now: datetime.datetime) -> list[NewDelivery]:
    return [
        NewDelivery(Channel.EMAIL, link.copy_id, link.link_id, now) for link in affected if link.copy_id is not None
    ]
