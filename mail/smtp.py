"""Send letters over SMTP, each over a connection of its own."""

import asyncio
import re
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiosmtplib import SMTP, SMTPDataError, SMTPException, SMTPServerDisconnected

from mail.addresses import Address, parse_address, parse_recipient, parse_sender
from mail.errors import MailError, MailRefused, MailUnavailable, Refusal, SmtpStep, mail_error
from mail.limits import ConnectionLimit
from mail.login import log_in
from mail.mailer import Letter
from mail.message import compose
from mail.server import SmtpServer, Tls

_CONTENT_TIMEOUT_FACTOR = 6
"""The reply to the content takes longer than others: a server may scan for spam and viruses, and a time-out leaves the
letter uncertain (RFC 5321 §4.5.3.2.6 recommends ten minutes)."""
_SLOWEST_UPLOAD = 64 * 1024
"""Octets per second."""
_QUIT_SECONDS = 2.0
_FIRST_SESSION_SECONDS = 0.2
"""Assumed length of a session with a letter for a stranger, until the first one is measured."""
_READY_SECONDS = 5.0
"""How long the result of a successful `ready` holds, while no session fails."""


class SmtpMailer:
    """A `mail.mailer.Mailer` for one server. It keeps no connection between letters; tasks may share it.

    Args:
        sender: `Name <address>` or an address.
        timeout: seconds, for the connection and for each reply; the reply to a letter's content may take six times as
            long, and longer for a large one.
        ssl_context: replaces the system's certificate authorities.
        rate: connections per second.

    Raises:
        ValueError: `sender` is no address.
    """

    def __init__(
        self,
        server: SmtpServer,
        sender: str,
        timeout: float = 10.0,
        *,
        ssl_context: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        rate: float = 2.0,
    ) -> None:
        self._server = server
        self._name, address = parse_sender(sender)
        self._sender = parse_address(address)
        self._timeout = timeout
        self._clock = clock
        self._limit, self._strangers = ConnectionLimit(rate), ConnectionLimit(rate)
        self._session_seconds = _FIRST_SESSION_SECONDS
        self._ready_at: float | None = None
        self._probe: asyncio.Task[None] | None = None
        self._ssl_context = None if server.tls is Tls.OFF else ssl_context

    async def send(self, letter: Letter) -> None:
        """See `Mailer`."""
        recipient = _recipient(letter.to)
        limit = self._strangers if letter.is_for_stranger else self._limit
        async with limit.connection(urgent=not letter.attachments):
            # In a thread, because PDFs take long to encode; after the wait, because the encoded letter takes twice the
            # memory.
            message = await asyncio.to_thread(self._encoded, letter, recipient)
            began = time.monotonic()
            await self._run_session(lambda session: session.send(self._sender, recipient, message))
        if letter.is_for_stranger:
            self._session_seconds = time.monotonic() - began

    def _encoded(self, letter: Letter, recipient: Address) -> "_Encoded":
        message = compose(letter, name=self._name, sender=self._sender, recipient=recipient, at=self._clock())
        return _Encoded(len(message), re.sub(rb"(?m)^\.", b"..", message))  # RFC 5321 §4.5.2

    async def take_turn(self) -> None:
        """See `Mailer`."""
        with suppress(MailUnavailable):
            async with self._strangers.connection(urgent=True):
                await asyncio.sleep(self._session_seconds)

    async def ready(self) -> None:
        """See `Mailer`."""
        # Each request for a code calls this. Many requests must not use up the connections: the result is kept for a
        # moment, and concurrent calls share one session.
        now = time.monotonic()
        if self._ready_at is not None and now - self._ready_at < _READY_SECONDS:
            return
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._check_server())
        await asyncio.shield(self._probe)

    async def _check_server(self) -> None:
        async with self._limit.connection(urgent=True):
            await self._run_session(_send_nothing)

    async def _run_session(self, use: "Callable[[_Session], Awaitable[None]]") -> None:
        if self._ssl_context is None and self._server.tls is not Tls.OFF:
            # Reading the system's authorities takes tens of milliseconds: do it once, in a thread, not at start-up.
            self._ssl_context = await asyncio.to_thread(ssl.create_default_context)
        session = _Session(self._server, self._timeout, self._ssl_context, self._sender.domain)
        try:
            await session.open()
            await use(session)
            await session.quit()
            self._ready_at = time.monotonic()
            return
        except MailError as error:
            failure = error
        except (SMTPException, OSError) as error:
            failure = mail_error(error, session.step)
        finally:
            session.close()
        self._ready_at = None
        # Raise outside the except clauses, without a context: the library's errors hold addresses and server replies.
        raise failure


