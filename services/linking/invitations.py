"""Invitations: single-use links that the portal requests for a contact who is logged in there.

Whoever opens one is linked without a code: the portal vouches for the contact. A token has 256 random bits, is stored
as a keyed hash, and is looked up by it. A token that is unknown, expired, used, declined, or opened by another chat
first gets the same answer, after the same queries. The first chat that opens a token reserves it. An invitation proves
no mailbox: for the limits of codes, its chat stays a stranger.
"""

import datetime
import secrets
from dataclasses import dataclass, field

from msgspec import Struct

from portal.client import Portal
from portal.errors import NotFound
from portal.models import Contact
from services.clock import Clock
from services.linking.code_results import Linked
from services.recent import RecentEntries
from services.security import SecurityEvent, SecurityLog
from services.understanding.addresses import emails_in
from storage import chats
from storage.database import Database
from storage.linking import codes, invitations, links
from storage.linking.invitations import StoredInvitation
from storage.linking.links import NewLink
from storage.privacy.consents import Wording
from storage.tables import InvitationState
from texts.language import Language

LIFETIME = datetime.timedelta(minutes=15)
OF_CONTACT_AN_HOUR = 20
"""Invitations of one contact in an hour."""
IN_ALL_A_MINUTE = 300
WRONG_AN_HOUR = 10
"""Tokens that a chat may open in vain in an hour, in each process. No number of attempts guesses 256 bits; the limit
bounds the look-ups."""
_HOUR = datetime.timedelta(hours=1)
_MINUTE = datetime.timedelta(minutes=1)
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class InvitationMade:
    """An invitation is stored. The token is known only here."""

    token: str = field(repr=False)
    expires_at: datetime.datetime


class InvitationRefused(Struct, frozen=True):
    """No invitation is made; ``cause`` says why, ``retry_after`` when a limit ends, in seconds."""

    cause: str
    retry_after: int = 0


class InvitationGone(Struct, frozen=True):
    """The invitation cannot be used in this chat. ``is_used_here``: it linked this chat before."""

    is_used_here: bool = False


class TooManyTokens(Struct, frozen=True):
    """The chat opened too many tokens in vain. ``until``: when it may open another one."""

    until: datetime.datetime


class Offer(Struct, frozen=True):
    """What an opened invitation links: the names of the accounts, the current one first."""

    account_names: tuple[str, ...]


