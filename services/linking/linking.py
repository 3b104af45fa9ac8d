"""Linking: a chat proves a mailbox with a code, and may then act as that mailbox's contacts on their accounts.

What a stranger sees is the same, in the same time, for an address the portal knows and one it does not: the portal is
asked and the mail is sent after the answer (``code_delivery``). A code that reached nobody opens nothing; wrong codes
are answered alike whether it did or not. How often one may ask and guess stands in ``code_limits``.
"""

import datetime
from dataclasses import replace

from portal.client import Portal
from services.clock import Clock
from services.codes import new_code
from services.linking import code_limits
from services.linking.code_delivery import contacts_of
from services.linking.code_limits import ATTEMPTS, LONG_MINUTES, SHORT_MINUTES, Granted, TooOften, TooSoon
from services.linking.code_results import (
    LINKING,
    AddressProven,
    Checked,
    CodeExpired,
    CodeRequested,
    CodeWithdrawn,
    Linked,
    OtherCodeKind,
    Purpose,
    WrongCode,
)
from services.security import SecurityEvent, SecurityLog
from storage import chats
from storage.chats import Awaiting
from storage.database import Database, Session
from storage.linking import code_history, codes, links, proofs
from storage.linking.code_history import History
from storage.linking.codes import StoredCode
from storage.linking.links import NewLink
from storage.notices import bookkeeper_copies
from storage.tables import Awaited, CodeState
from texts.language import Language

_HOUR = datetime.timedelta(hours=1)


