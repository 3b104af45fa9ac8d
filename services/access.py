"""Access confirmation: check links against the portal, and remove those that it no longer allows."""

import asyncio
import datetime
from collections.abc import Sequence

from msgspec import Struct

from portal.client import Portal
from portal.errors import NotFound, PortalError
from portal.models import Account, Contact, Part
from services.clock import Clock
from services.concurrency.grouping import Grouped
from services.security import SecurityEvent, SecurityLog
from services.understanding.addresses import emails_in
from storage.chats import ChatState, LinkState
from storage.database import Database, Session
from storage.linking import access, links
from storage.linking.access import LinkToConfirm
from storage.notices import cancellation, feed
from storage.notices.feed import NewDelivery, NewNotice
from storage.tables import Channel, Kind

BLOCKING_CONFIRM_AGE = datetime.timedelta(hours=24)
"""A link whose last confirmation is older is confirmed before an answer is shown."""
BACKGROUND_CONFIRM_AGE = datetime.timedelta(hours=12)
"""A link whose last confirmation is older is confirmed in the background, so that few answers wait for it."""
_CLOCKS_DIFFER = datetime.timedelta(minutes=5)
"""By how much the clock of another machine may be ahead."""
_MOST_AT_ONCE = 64
_TOLD_WITHIN = datetime.timedelta(minutes=2)
"""Longer than an answer is tried."""


class EndedLink(Struct, frozen=True):
    """A removed link that the portal no longer allows. ``kind`` is the reason, and the kind of the notice about it."""

    link: LinkToConfirm
    kind: Kind


