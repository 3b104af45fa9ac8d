"""Whether a link may still be used: the portal is asked again, and what it no longer allows is unlinked."""

import asyncio
import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from portal.client import Portal
from portal.errors import NotFound, PortalError
from portal.models import Account, Contact
from services.clock import Clock
from services.security import SecurityEvent, SecurityLog
from services.understanding import normal_email
from storage.chats import ChatState, LinkState
from storage.database import Database, Session
from storage.linking import access, links
from storage.linking.access import LinkToConfirm
from storage.notices import feed
from storage.notices.feed import NewDelivery, NewNotice
from storage.tables import Channel, Kind

CONFIRM_BEFORE = datetime.timedelta(hours=24)
"""A link that was confirmed longer ago is confirmed before anything is shown."""
CONFIRM_BESIDE = datetime.timedelta(hours=12)
"""A link that was confirmed longer ago is confirmed beside the answer, so that hardly anybody waits for it."""


@dataclass(frozen=True, slots=True)
class EndedLink:
    """A link that the portal no longer allows; ``kind`` says why, as the notice that tells of it."""

    link: LinkToConfirm
    kind: Kind


class Access:
    """Confirms links against the portal. ``idle_after``: a link not used for so long asks for a new code."""

    def __init__(
        self, database: Database, portal: Portal, clock: Clock, security: SecurityLog, *, idle_after: datetime.timedelta
    ) -> None:
        self._database = database
        self._portal = portal
        self._clock = clock
        self._security = security
        self._idle_after = idle_after

    def is_idle(self, link: LinkState) -> bool:
        """Whether nobody used the link for too long."""
        return link.used_at is not None and self._clock() - link.used_at > self._idle_after

    def is_due(self, chat: ChatState, age: datetime.timedelta) -> bool:
        """Whether one of the chat's links was confirmed, or noted as used, longer ago than ``age``."""
        before = self._clock() - age
        return any(
            at is None or at < before
            for link in chat.links
            if not self.is_idle(link)
            for at in (link.confirmed_at, link.used_at)
        )

    async def confirm_chat(self, chat: ChatState) -> list[EndedLink]:
        """Asks the portal about every contact of a chat that somebody uses, and unlinks what it no longer allows.

        Returns:
            The links that were removed.

        Raises:
            PortalError: the portal does not answer; nothing was changed.
        """
        async with self._database.read() as session:
            found = await access.links_to_confirm(session, chat_id=chat.chat_id)
        idle = {link.link_id for link in chat.links if self.is_idle(link)}
        used = [link for link in found if link.link_id not in idle]
        asked = sorted({link.contact_id for link in used})
        answers = await asyncio.gather(*(self.contact(contact_id) for contact_id in asked))
        contacts = dict(zip(asked, answers, strict=True))
        ended = []
        now = self._clock()
        async with self._database.write() as session:
            for link in used:
                contact = contacts[link.contact_id]
                kind = verdict(contact, link)
                if kind is not None:
                    ended.append(EndedLink(link, kind))
                    await links.remove_links(session, [link.link_id], now, kind)
                elif account := account_of(contact, link.account_id):
                    await access.confirm(
                        session, link.link_id, account.name, frozenset(account.access), now, is_used=True
                    )
        for each in ended:
            self._log(each)
        return ended

    async def contact(self, contact_id: str) -> Contact | None:
        """The contact as the portal knows them now; ``None`` where they are no more. Raises ``PortalError``."""
        try:
            return await self._portal.contact(contact_id)
        except NotFound:
            return None

    async def ended_by(self, contact: Contact | None, link_id: int) -> Kind | None:
        """Why a link has ended, judged by the portal's answer about its contact; it is then removed, and the chat is
        told once, by a notice. ``None`` where it holds, or is gone already."""
        now = self._clock()
        async with self._database.read() as session:
            found = await access.links_to_confirm(session, link_ids=[link_id])
        kind = verdict(contact, found[0]) if found else None
        if kind is None:
            return None
        async with self._database.write() as session:
            if await links.remove_links(session, [link_id], now, kind):
                await self._tell(session, found[0], kind, f"{kind}:{link_id}")
        self._log(EndedLink(found[0], kind))
        return kind

    async def holds_through(self, chat: ChatState, email: str) -> bool:
        """Whether a chat may still hear of an address: one of its links through it is in use, and has not ended.

        A link that has ended is removed, and the chat told by a notice. Where the portal does not answer, the chat is
        trusted: what is told are warnings.
        """
        async with self._database.read() as session:
            found = await access.links_to_confirm(session, chat_id=chat.chat_id)
        used = {link.link_id for link in chat.links if not self.is_idle(link)}
        holds = False
        for link in found:
            if link.email != email or link.link_id not in used:
                continue
            try:
                holds |= await self.ended_by(await self.contact(link.contact_id), link.link_id) is None
            except PortalError:
                holds = True
        return holds

    async def tell_unused(self, link: LinkState) -> None:
        """Tells a chat, once for each time, that its link was not used for too long."""
        since = link.used_at.date() if link.used_at else ""
        async with self._database.write() as session:
            for found in await access.links_to_confirm(session, link_ids=[link.link_id]):
                await self._tell(session, found, Kind.LINK_UNUSED, f"{Kind.LINK_UNUSED}:{link.link_id}:{since}")

    async def still_linked(self, link_ids: Sequence[int]) -> bool:
        """Whether all of these links are there."""
        async with self._database.read() as session:
            return await access.still_linked(session, link_ids) == set(link_ids)

    async def _tell(self, session: Session, link: LinkToConfirm, kind: Kind, event_id: str) -> None:
        if await feed.known_events(session, [event_id]):
            return
        now = self._clock()
        notice = NewNotice(event_id, kind, link.account_id, None, now)
        delivery = NewDelivery(Channel.TELEGRAM, link.chat_id, link.link_id, now, link.account_name)
        await feed.record(session, notice, [delivery])

    def _log(self, ended: EndedLink) -> None:
        self._security.record(
            SecurityEvent.ACCESS_ENDED, cause=ended.kind, chat_id=ended.link.chat_id, email=ended.link.email
        )


def verdict(contact: Contact | None, link: LinkToConfirm) -> Kind | None:
    """Why a link has ended, as the portal's answer about its contact says; ``None`` where it holds."""
    if contact is None:
        return Kind.CONTACT_REMOVED
    if link.email not in {normal_email(address) for address in (contact.email, *contact.aliases)}:
        return Kind.ADDRESS_CHANGED
    account = account_of(contact, link.account_id)
    if account is None:
        # One that could not be read may be this one: the portal decides at each call anyway.
        return None if contact.unread_accounts else Kind.ACCESS_ENDED
    return None if account.access else Kind.ACCESS_ENDED


def account_of(contact: Contact | None, account_id: str) -> Account | None:
    """The contact's account with an id; ``None`` where they have none."""
    accounts = contact.accounts if contact else ()
    return next((account for account in accounts if account.account_id == account_id), None)