class Linking:
    """Asks for codes, checks them, and makes links."""

    def __init__(
        self,
        database: Database,
        portal: Portal,
        clock: Clock,
        security: SecurityLog,
    ) -> None:
        self._database = database
        self._portal = portal
        self._clock = clock
        self._security = security

    async def await_email(self, chat_id: int) -> None:
        """The next text is an address."""
        now = self._clock()
        async with self._database.write() as session:
            await chats.set_awaiting(session, chat_id, Awaiting(Awaited.EMAIL, now + _HOUR), now)

    async def ask(self, chat_id: int, email: str, purpose: Purpose = LINKING) -> CodeRequested | TooSoon | TooOften:
        """Stores a new code for an address (normal form), unless a limit forbids it."""
        now = self._clock()
        async with self._database.write() as session:
            await chats.ensure(session, chat_id, now)
            history = await code_history.history(session, chat_id, email, now - code_limits.COUNTED)
            granted = await self._limits_of(session, history, purpose) or code_limits.decide(history, now)
            if isinstance(granted, Granted):
                asked = await self._store(session, chat_id, email, granted, purpose)
                unusual = code_limits.is_unusual(history, now)
                if unusual and await proofs.may_warn(session, email, now, code_limits.WARN_AGAIN):
                    asked = replace(asked, warns_owner=True)
        if isinstance(granted, Granted):
            kind = "long" if granted.is_long else "short"
            self._security.record(SecurityEvent.CODE_REQUESTED, cause=kind, chat_id=chat_id, email=email)
            return asked
        cap = granted.cap if isinstance(granted, TooOften) else "codes_a_minute"
        self._security.record(SecurityEvent.CAP_REACHED, cause=cap, chat_id=chat_id, email=email)
        return granted

    async def _limits_of(self, session: Session, history: History, purpose: Purpose) -> TooOften | None:
        """The limits of what the code is for, beside those of every code."""
        now = self._clock()
        if purpose.for_chat is not None:
            return code_limits.revoke_limits(history, now)
        if purpose.for_link is None:
            return None
        overall = await code_history.copy_requests(session, now - code_limits.DAY, code_limits.COPY_CODES_A_DAY)
        return code_limits.copy_limits(history, purpose.for_link, overall, now)

    async def _store(
        self, session: Session, chat_id: int, email: str, granted: Granted, purpose: Purpose
    ) -> CodeRequested:
        now = self._clock()
        minutes = LONG_MINUTES if granted.is_long else SHORT_MINUTES
        code_id, code, is_mailed = None, "", granted.is_mailed or purpose != LINKING
        if not is_mailed:
            code_id = await codes.take_over(session, chat_id, email, now)
        if code_id is None:
            is_mailed, code = True, new_code(is_long=granted.is_long)
            code_id = await codes.replace(
                session, chat_id, email, code, now=now, expires_at=now + datetime.timedelta(minutes=minutes),
                is_long=granted.is_long, for_link=purpose.for_link, for_chat=purpose.for_chat,
            )  # fmt: skip
        awaiting = Awaiting(purpose.awaited, now + _HOUR * (2 if granted.is_long else 1), purpose.for_link)
        await chats.set_awaiting(session, chat_id, awaiting, now)
        return CodeRequested(chat_id, code_id, email, code, minutes, granted.is_long, is_mailed)

    async def ask_again(self, chat_id: int) -> CodeRequested | TooSoon | TooOften | None:
        """A new code for the address that was given last; ``None`` where none is remembered."""
        async with self._database.read() as session:
            known = await codes.latest(session, chat_id, *CodeState)
        return await self.ask(chat_id, known.email) if known else None

    async def check(self, chat_id: int, code: str, long_code: str = "", purpose: Purpose = LINKING) -> Checked:
        """Compares what was typed with the chat's live code, which takes an attempt.

        Args:
            code: six digits, or empty.
            long_code: eight characters in upper case, or empty.
        """
        async with self._database.write() as session:
            checked, email = await self._check(session, chat_id, code, long_code, purpose)
        if isinstance(checked, WrongCode):
            cause = "closed" if not checked.left else ""
            self._security.record(SecurityEvent.CODE_WRONG, cause=cause, chat_id=chat_id, email=email)
        elif isinstance(checked, TooOften | CodeWithdrawn):
            cap = checked.cap if isinstance(checked, TooOften) else "wrong_codes_of_address"
            self._security.record(SecurityEvent.CAP_REACHED, cause=cap, chat_id=chat_id, email=email)
        return checked

    async def _check(
        self, session: Session, chat_id: int, code: str, long_code: str, purpose: Purpose
    ) -> tuple[Checked, str | None]:
        now = self._clock()
        known = await codes.latest(
            session, chat_id, CodeState.LIVE, for_link=purpose.for_link, for_chat=purpose.for_chat
        )
        if known is None:
            return await self._still_proven(session, chat_id, code or long_code), None
        if known.expires_at <= now:
            return CodeExpired(), known.email
        typed = long_code if known.is_long else code
        if not typed:
            return OtherCodeKind(known.is_long), known.email
        history = await code_history.history(session, chat_id, known.email, now - code_limits.COUNTED)
        if capped := code_limits.chat_cap(history, now):
            return capped, known.email
        if not known.is_long and not code_limits.may_compare_short(history, now):
            await codes.move(session, known.code_id, CodeState.LIVE, CodeState.CLOSED)
            return CodeWithdrawn(), known.email
        left = await codes.take_attempt(session, known.code_id, ATTEMPTS)
        if left is None:
            return CodeExpired(), known.email
        if code_hash := await codes.find_match(session, known, chat_id, typed, now):
            await proofs.lift_cap(session, known.email)
            return AddressProven() if await codes.prove(session, known, code_hash, now) else CodeExpired(), known.email
        await proofs.count_wrong(session, known.email, now)
        if left == 0:
            await codes.move(session, known.code_id, CodeState.LIVE, CodeState.CLOSED)
        # The history was read before this one was counted.
        warns = code_limits.is_unusual(history, now) and await proofs.may_warn(
            session, known.email, now, code_limits.WARN_AGAIN
        )
        return WrongCode(left, known.email if warns else None), known.email

    async def finish(self, chat_id: int, first_name: str) -> Linked | CodeExpired:
        """Links the chat to every account of every contact with the proven address.

        Raises:
            PortalError: nothing was linked; the proof stays good until the code would have expired.
        """
        proven = await self._proven(chat_id)
        if proven is None:
            return CodeExpired()
        contacts = await contacts_of(self._portal, proven.email)
        if not contacts:  # the contact was removed since the code was mailed
            return CodeExpired()
        new_links = tuple(
            NewLink(contact.contact_id, account.account_id, account.name, frozenset(account.access), proven.email)
            for contact in contacts
            for account in contact.accounts
        )
        now = self._clock()
        async with self._database.write() as session:
            if not await codes.move(session, proven.code_id, CodeState.PROVEN, CodeState.CLOSED):
                return CodeExpired()
            await codes.close_all(session, chat_id)
            linked_before = await links.chats_of_email(session, proven.email)
            await chats.set_awaiting(session, chat_id, None, now)
            await links.add_links(session, chat_id, first_name, new_links, now)
            await proofs.remember_proven(session, chat_id, proven.email, now)
        is_new = chat_id not in linked_before
        if new_links:
            cause = "new" if is_new else "again"
            self._security.record(
                SecurityEvent.LINKED, cause=cause, chat_id=chat_id, email=proven.email, count=len(new_links)
            )
        language = Language(contacts[0].language) if contacts[0].language else None
        others = tuple(other for other in linked_before if other != chat_id)
        return Linked(contacts[0].email, language, new_links, is_new, others, proven.email)

    async def purge(self, limit: int) -> int:
        """Deletes what no limit counts any more, at most ``limit`` rows of a kind. Returns: how many, at the most."""
        now = self._clock()
        async with self._database.write() as session:
            codes_gone = await codes.purge(session, now, code_limits.COUNTED, limit)
            return max(codes_gone, await proofs.purge(session, now - proofs.RETENTION, limit))

    async def finish_copy(self, chat_id: int, link_id: int, language: Language) -> str | None:
        """Makes the proven address the link's bookkeeper's; the address, or ``None`` where there is no proof."""
        async with self._database.write() as session:
            proven = await codes.latest(session, chat_id, CodeState.PROVEN, for_link=link_id)
            if proven is None:
                return None
            await codes.close_all(session, chat_id)
            await chats.set_awaiting(session, chat_id, None, self._clock())
            await bookkeeper_copies.save(session, link_id, proven.email, language, self._clock())
        self._security.record(SecurityEvent.COPY_SET, chat_id=chat_id, email=proven.email)
        return proven.email

    async def use_revoke_proof(self, chat_id: int, other_chat_id: int) -> bool:
        """Uses up the proof that a revocation needs. Returns: False where there is none, or it was used."""
        async with self._database.write() as session:
            proven = await codes.latest(session, chat_id, CodeState.PROVEN, for_chat=other_chat_id)
            if proven is None or proven.expires_at <= self._clock():
                return False
            await chats.set_awaiting(session, chat_id, None, self._clock())
            return await codes.move(session, proven.code_id, CodeState.PROVEN, CodeState.CLOSED)

    async def _still_proven(self, session: Session, chat_id: int, code: str) -> AddressProven | CodeExpired:
        """A right code typed once more, because the portal did not answer the first time."""
        proven = await codes.latest(session, chat_id, CodeState.PROVEN)
        if proven and proven.expires_at > self._clock() and codes.is_right(session, proven, chat_id, code):
            return AddressProven()
        return CodeExpired()

    async def _proven(self, chat_id: int) -> StoredCode | None:
        async with self._database.read() as session:
            proven = await codes.latest(session, chat_id, CodeState.PROVEN)
        return proven if proven and proven.expires_at > self._clock() else None