class Invitations:
    """Makes, opens and uses invitations."""

    def __init__(self, database: Database, portal: Portal, clock: Clock, security: SecurityLog) -> None:
        self._database = database
        self._portal = portal
        self._clock = clock
        self._security = security
        self._wrong: RecentEntries[int, tuple[datetime.datetime, ...]] = RecentEntries(clock, _HOUR)

    async def make(
        self, request_id: str, contact_id: str, account_id: str | None, language: Language | None
    ) -> InvitationMade | InvitationRefused:
        """Make an invitation for a contact.

        Args:
            request_id: The ``webhook-id`` of the signed request: each makes one invitation.
            account_id: The account that becomes the current one, or None.
            language: The language of the chat, if it has not chosen one.

        Raises:
            PortalError: The portal could not be read.
        """
        made = await self._make(request_id, contact_id, account_id, language)
        if isinstance(made, InvitationRefused):
            self._security.record(SecurityEvent.INVITATION_NOT_MADE, cause=made.cause)
        else:
            self._security.record(SecurityEvent.INVITATION_MADE)
        return made

    async def _make(
        self, request_id: str, contact_id: str, account_id: str | None, language: Language | None
    ) -> InvitationMade | InvitationRefused:
        contact = await self._contact(contact_id)
        if contact is None:
            return InvitationRefused("unknown_contact")
        if not contact.accounts:
            return InvitationRefused("contact_without_account")
        if not emails_in(contact.email):
            return InvitationRefused("contact_without_address")
        if account_id is not None and account_id not in {account.account_id for account in contact.accounts}:
            return InvitationRefused("unknown_account")
        now, token = self._clock(), secrets.token_urlsafe(_TOKEN_BYTES)
        async with self._database.write() as session:
            await session.lock("invitations")
            if await invitations.was_requested(session, request_id):
                return InvitationRefused("repeated_request")
            of_contact = await invitations.count(session, now - _HOUR, OF_CONTACT_AN_HOUR, contact_id)
            if of_contact >= OF_CONTACT_AN_HOUR:
                return InvitationRefused("invitations_of_contact_an_hour", 600)
            if await invitations.count(session, now - _MINUTE, IN_ALL_A_MINUTE) >= IN_ALL_A_MINUTE:
                return InvitationRefused("invitations_a_minute", 60)
            expires_at = now + LIFETIME
            invitations.add(session, token, request_id, contact_id, account_id, language, now, expires_at)
        return InvitationMade(token, expires_at)

    async def open(self, chat_id: int, token: str) -> StoredInvitation | InvitationGone | TooManyTokens:
        """Reserve the invitation of a token for the chat that opens it."""
        now = self._clock()
        wrong = tuple(at for at in self._wrong.get(chat_id) or () if now - _HOUR < at <= now)
        if len(wrong) >= WRONG_AN_HOUR:
            self._security.record(SecurityEvent.CAP_REACHED, cause="wrong_tokens_of_chat", chat_id=chat_id)
            return TooManyTokens(wrong[0] + _HOUR)
        async with self._database.write() as session:
            is_claimed = await invitations.claim(session, token, chat_id, now)
            found = await invitations.find_by_token(session, token)
            is_own = found is not None and found[1] in session.vault.hashes("chat", str(chat_id))
        if is_claimed and found is not None:
            self._security.record(SecurityEvent.INVITATION_OPENED, chat_id=chat_id)
            return found[0]
        cause = "unknown"
        if found is not None:
            is_late = found[0].expires_at <= now
            cause = "expired" if is_late else "other_chat"
            cause = cause if found[0].state == InvitationState.OPEN else found[0].state
        self._security.record(SecurityEvent.INVITATION_REFUSED, cause=cause, chat_id=chat_id)
        is_used_here = is_own and cause == InvitationState.USED
        if not is_used_here:
            self._wrong.set(chat_id, (*wrong, now))
        return InvitationGone(is_used_here)

    async def offer(self, chat_id: int, invitation_id: int) -> Offer | InvitationGone:
        """Return what an invitation that the chat has opened would link.

        Raises:
            PortalError: The portal could not be read; the invitation stays open.
        """
        found = await self._find(chat_id, invitation_id)
        if isinstance(found, InvitationGone):
            return found
        new = _new_links(await self._contact(found.contact_id), found)
        return Offer(tuple(link.account_name for link in new)) if new else self._refused(chat_id, "unknown_contact")

    async def accept(
        self, chat_id: int, invitation_id: int, first_name: str, wording: Wording
    ) -> Linked | InvitationGone:
        """Link the chat to the contact's accounts, and use the invitation up.

        Args:
            first_name: The person's first name in Telegram, which other chats of the mailbox see.
            wording: What the person read before the tap that accepts.

        Raises:
            PortalError: Nothing was linked; the invitation stays open.
        """
        found = await self._find(chat_id, invitation_id)
        if isinstance(found, InvitationGone):
            return found
        contact = await self._contact(found.contact_id)
        new = _new_links(contact, found)
        if contact is None or not new:
            return self._refused(chat_id, "unknown_contact")
        email, now = new[0].email, self._clock()
        written = emails_in(contact.email)[email]
        async with self._database.write() as session:
            if not await invitations.close(session, invitation_id, chat_id, InvitationState.USED, now):
                return InvitationGone()
            linked_before = await links.chats_of_email(session, email)
            await codes.close_all(session, chat_id)
            await chats.set_awaiting(session, chat_id, None, now)
            await links.add_links(session, chat_id, first_name, new, now, wording)
        is_new = chat_id not in linked_before
        cause = "portal_new" if is_new else "portal_again"
        self._security.record(SecurityEvent.LINKED, cause=cause, chat_id=chat_id, email=email, count=len(new))
        language = Language(contact.language) if contact.language else None
        others = tuple(other for other in linked_before if other != chat_id)
        return Linked(written, language, new, is_new, others, email)

    async def decline(self, chat_id: int, invitation_id: int) -> None:
        """Close an invitation that the chat has opened, so that nobody can use it."""
        async with self._database.write() as session:
            state = InvitationState.DECLINED
            is_declined = await invitations.close(session, invitation_id, chat_id, state, self._clock())
        if is_declined:
            self._security.record(SecurityEvent.INVITATION_REFUSED, cause="declined", chat_id=chat_id)

    async def _find(self, chat_id: int, invitation_id: int) -> StoredInvitation | InvitationGone:
        async with self._database.read() as session:
            found = await invitations.find(session, invitation_id, chat_id)
        if found is None or found.state != InvitationState.OPEN or found.expires_at <= self._clock():
            is_used = found is not None and found.state == InvitationState.USED
            return InvitationGone(is_used)
        return found

    def _refused(self, chat_id: int, cause: str) -> InvitationGone:
        self._security.record(SecurityEvent.INVITATION_REFUSED, cause=cause, chat_id=chat_id)
        return InvitationGone()

    async def _contact(self, contact_id: str) -> Contact | None:
        try:
            return await self._portal.contact(contact_id)
        except NotFound:
            return None


def _new_links(contact: Contact | None, invitation: StoredInvitation) -> tuple[NewLink, ...]:
    """Return the links to the contact's accounts, the requested one first; empty where the contact has none."""
    email = next(iter(emails_in(contact.email)), None) if contact else None
    if contact is None or email is None:
        return ()
    accounts = sorted(contact.accounts, key=lambda account: account.account_id != invitation.account_id)
    return tuple(
        NewLink(contact.contact_id, account.account_id, account.name, frozenset(account.access), email)
        for account in accounts
    )
