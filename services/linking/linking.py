"""Linking: a chat proves a mailbox with a code, and may then act as that mailbox's contacts on their accounts.

Answers and their times do not reveal whether the portal knows an address: the portal is queried and the mail is sent
after the answer (``code_delivery``). A code that was not mailed is never accepted, and gives the same answers to wrong
codes as a mailed one. ``code_limits`` has the limits of requests and guesses.
"""

import datetime
from dataclasses import replace

from portal.client import Portal
from services.clock import Clock
from services.codes import new_code
from services.linking import code_limits
from services.linking.awaiting import await_again
from services.linking.code_delivery import find_contacts
from services.linking.code_limits import CodeGrant, TooOften, TooSoon
from services.linking.code_results import (
    LINKING,
    AddressProven,
    CheckResult,
    CodeExpired,
    CodeRequested,
    CodeWithdrawn,
    Linked,
    OlderCode,
    OtherCodeKind,
    Purpose,
    WrongCode,
)
from services.retention import CODE_ADDRESS_KEPT, Category, kept
from services.security import SecurityEvent, SecurityLog
from storage import chats
from storage.chats import Awaiting
from storage.database import Database, Session
from storage.linking import code_history, codes, invitations, links, pending_papers, proofs
from storage.linking.code_history import History
from storage.linking.codes import StoredCode
from storage.linking.links import NewLink
from storage.notices import bookkeeper_copies
from storage.privacy.consents import Wording, record as record_consent
from storage.tables import Awaited, CodeState, ConsentPurpose
from texts.language import Language

_HOUR = datetime.timedelta(hours=1)