@dataclass(frozen=True, slots=True)
class _Encoded:
    """An encoded letter: its size in octets before dot-stuffing (RFC 1870), and its content after."""

    size: int
    stuffed: bytes = field(repr=False)


class _Session:
    """One connection, from the greeting to QUIT; `step` is the step under way, for errors."""

    def __init__(self, server: SmtpServer, timeout: float, ssl_context: ssl.SSLContext | None, our_name: str) -> None:
        self.step = SmtpStep.GREETING
        self._server = server
        self._timeout = timeout
        self._client = SMTP(
            hostname=server.host,
            port=server.port,
            timeout=timeout,
            use_tls=server.tls is Tls.IMPLICIT,
            start_tls=False,  # done below, as a step of its own
            tls_context=ssl_context,
            local_hostname=our_name,  # the default asks the DNS
        )

    async def open(self) -> None:
        await self._client.connect()
        await self._client.ehlo()
        if self._server.tls is Tls.STARTTLS:
            self.step = SmtpStep.TLS
            await self._client.starttls()
            await self._client.ehlo()
        if self._server.user:
            self.step = SmtpStep.LOGIN
            await log_in(self._client, self._server)

    async def send(self, sender: Address, recipient: Address, message: "_Encoded") -> None:
        self.step = SmtpStep.SENDER
        international = sender.needs_smtputf8 or recipient.needs_smtputf8
        options = self._mail_options(message, international=international)
        encoding = "utf-8" if international else "ascii"
        await self._client.mail(str(sender), options=options, encoding=encoding)
        self.step = SmtpStep.RECIPIENT
        await self._client.rcpt(str(recipient), encoding=encoding)
        self.step = SmtpStep.DATA
        await self._write(message)

    async def quit(self) -> None:
        # The letter is accepted: whatever the server answers changes nothing.
        with suppress(SMTPException, OSError):
            await self._client.quit(timeout=min(self._timeout, _QUIT_SECONDS))

    def close(self) -> None:
        self._client.close()

    def _mail_options(self, message: "_Encoded", *, international: bool) -> list[str]:
        options = []
        if self._client.supports_extension("size"):
            limit = self._client.esmtp_extensions["size"].strip()
            if limit.isdecimal() and 0 < int(limit) < message.size:  # RFC 1870 §3: 0 or nothing is no limit
                raise MailRefused("the letter is larger than the mail server takes", about=Refusal.SIZE)
            options.append(f"SIZE={message.size}")
        if international:
            if not self._client.supports_extension("smtputf8"):
                what = "the mail server cannot write to an address beyond ASCII (no SMTPUTF8)"
                raise MailRefused(what, about=Refusal.RECIPIENT)
            options += ["BODY=8BITMIME"] if self._client.supports_extension("8bitmime") else []
            options.append("SMTPUTF8")
        return options

    async def _write(self, message: "_Encoded") -> None:
        """Send DATA in two steps: the library's own call does not separate failures before and after the content."""
        go_ahead = await self._client.execute_command(b"DATA")
        if go_ahead.code != 354:
            raise SMTPDataError(go_ahead.code, go_ahead.message)
        protocol = self._client.protocol
        if protocol is None:
            raise SMTPServerDisconnected("Connection lost")
        protocol.write(message.stuffed)
        protocol.write(b".\r\n")
        self.step = SmtpStep.CONTENT
        timeout = self._timeout * _CONTENT_TIMEOUT_FACTOR + message.size / _SLOWEST_UPLOAD
        reply = await protocol.read_response(timeout=timeout)
        if not 200 <= reply.code < 300:
            raise SMTPDataError(reply.code, reply.message)


async def _send_nothing(_: _Session) -> None:
    return


def _recipient(text: str) -> Address:
    with suppress(ValueError):
        return parse_recipient(text)
    raise MailRefused("the recipient is not an email address", about=Refusal.RECIPIENT)
