"""Reads a mailbox over IMAP (RFC 9051), by `imaplib` in a thread. It deletes and moves nothing."""

import asyncio
import imaplib
import re
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from mail.errors import MailError, MailMisconfigured, MailUnavailable
from mail.server import ImapServer, Tls

_CONNECT_SECONDS = 5.0
"""A stop of the process waits for a connection that is being made, so it may not take long."""
_COMMAND_SECONDS = 15.0

ResultT = TypeVar("ResultT")


class ImapMailbox:
    """One folder of a mailbox. Each session is a connection of its own.

    Args:
        ssl_context: replaces the system's certificate authorities.
    """

    def __init__(self, server: ImapServer, *, ssl_context: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._ssl_context = ssl_context

    @asynccontextmanager
    async def session(self) -> "AsyncIterator[ImapSession]":
        """Log in and select the folder; log out after the body.

        Raises:
            MailUnavailable, MailMisconfigured: the mailbox cannot be used.
        """
        attempt = _Attempt(self._connect)
        try:
            client = await _in_thread(attempt.run)
        except asyncio.CancelledError:
            attempt.abandon()
            raise
        session = ImapSession(client)
        try:
            await session.select(self._server.folder)
            yield session
            with suppress(MailError):
                await session.log_out()
        finally:
            session.close()

    async def ready(self) -> None:
        """Check the mailbox: a session that reads nothing. Raises: as `session`."""
        async with self.session():
            return

    def _connect(self) -> imaplib.IMAP4:
        server = self._server
        context = None if server.tls is Tls.OFF else self._ssl_context or ssl.create_default_context()
        if server.tls is Tls.IMPLICIT:
            client: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                server.host, server.port, ssl_context=context, timeout=_CONNECT_SECONDS
            )
        else:
            client = imaplib.IMAP4(server.host, server.port, timeout=_CONNECT_SECONDS)
        try:
            if server.tls is Tls.STARTTLS:
                if "STARTTLS" not in client.capabilities:
                    raise MailMisconfigured("the mailbox's server does not offer STARTTLS")
                client.starttls(ssl_context=context)
            _log_in(client, server)
        except BaseException:
            _close(client)
            raise
        client.socket().settimeout(_COMMAND_SECONDS)
        return client


class ImapSession:
    """A connection whose folder is selected.

    Attributes:
        uid_validity: The UIDs of earlier sessions hold for this one if this is the same number.
    """

    def __init__(self, client: imaplib.IMAP4) -> None:
        self._client = client
        self.uid_validity = 0

    async def select(self, folder: str) -> None:
        """Select a folder. Raises: MailMisconfigured where there is no such folder."""
        kind, _ = await self._call(lambda: self._client.select(f'"{folder}"'))
        found = re.fullmatch(rb"\d{1,10}", _first(self._client.response("UIDVALIDITY")[1]))
        if kind != "OK" or found is None:
            raise MailMisconfigured("the folder of the mailbox cannot be opened")
        self.uid_validity = int(found[0])

    async def uids(self, after: int | None) -> list[int]:
        """Return the UIDs of mails, lowest first: those after a UID, or for None those that nobody has read."""
        criteria = "UNSEEN" if after is None else f"UID {after + 1}:*"
        kind, found = await self._call(lambda: self._client.uid("SEARCH", criteria))
        if kind != "OK":
            raise MailUnavailable("the mailbox refuses a search")
        uids = sorted(int(uid) for uid in _first(found).split() if uid.isdigit())
        return [uid for uid in uids if after is None or uid > after]  # n:* has at least the last mail (RFC 9051 §9)

    async def fetch(self, uid: int, limit: int) -> bytes | None:
        """Return the first `limit` octets of a mail, without marking it as read; None if it is gone."""
        kind, found = await self._call(lambda: self._client.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{limit}>)"))
        if kind != "OK":
            raise MailUnavailable("the mailbox refuses a mail")
        contents = [part[1] for part in found if isinstance(part, tuple) and isinstance(part[1], bytes)]
        return contents[0][:limit] if contents else None

    async def mark_seen(self, uid: int) -> None:
        """Mark a mail as read."""
        await self._call(lambda: self._client.uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Seen)"))

    async def log_out(self) -> None:
        """End the session in good order."""
        await self._call(self._client.logout)

    def close(self) -> None:
        """Close the connection; a command that runs fails."""
        _close(self._client)

    async def _call(self, work: Callable[[], ResultT]) -> ResultT:
        try:
            return await _in_thread(work)
        except asyncio.CancelledError:
            self.close()
            raise


class _Attempt:
    """A connection that a thread makes, and that is closed if nobody waits for it any more."""

    def __init__(self, connect: Callable[[], imaplib.IMAP4]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._made: imaplib.IMAP4 | None = None
        self._is_abandoned = False

    def run(self) -> imaplib.IMAP4:
        client = self._connect()
        with self._lock:
            self._made = client
            if self._is_abandoned:
                _close(client)
        return client

    def abandon(self) -> None:
        with self._lock:
            self._is_abandoned = True
            if self._made is not None:
                _close(self._made)


async def _in_thread(work: Callable[[], ResultT]) -> ResultT:
    try:
        return await asyncio.to_thread(work)
    except MailError:
        raise
    except ssl.SSLCertVerificationError:
        failure: MailError = MailMisconfigured("the certificate of the mailbox's server is not trusted")
    except Exception as error:  # imaplib's own, OSError, and what its parser raises at an answer that is none
        what = "was too slow" if isinstance(error, TimeoutError) else "could not be reached, or broke off"
        failure = MailUnavailable(f"the mailbox {what} ({type(error).__name__})")
    # Raise outside the except clauses, without a context: the library's errors hold addresses and server replies.
    raise failure


def _log_in(client: imaplib.IMAP4, server: ImapServer) -> None:
    try:
        if "AUTH=PLAIN" in client.capabilities:
            client.authenticate("PLAIN", lambda _: f"\0{server.user}\0{server.password}".encode())
        else:
            client.login(f'"{server.user}"', server.password)
        return
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, UnicodeEncodeError) as error:
        is_for_now = re.search(r"\[(UNAVAILABLE|INUSE|LIMIT)\]", str(error)) is not None
    if is_for_now:
        raise MailUnavailable("the mailbox cannot be opened now")
    raise MailMisconfigured("the mailbox refuses the login")


def _close(client: imaplib.IMAP4) -> None:
    with suppress(OSError, AttributeError):
        client.socket().shutdown(socket.SHUT_RDWR)
    with suppress(OSError, AttributeError):
        client.shutdown()


def _first(found: object) -> bytes:
    return found[0] if isinstance(found, list) and found and isinstance(found[0], bytes) else b""
