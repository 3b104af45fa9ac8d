"""Calendar feeds: made and stopped by a chat, and read by calendar programs at a private address."""

import asyncio
import datetime
import secrets
from collections import Counter, OrderedDict
from collections.abc import Sequence

import structlog
from msgspec import Struct

from portal.breaker import Caller, caller
from portal.client import Papers, Portal, Reader
from portal.errors import Forbidden, Meaning, NotFound, PortalError, meaning_of
from portal.fields import MOST_ROWS
from portal.models import Invoice, Order, Part, Status
from services.access import BLOCKING_CONFIRM_AGE, Access
from services.calendar.entries import Entry, calendar_of, etag_of, invoice_entry, order_entry
from services.clock import Clock
from services.company import Company
from services.features import Feature
from services.saved_answers.papers import SavedPapers, SavingPapers
from services.saved_answers.store import SavedAnswers
from services.security import SecurityEvent, SecurityLog
from storage import chats
from storage.chats import LinkState
from storage.database import Database
from storage.papers import calendar_feeds
from storage.privacy import consents
from storage.privacy.consents import Wording
from storage.tables import ConsentPurpose
from texts.catalogue import Texts, texts_in
from texts.language import Language

CACHED = datetime.timedelta(minutes=10)
"""How long a calendar is given without asking the portal again."""
_MOST_CACHED = 200
_AT_ONCE = 4
"""Calendars that are made at once; each asks the portal up to four times."""
_MOST_WAITING = 40
_PAST = datetime.timedelta(days=31)
"""How long an entry stays after its day, unless it is still to be paid."""
_TOKEN_BYTES = 24
OUTCOMES = ("ok", "not_modified", "not_found", "unavailable")

log = structlog.get_logger()


class FeedUnavailable(Exception):
    """The portal does not answer, and nothing was saved that makes the calendar; or too many are being made."""


class Feed(Struct, frozen=True):
    """A calendar: its file, its ETag, and when it was made."""

    content: bytes
    etag: str
    made_at: datetime.datetime