class Access:
    """Confirms links against the portal.

    Args:
        idle_after: A link that was not used for longer needs a new code.
    """

    def __init__(
        self, database: Database, portal: Portal, clock: Clock, security: SecurityLog, *, idle_after: datetime.timedelta
    ) -> None:
        self._database = database
        self._portal = portal
        self._clock = clock
        self._security = security
        self._idle_after = idle_after
        self._still_linked = Grouped(self._are_still_linked, _MOST_AT_ONCE, 0)

    def is_idle(self, link: LinkState) -> bool:
        """Return whether the link was not used for longer than ``idle_after``."""
        return link.used_at is not None and self._clock() - link.used_at > self._idle_after

    def needs_confirmation(self, chat: ChatState, age: datetime.timedelta) -> bool:
        """Return whether a link's last confirmation or recorded use is older than ``age``. Idle links are ignored.

        One in the future was recorded before the clock was set back, so its age is unknown.
        """
        now = self._clock()
        return any(
            at is None or not now - age <= at <= now + _CLOCKS_DIFFER
            for link in chat.links
            if not self.is_idle(link)
            for at in (link.confirmed_at, link.used_at)
        )

    async def confirm_chat(self, chat: ChatState) -> list[EndedLink]:
        """Check every link of the chat that is not idle with the portal; remove those that it no longer allows.

        A notice about each removed link is queued: it goes out where the answer that says so does not arrive. Call
        ``mark_told`` once it has.


        The links get the accounts' present names and access. Further accounts of the contacts are linked.

        Returns:
            The removed links.

        Raises:
            PortalError: The portal could not be read; nothing was changed.
        """
        async with self._database.read() as session:
            found = await access.links_to_confirm(session, chat_id=chat.chat_id)
        idle = {link.link_id for link in chat.links if self.is_idle(link)}
        used = [link for link in found if link.link_id not in idle]
        contact_ids = sorted({link.contact_id for link in used})
        answers = await asyncio.gather(*(self.contact(contact_id) for contact_id in contact_ids))
        contacts = dict(zip(contact_ids, answers, strict=True))
        ended = []
        confirmed: dict[str, LinkToConfirm] = {}
        now = self._clock()
        async with self._database.write() as session:
            for link in used:
                contact = contacts[link.contact_id]
                kind = _end_reason(contact, link)
                if kind is not None:
                    # An event of the feed may have removed it meanwhile, and told the chat.
                    if await links.remove_links(session, [link.link_id], now, kind):
                        ended.append(EndedLink(link, kind))
                        await self._queue_notice(session, link, kind, f"{kind}:{link.link_id}", after=_TOLD_WITHIN)
                elif account := _find_account(contact, link.account_id):
                    await access.confirm(
                        session, link.link_id, account.name, frozenset(account.access), now, is_used=True
                    )
                    confirmed[link.contact_id] = link
            linked = {(link.contact_id, link.account_id) for link in found}
            for contact_id, link in confirmed.items():
                contact = contacts[contact_id]
                for further in contact.accounts if contact else ():
                    if further.access and (contact_id, further.account_id) not in linked:
                        parts = frozenset(further.access)
                        await access.add_account(session, link, further.account_id, further.name, parts, now)
        for each in ended:
            self._log(each)
        return ended

    async def mark_told(self, ended: Sequence[EndedLink]) -> None:
        """Cancel the notices about removed links of which an answer told the chat."""
        async with self._database.write() as session:
            for each in ended:
                await cancellation.cancel_for_link_and_kinds(
                    session, each.link.link_id, [each.kind], self._clock(), "told in an answer"
                )

    async def contact(self, contact_id: str) -> Contact | None:
        """Read a contact from the portal.

        Returns:
            ``None`` where the portal does not know the contact.

        Raises:
            PortalError: The portal could not be read.
        """
        try:
            return await self._portal.contact(contact_id)
        except NotFound:
            return None

    async def unlink_if_ended(
        self, contact: Contact | None, link_id: int, *, read: LinkToConfirm | None = None
    ) -> Kind | None:
        """Remove a link that the portal no longer allows, and queue one notice for its chat.

        Args:
            contact: The link's contact, from ``contact``.
            read: The link, where the caller has read it: it is read again only if it has ended by that.

        Returns:
            Why the link ended; ``None`` where it is valid, or was removed before.
        """
        if read is not None and _end_reason(contact, read) is None:
            return None
        now = self._clock()
        async with self._database.read() as session:
            found = await access.links_to_confirm(session, link_ids=[link_id])
        kind = _end_reason(contact, found[0]) if found else None
        if kind is None:
            return None
        async with self._database.write() as session:
            if await links.remove_links(session, [link_id], now, kind):
                await self._queue_notice(session, found[0], kind, f"{kind}:{link_id}")
        self._log(EndedLink(found[0], kind))
        return kind

    async def has_valid_link(self, chat: ChatState, email: str) -> bool:
        """Return whether one of the chat's links through an address is valid and not idle.

        Ended links are removed as in ``unlink_if_ended``. Where the portal cannot be read, the link counts as valid:
        the caller sends security warnings, which must not get lost.
        """
        async with self._database.read() as session:
            found = await access.links_to_confirm(session, chat_id=chat.chat_id)
        used = {link.link_id for link in chat.links if not self.is_idle(link)}
        is_valid = False
        for link in found:
            if link.email != email or link.link_id not in used:
                continue
            try:
                is_valid |= await self.unlink_if_ended(await self.contact(link.contact_id), link.link_id) is None
            except PortalError:
                is_valid = True
        return is_valid

    async def notify_idle_link(self, link: LinkState) -> None:
        """Queue a notice that the link is idle, once per idle period."""
        since = link.used_at.date() if link.used_at else ""
        async with self._database.write() as session:
            for found in await access.links_to_confirm(session, link_ids=[link.link_id]):
                await self._queue_notice(session, found, Kind.LINK_UNUSED, f"{Kind.LINK_UNUSED}:{link.link_id}:{since}")

    async def still_linked(self, link_ids: Sequence[int]) -> bool:
        """Return whether all of these links exist. Callers that ask at the same time are answered by one query."""
        return await self._still_linked.ask(link_ids)

    async def _are_still_linked(self, groups: Sequence[Sequence[int]]) -> list[bool]:
        async with self._database.read() as session:
            found = await access.still_linked(session, {link_id for group in groups for link_id in group})
        return [found.issuperset(group) for group in groups]

    async def _queue_notice(
        self,
        session: Session,
        link: LinkToConfirm,
        kind: Kind,
        event_id: str,
        *,
        after: datetime.timedelta = datetime.timedelta(),
    ) -> None:
        """Queue a notice to the link's chat, due ``after`` a while, unless one with the same ``event_id`` exists."""
        if await feed.known_events(session, [event_id]):
            return
        now = self._clock()
        notice = NewNotice(event_id, kind, link.account_id, None, now)
        delivery = NewDelivery(Channel.TELEGRAM, link.chat_id, link.link_id, now + after, link.account_name)
        await feed.record(session, notice, [delivery])

    def _log(self, ended: EndedLink) -> None:
        self._security.record(
            SecurityEvent.ACCESS_ENDED, cause=ended.kind, chat_id=ended.link.chat_id, email=ended.link.email
        )


def may_see(contact: Contact | None, account_id: str, part: Part) -> bool:
    """Return whether a contact may see the orders or the invoices of an account.

    An account that could not be read counts as permitted: the portal has given out the document.
    """
    if contact is None:
        return False
    if contact.unread_accounts and all(account.account_id != account_id for account in contact.accounts):
        return True
    return any(account.account_id == account_id and part in account.access for account in contact.accounts)


def _end_reason(contact: Contact | None, link: LinkToConfirm) -> Kind | None:
    """Return why a link has ended, according to its contact in the portal; ``None`` where it is valid."""
    if contact is None:
        return Kind.CONTACT_REMOVED
    if not any(link.email in emails_in(field) for field in (contact.email, *contact.aliases)):
        return Kind.ADDRESS_CHANGED
    account = _find_account(contact, link.account_id)
    if account is None:
        # An unreadable account may be this one; the portal checks access at each call anyway.
        return None if contact.unread_accounts else Kind.ACCESS_ENDED
    return None if account.access else Kind.ACCESS_ENDED


def _find_account(contact: Contact | None, account_id: str) -> Account | None:
    """Return the contact's account with this id, or ``None``."""
    accounts = contact.accounts if contact else ()
    return next((account for account in accounts if account.account_id == account_id), None)
