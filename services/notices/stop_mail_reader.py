"""Reads the mailbox to which bookkeepers write to stop their copies, and to which copies come back."""

import asyncio
import datetime
import secrets
from collections.abc import Callable, MutableMapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import structlog

from mail.errors import MailError, Refusal, kind_of
from mail.mailer import Letter
from services.clock import Clock
from services.company import Company
from services.concurrency.uninterrupted import run_to_completion
from services.mailing.copy_letters import copies_stopped_letter
from services.notices import copies
from services.notices.copies import StopRequest
from services.notices.stop_mails import LARGEST_READ, Meaning, StopMail, read_stop_mail
from services.security import SecurityEvent, SecurityLog
from storage.database import Database
from storage.health.errors import is_database_error
from storage.notices import stop_mails
from storage.notices.stop_mails import ReadUpTo

OUTCOMES = (
    "stopped", "stopped_before", "bounced", "bounced_ours", "no_token", "other", "unreadable", "unavailable",
    "misconfigured",
)  # fmt: skip
"""What became of a mail, or why the mailbox could not be read."""
_HANDLED = ("stopped", "stopped_before", "bounced", "bounced_ours")
_BATCH = 50
"""Mails in one turn."""
_LEASE = datetime.timedelta(minutes=5)

log = structlog.get_logger()


class MailSession(Protocol):
    """As ``mail.imap.ImapSession``."""

    uid_validity: int

    async def uids(self, after: int | None) -> list[int]:
        """Return the UIDs of mails after one; those that nobody has read for ``None``."""
        ...

    async def fetch(self, uid: int, limit: int) -> bytes | None:
        """Return the beginning of a mail."""
        ...

    async def mark_seen(self, uid: int) -> None:
        """Mark a mail as read."""
        ...


class Mailbox(Protocol):
    """As ``mail.imap.ImapMailbox``."""

    def session(self) -> AbstractAsyncContextManager[MailSession]:
        """Open the mailbox during the body."""
        ...


class StopMailReader:
    """Acts on each new mail once, by one worker at a time. A mail that was acted on is marked as read, none is deleted.

    Args:
        send_later: Sends a letter in the background.
        counts: Are counted up, by ``OUTCOMES``.
    """

    def __init__(
        self,
        database: Database,
        mailbox: Mailbox,
        security: SecurityLog,
        company: Company,
        clock: Clock,
        send_later: Callable[[Letter], None],
        counts: MutableMapping[str, int],
    ) -> None:
        self._database = database
        self._mailbox = mailbox
        self._security = security
        self._company = company
        self._clock = clock
        self._send_later = send_later
        self._problem = ""
        self._owner = secrets.token_hex(8)
        self._counts = counts

    async def read(self, beat: Callable[[], None]) -> bool:
        """Read up to ``_BATCH`` mails, unless another worker reads. Returns: whether there are more.

        A mailbox that cannot be used is counted and logged, once for each reason, and read again by the next call.
        """
        read: ReadUpTo | None = None
        try:
            read = await run_to_completion(self._claim())
            if read is None:
                return False
            async with self._mailbox.session() as session:
                is_same = read.uid_validity == session.uid_validity
                uids = await session.uids(read.last_uid if is_same else None)
                read = ReadUpTo(session.uid_validity, read.last_uid if is_same else 0)
                for uid in uids[:_BATCH]:
                    beat()
                    await self._act_on(session, uid)
                    read = ReadUpTo(read.uid_validity, uid)
                self._report("")
                return len(uids) > _BATCH
        except MailError as error:
            self._count(kind_of(error))
            self._report(str(error))
            return False
        finally:
            await run_to_completion(self._release(read))

    async def _claim(self) -> ReadUpTo | None:
        async with self._database.write() as session:
            return await stop_mails.claim(session, self._owner, self._clock(), _LEASE)

    async def _release(self, read: ReadUpTo | None) -> None:
        async with self._database.write() as session:
            await stop_mails.release(session, self._owner, read)

    def _count(self, outcome: str) -> None:
        self._counts[outcome] = self._counts.get(outcome, 0) + 1

    def _report(self, problem: str) -> None:
        """Log that the mailbox cannot be used, once for each reason, and once that it can again."""
        if problem and problem != self._problem:
            log.error("stop_mailbox.not_read", reason=problem)
        elif self._problem and not problem:
            log.info("stop_mailbox.read_again")
        self._problem = problem

    async def _act_on(self, session: MailSession, uid: int) -> None:
        raw = await session.fetch(uid, LARGEST_READ)
        if raw is None:
            return
        try:
            outcome = await self._outcome(await asyncio.to_thread(read_stop_mail, raw))
        except Exception as error:
            if is_database_error(error):
                raise
            # Whatever a mail does to the parser, the mails behind it are read.
            log.warning("stop_mail.not_read", error=type(error).__name__)
            outcome = "unreadable"
        self._count(outcome)
        if outcome in _HANDLED:
            await session.mark_seen(uid)

    async def _outcome(self, mail: StopMail) -> str:
        """Do what a mail asks. Returns: what became of it."""
        if mail.meaning is Meaning.OTHER:
            return "other"
        request = await self._request(mail)
        if request is None:
            return "no_token"
        if mail.meaning is Meaning.BOUNCE:
            return await self._pause(request, mail.refusal)
        stopped = await copies.stop(self._database, request, self._clock())
        if not stopped:
            return "stopped_before"
        self._security.record(SecurityEvent.COPY_STOPPED, cause="mail", email=request.email, count=stopped)
        # To the address of the copies, never to the sender of the mail, who may be anybody.
        self._send_later(copies_stopped_letter(request.email, self._company.language, company=self._company))
        return "stopped"

    async def _request(self, mail: StopMail) -> StopRequest | None:
        for token in mail.tokens:
            if (request := await copies.open_stop_token(self._database, token)) is not None:
                return request
        return None

    async def _pause(self, request: StopRequest, refusal: Refusal | None) -> str:
        if refusal is not Refusal.RECIPIENT:
            log.error("mail.refused_us", reason="a copy came back", about=refusal)
            return "bounced_ours"
        if paused := await copies.pause(self._database, request, None, self._clock()):
            log.warning("copy.paused", count=paused)
        return "bounced"