class CalendarFeeds:
    """Makes, stops and reads calendar feeds."""

    def __init__(
        self,
        database: Database,
        portal: Portal,
        access: Access,
        saved: SavedAnswers,
        clock: Clock,
        security: SecurityLog,
        company: Company,
    ) -> None:
        self._database = database
        self._portal = portal
        self._access = access
        self._saved = saved
        self._clock = clock
        self._security = security
        self._company = company
        self._cache: OrderedDict[tuple[int, Language], Feed] = OrderedDict()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._locks: dict[int, asyncio.Lock] = {}
        self.counts: Counter[str] = Counter()
        """Answers to calendar programs by outcome: one of ``OUTCOMES``."""

    async def make(self, chat_id: int, link_id: int, language: Language, wording: Wording) -> str:
        """Make the address of a link's feed, in place of an earlier one. Returns: its token, which is not stored."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        async with self._database.write() as session:
            now = self._clock()
            await calendar_feeds.save(session, link_id, token, language, now)
            await consents.record(session, chat_id, [ConsentPurpose.CALENDAR], [link_id], wording, now, is_given=True)
        self._security.record(SecurityEvent.CALENDAR_MADE, chat_id=chat_id)
        return token

    async def stop(self, chat_id: int, link_id: int, wording: Wording) -> None:
        """Make the address of a link's feed invalid."""
        async with self._database.write() as session:
            stopped = await calendar_feeds.delete_feed(session, link_id)
            if stopped:
                now, purposes = self._clock(), [ConsentPurpose.CALENDAR]
                await consents.record(session, chat_id, purposes, [link_id], wording, now, is_given=False)
        if stopped:
            self._security.record(SecurityEvent.CALENDAR_STOPPED, chat_id=chat_id)

    async def read(self, token: str) -> Feed | None:
        """Return the calendar of a token.

        Returns:
            ``None`` if no address has this token, its link has ended, or it was not used for so long that it needs a
            new code.

        Raises:
            FeedUnavailable: try again later.
        """
        async with self._database.read() as session:
            address = await calendar_feeds.find(session, token)
            chat = await chats.load(session, address.chat_id) if address is not None else None
        if address is not None and not address.is_newest:
            async with self._database.write() as session:
                await calendar_feeds.rehash(session, address.link_id, token)
        link = chat.link(address.link_id) if chat is not None and address is not None else None
        if chat is None or address is None or link is None or self._access.is_idle(link):
            return None
        language = Language.stored(chat.language or address.language)
        if cached := self._cached(link, language):
            return cached
        if len(self._locks) >= _MOST_WAITING:
            raise FeedUnavailable
        lock = self._locks.setdefault(link.link_id, asyncio.Lock())
        try:
            async with lock, self._slots:
                return self._cached(link, language) or await self._made(link, texts_in(language))
        finally:
            if not lock.locked():
                self._locks.pop(link.link_id, None)

    def _cached(self, link: LinkState, language: Language) -> Feed | None:
        feed = self._cache.get((link.link_id, language))
        is_fresh = feed is not None and datetime.timedelta() <= self._clock() - feed.made_at < CACHED
        return feed if is_fresh else None

    async def _made(self, link: LinkState, t: Texts) -> Feed | None:
        caller.set(Caller.BACKGROUND)  # of this request only
        now = self._clock()
        try:
            if not await self._still_holds(link):
                return None
            papers = SavingPapers(self._portal, self._saved, [link])
            entries, read_at = await self._entries(papers, link, t), now
        except PortalError as error:
            if meaning_of(error) is not Meaning.AWAY or link.confirmed_at is None:
                log.warning("calendar.not_made", error=type(error).__name__)
                raise FeedUnavailable from None
            kept = SavedPapers(self._saved, [link], error)
            try:
                entries = await self._entries(kept, link, t)
            except PortalError:
                raise FeedUnavailable from None
            read_at = kept.read_at or now
        name = t("calendar.name", company=self._company.name, account=link.account_name)
        content = await asyncio.to_thread(calendar_of, entries, read_at, t, name=name)
        feed = Feed(content, etag_of(entries, name), now)
        self._cache[link.link_id, t.language] = feed
        self._cache.move_to_end((link.link_id, t.language))
        while len(self._cache) > _MOST_CACHED:
            self._cache.popitem(last=False)
        return feed

    async def _still_holds(self, link: LinkState) -> bool:
        """Return whether the portal still allows the link; it is asked if it was not within a day."""
        confirmed = link.confirmed_at
        if confirmed is not None and self._clock() - confirmed < BLOCKING_CONFIRM_AGE:
            return True
        contact = await self._access.contact(link.contact_id)
        return await self._access.unlink_if_ended(contact, link.link_id) is None

    async def _entries(self, papers: Papers, link: LinkState, t: Texts) -> list[Entry]:
        """Return the entries: of the open invoices and of the newest ones, and of the newest orders, 100 of each."""
        reader = Reader(link.contact_id, link.account_id, t.language.shipped)
        invoices, orders = await asyncio.gather(
            _invoices(papers, link, reader),
            _orders(papers, link, reader) if Feature.ORDERS in self._company.features else _none(),
        )
        ids = (link.account_id, link.account_name)
        made = [invoice_entry(t, *ids, each) for each in invoices] + [order_entry(t, *ids, each) for each in orders]
        oldest = self._clock().astimezone(self._company.zone).date() - _PAST
        unpaid = {each.number for each in invoices if each.is_unpaid}
        by_uid = {
            entry.uid: entry
            for entry, paper in zip(made, [*invoices, *orders], strict=True)
            if entry is not None and (entry.day >= oldest or (isinstance(paper, Invoice) and paper.number in unpaid))
        }
        return sorted(by_uid.values(), key=lambda entry: (entry.day, entry.uid))


async def _none() -> Sequence[Order]:
    return ()


async def _invoices(papers: Papers, link: LinkState, reader: Reader) -> Sequence[Invoice]:
    if Part.INVOICES not in link.access:
        return ()
    try:
        pages = await asyncio.gather(
            papers.invoices(reader, page=1, page_size=MOST_ROWS),
            papers.invoices(reader, page=1, page_size=MOST_ROWS, status=Status.UNPAID),
        )
    except (Forbidden, NotFound):
        return ()
    return [invoice for page in pages for invoice in page.items]


async def _orders(papers: Papers, link: LinkState, reader: Reader) -> Sequence[Order]:
    if Part.ORDERS not in link.access:
        return ()
    try:
        return (await papers.orders(reader, page=1, page_size=MOST_ROWS)).items
    except (Forbidden, NotFound):
        return ()