class Linking:
    """Stores requested codes, checks typed ones, and creates links."""

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

    async def expect_email(self, chat_id: int) -> None:
        """Interpret the chat's next text as an address, for one hour."""
        now = self._clock()
        async with self._database.write() as session:
            await chats.set_awaiting(session, chat_id, Awaiting(Awaited.EMAIL, now + _HOUR), now)

    async def request_code(
        self, chat_id: int, email: str, purpose: Purpose = LINKING
    ) -> CodeRequested | TooSoon | TooOften:
        """Store a new code for an address (normal form), unless a limit forbids it."""
        now = self._clock()
        async with self._database.write() as session:
            await chats.ensure(session, chat_id, now)
            history = await code_history.history(session, chat_id, email, now - code_limits.HISTORY_SPAN)
            decision = await self._check_purpose_limits(session, history, purpose) or code_limits.check_request_limits(
                history, now
            )
            if isinstance(decision, CodeGrant):
                request = await self._store(session, chat_id, email, decision, purpose)
                unusual = code_limits.is_unusual(history, now)
                if unusual and await proofs.may_warn(session, email, now, code_limits.WARNING_GAP):
                    request = replace(request, warns_owner=True)
            elif isinstance(decision, TooSoon):
                await await_again(session, chat_id, email, purpose, now)
        if isinstance(decision, CodeGrant):
            kind = "long" if decision.is_long else "short"
            self._security.record(SecurityEvent.CODE_REQUESTED, cause=kind, chat_id=chat_id, email=email)
            return request
        cap = decision.cap if isinstance(decision, TooOften) else "codes_a_minute"
        self._security.record(SecurityEvent.CAP_REACHED, cause=cap, chat_id=chat_id, email=email)
        return decision

    async def _check_purpose_limits(self, session: Session, history: History, purpose: Purpose) -> TooOften | None:
        """Check the limits that only apply to codes of this purpose. Returns: None if they are kept."""
        now = self._clock()
        if purpose.for_chat is not None:
            return code_limits.check_revoke_limits(history, now)
        if purpose.for_link is None:
            return None
        overall = await code_history.copy_requests(session, now - code_limits.DAY, code_limits.COPY_CODES_A_DAY)
        return code_limits.check_copy_limits(history, purpose.for_link, overall, now)

    async def _store(
        self, session: Session, chat_id: int, email: str, decision: CodeGrant, purpose: Purpose
    ) -> CodeRequested:
        now = self._clock()
        minutes = code_limits.LONG_MINUTES if decision.is_long else code_limits.SHORT_MINUTES
        minutes = code_limits.COPY_MINUTES if purpose.for_link is not None else minutes
        code_id, code, is_mailed = None, "", decision.is_mailed or purpose != LINKING
        if not is_mailed:
            code_id = await codes.take_over(session, chat_id, email, now)
        expires_at = now + datetime.timedelta(minutes=minutes)
        if code_id is None:
            is_mailed, code = True, await self._new_code(session, chat_id, email, decision, purpose)
            code_id = await codes.replace(
                session, chat_id, email, code, now=now, expires_at=expires_at, is_long=decision.is_long,
                for_link=purpose.for_link, for_chat=purpose.for_chat,
            )  # fmt: skip
        elif taken_over := await codes.latest(session, chat_id, CodeState.LIVE):
            expires_at = taken_over.expires_at
        await chats.set_awaiting(session, chat_id, Awaiting(purpose.awaited, expires_at, purpose.for_link), now)
        return CodeRequested(chat_id, code_id, email, code, minutes, decision.is_long, is_mailed)

    async def _new_code(self, session: Session, chat_id: int, email: str, decision: CodeGrant, purpose: Purpose) -> str:
        """Draw a code; a short one different from those that it replaces: ``OlderCode`` then says nothing about it."""
        if decision.is_long:
            return new_code(is_long=True)
        hashes = await code_history.short_hashes(
            session, chat_id, email, self._clock() - _HOUR, for_link=purpose.for_link, for_chat=purpose.for_chat
        )
        while code_history.is_among(session, chat_id, code := new_code(is_long=False), hashes):
            pass
        return code

    async def request_code_again(self, chat_id: int) -> CodeRequested | TooSoon | TooOften | None:
        """Request a code for the address of the chat's last code; ``None`` where none is stored."""
        async with self._database.read() as session:
            known = await codes.latest(session, chat_id, *CodeState)
        return await self.request_code(chat_id, known.email) if known else None

    async def check_code(self, chat_id: int, code: str, long_code: str = "", purpose: Purpose = LINKING) -> CheckResult:
        """Compare a typed code with the chat's live code, and count an attempt.

        Args:
            code: Six digits, or empty.
            long_code: Eight characters in upper case, or empty.
        """
        async with self._database.write() as session:
            checked, email = await self._check_code(session, chat_id, code, long_code, purpose)
        if isinstance(checked, WrongCode):
            cause = "closed" if not checked.left else ""
            self._security.record(SecurityEvent.CODE_WRONG, cause=cause, chat_id=chat_id, email=email)
        elif isinstance(checked, TooOften | CodeWithdrawn):
            cap = checked.cap if isinstance(checked, TooOften) else "wrong_codes_of_address"
            self._security.record(SecurityEvent.CAP_REACHED, cause=cap, chat_id=chat_id, email=email)
        return checked

    async def _check_code(
        self, session: Session, chat_id: int, code: str, long_code: str, purpose: Purpose
    ) -> tuple[CheckResult, str | None]:
        """Check a code. Returns: the result, and the address of the chat's code if it has one."""
        now = self._clock()
        known = await codes.latest(
            session, chat_id, CodeState.LIVE, for_link=purpose.for_link, for_chat=purpose.for_chat
        )
        if known is None:
            return await self._check_proven(session, chat_id, code or long_code), None
        if known.expires_at <= now:
            return CodeExpired(), known.email
        typed = long_code if known.is_long else code
        if not typed:
            return OtherCodeKind(known.is_long), known.email
        if await self._is_older(session, chat_id, known, typed):
            return OlderCode(), known.email
        history = await code_history.history(session, chat_id, known.email, now - code_limits.HISTORY_SPAN)
        if capped := code_limits.check_wrong_codes(history, now):
            return capped, known.email
        if not known.is_long and not code_limits.may_compare_short(history, now):
            await codes.move(session, known.code_id, CodeState.LIVE, CodeState.CLOSED)
            return CodeWithdrawn(), known.email
        most = code_limits.ATTEMPTS if known.for_link is None else code_limits.COPY_ATTEMPTS
        left = await codes.take_attempt(session, known.code_id, most)
        if left is None:
            return CodeExpired(), known.email
        if code_hash := await codes.find_match(session, known, chat_id, typed, now):
            await proofs.lift_cap(session, known.email)
            return AddressProven() if await codes.prove(session, known, code_hash, now) else CodeExpired(), known.email
        await proofs.count_wrong(session, known.email, now)
        if left == 0:
            await codes.move(session, known.code_id, CodeState.LIVE, CodeState.CLOSED)
        # The history does not contain this attempt.
        warns = code_limits.is_unusual(history, now) and await proofs.may_warn(
            session, known.email, now, code_limits.WARNING_GAP
        )
        return WrongCode(left, known.email if warns else None), known.email

    async def _is_older(self, session: Session, chat_id: int, known: StoredCode, typed: str) -> bool:
        """Return whether a typed code is of an earlier mail, and not accepted: that says nothing of one that is."""
        now = self._clock()
        if known.is_long:
            return await code_history.is_ended_long(session, known, typed, now, now - code_limits.HISTORY_SPAN)
        hashes = await code_history.short_hashes(
            session, chat_id, known.email, now - _HOUR, for_link=known.for_link, for_chat=known.for_chat,
            but=known.code_id,
        )  # fmt: skip
        return code_history.is_among(session, chat_id, typed, hashes)

    async def finish(self, chat_id: int, first_name: str, wording: Wording) -> Linked | CodeExpired:
        """Link the chat to every account of every contact with the proven address.

        Args:
            first_name: The person's first name in Telegram, which other chats of the mailbox see.
            wording: What the person read before giving the address.

        Returns:
            ``CodeExpired`` where the chat has no valid proof, or the portal no longer knows the address.

        Raises:
            PortalError: Nothing was linked; the proof is valid until the code would have expired.
        """
        proven = await self._load_proof(chat_id)
        if proven is None:
            return CodeExpired()
        contacts = await find_contacts(self._portal, proven.email)
        if not contacts:  # removed since the code was mailed
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
            await links.add_links(session, chat_id, first_name, new_links, now, wording)
            await proofs.remember_proven(session, chat_id, proven.email, now)
        is_new = chat_id not in linked_before
        if new_links:
            cause, count = "new" if is_new else "again", len(new_links)
            self._security.record(SecurityEvent.LINKED, cause=cause, chat_id=chat_id, email=proven.email, count=count)
        language = Language(contacts[0].language) if contacts[0].language else None
        others = tuple(other for other in linked_before if other != chat_id)
        return Linked(contacts[0].email, language, new_links, is_new, others, proven.email)

    async def purge(self, limit: int) -> int:
        """Delete codes, proofs, invitations and pending papers past their retention, up to ``limit`` of each table.

        Returns:
            The largest number of rows of one table: less than ``limit`` where nothing is left to delete.
        """
        now = self._clock()
        async with self._database.write() as session:
            return max(
                await codes.purge(session, now, kept(Category.CODES), CODE_ADDRESS_KEPT, limit),
                await proofs.purge(session, now - kept(Category.GUESSES), limit),
                await invitations.purge(session, now - kept(Category.INVITATIONS), limit),
                await pending_papers.purge(session, now, limit),
            )

    async def finish_copy(self, chat_id: int, link_id: int, language: Language, wording: Wording) -> str | None:
        """Mail copies of the link's invoices to the proven address. Returns: the address; ``None`` without a proof."""
        async with self._database.write() as session:
            proven = await codes.latest(session, chat_id, CodeState.PROVEN, for_link=link_id)
            if proven is None:
                return None
            await codes.close_all(session, chat_id)
            now = self._clock()
            await chats.set_awaiting(session, chat_id, None, now)
            await bookkeeper_copies.save(session, link_id, proven.email, language, now)
            await record_consent(session, chat_id, [ConsentPurpose.COPY], [link_id], wording, now, is_given=True)
        self._security.record(SecurityEvent.COPY_SET, chat_id=chat_id, email=proven.email)
        return proven.email

    async def use_revoke_proof(self, chat_id: int, other_chat_id: int) -> bool:
        """Consume the proof that a revocation needs. Returns: False where there is none, or it was consumed before."""
        async with self._database.write() as session:
            proven = await codes.latest(session, chat_id, CodeState.PROVEN, for_chat=other_chat_id)
            if proven is None or proven.expires_at <= self._clock():
                return False
            await chats.set_awaiting(session, chat_id, None, self._clock())
            return await codes.move(session, proven.code_id, CodeState.PROVEN, CodeState.CLOSED)

    async def _check_proven(self, session: Session, chat_id: int, code: str) -> AddressProven | CodeExpired:
        """Accept a right code again while its proof is valid: the portal may have failed after the first time."""
        proven = await codes.latest(session, chat_id, CodeState.PROVEN)
        if proven and proven.expires_at > self._clock() and codes.is_right(session, proven, chat_id, code):
            return AddressProven()
        return CodeExpired()

    async def _load_proof(self, chat_id: int) -> StoredCode | None:
        async with self._database.read() as session:
            proven = await codes.latest(session, chat_id, CodeState.PROVEN)
        return proven if proven and proven.expires_at > self._clock() else None
