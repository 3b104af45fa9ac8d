"""Letters over SMTP: one connection for each, and every failure told as one of `mail.errors`."""

import asyncio
import re
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from aiosmtplib import SMTP, SMTPDataError, SMTPException, SMTPResponseException, SMTPServerDisconnected

from mail.addresses import Address, Sender, parse_address, parse_sender
from mail.errors import MailError, MailMisconfigured, MailRefused, MailUnavailable
from mail.limits import ConnectionLimit
from mail.mailer import Letter
from mail.message import compose
from mail.server import SmtpServer, Tls, parse_smtp_url

__all__ = ["Sender", "SmtpMailer", "SmtpServer", "Tls", "parse_sender", "parse_smtp_url"]

# A server may read a letter's content for spam and viruses before it answers; giving up early leaves a letter
# uncertain, so it gets more time than other replies (RFC 5321 §4.5.3.2.6 asks for ten minutes).
_CONTENT_PATIENCE = 6
_SLOWEST_UPLOAD = 64 * 1024  # octets a second
_GOODBYE_SECONDS = 2.0
_FIRST_TURN_SECONDS = 0.2
"""How long a turn without a letter takes before one with a letter was measured."""
_READY_SECONDS = 5.0
"""How long a server that was ready is taken to be so, while no conversation with it fails."""
# Replies to any command that mean "log in, or encrypt, first" (RFC 4954 §6, RFC 3207 §4).
_LOGIN_WANTED = frozenset({530, 534, 535, 538})


class SmtpMailer:
    """A `mail.mailer.Mailer` on one server. Holds no connection between letters; safe to share between tasks.

    `timeout` is in seconds, for the connection and for each reply; the reply to a letter's content may take
    six times that, and longer for a large one. `ssl_context` replaces the system's certificate authorities.
    `rate` is connections a second.
    `sender` is `Name <address>` or an address; ValueError if it is neither.
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
        self._turn_seconds = _FIRST_TURN_SECONDS
        self._ready_at: float | None = None
        self._probe: asyncio.Task[None] | None = None
        self._ssl_context = None if server.tls is Tls.OFF else ssl_context

    async def send(self, letter: Letter) -> None:
        recipient = _recipient(letter.to)
        limit = self._strangers if letter.is_for_stranger else self._limit
        async with limit.connection(urgent=not letter.attachments):
            # In a thread: a pack of PDFs takes long enough to encode for others to notice. And not before its turn:
            # encoded, it takes twice the memory.
            message = await asyncio.to_thread(self._encoded, letter, recipient)
            began = time.monotonic()
            await self._converse(lambda conversation: conversation.hand_in(self._sender, recipient, message))
        if letter.is_for_stranger:
            self._turn_seconds = time.monotonic() - began

    def _encoded(self, letter: Letter, recipient: Address) -> "_Encoded":
        message = compose(letter, name=self._name, sender=self._sender, recipient=recipient, at=self._clock())
        return _Encoded(len(message), re.sub(rb"(?m)^\.", b"..", message))  # RFC 5321 §4.5.2

    async def take_turn(self) -> None:
        with suppress(MailUnavailable):
            async with self._strangers.connection(urgent=True):
                await asyncio.sleep(self._turn_seconds)

    async def ready(self) -> None:
        # Each request for a code asks this. Whoever asks for many must not use up the connections for everybody: what
        # is known is taken for a moment, and who asks meanwhile waits for the same answer.
        now = time.monotonic()
        if self._ready_at is not None and now - self._ready_at < _READY_SECONDS:
            return
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._look())
        await asyncio.shield(self._probe)

    async def _look(self) -> None:
        async with self._limit.connection(urgent=True):
            await self._converse(_say_nothing)

    async def _converse(self, talk: "Callable[[_Conversation], Awaitable[None]]") -> None:
        if self._ssl_context is None and self._server.tls is not Tls.OFF:
            # Reading the system's authorities takes tens of milliseconds: once, and neither the start's nor the loop's.
            self._ssl_context = await asyncio.to_thread(ssl.create_default_context)
        conversation = _Conversation(self._server, self._timeout, self._ssl_context, self._sender.domain)
        try:
            await conversation.open()
            await talk(conversation)
            await conversation.leave()
            self._ready_at = time.monotonic()
            return
        except MailError as error:
            failure = error
        except (SMTPException, OSError) as error:
            failure = _failure(error, conversation.step)
        finally:
            conversation.close()
        self._ready_at = None
        # Raised out here so that it carries no context: the library's errors hold addresses and server replies.
        raise failure


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A letter as it goes over the wire: its size before dot-stuffing (RFC 1870), and its content after."""

    size: int
    stuffed: bytes = field(repr=False)


class _Step(StrEnum):
    """How far a conversation got, in words an operator reads in an error."""

    GREETING = "greeting us"
    TLS = "starting TLS"
    LOGIN = "logging us in"
    SENDER = "taking the sender"
    RECIPIENT = "taking the recipient"
    DATA = "getting ready for the content"
    CONTENT = "taking the content"  # from here on, silence means uncertain


_ABOUT_THE_LETTER = frozenset({_Step.SENDER, _Step.RECIPIENT, _Step.DATA, _Step.CONTENT})


class _Conversation:
    """One connection, from the greeting to QUIT; `step` tells where it was when something broke."""

    def __init__(self, server: SmtpServer, timeout: float, ssl_context: ssl.SSLContext | None, our_name: str) -> None:
        self.step = _Step.GREETING
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
            self.step = _Step.TLS
            await self._client.starttls()
            await self._client.ehlo()
        if self._server.user:
            self.step = _Step.LOGIN
            await self._client.login(self._server.user, self._server.password)

    async def hand_in(self, sender: Address, recipient: Address, message: "_Encoded") -> None:
        self.step = _Step.SENDER
        international = sender.needs_smtputf8 or recipient.needs_smtputf8
        options = self._mail_options(message, international=international)
        encoding = "utf-8" if international else "ascii"
        await self._client.mail(str(sender), options=options, encoding=encoding)
        self.step = _Step.RECIPIENT
        await self._client.rcpt(str(recipient), encoding=encoding)
        self.step = _Step.DATA
        await self._write(message)

    async def leave(self) -> None:
        # The letter is accepted: a server that does not say goodbye changes nothing.
        with suppress(SMTPException, OSError):
            await self._client.quit(timeout=min(self._timeout, _GOODBYE_SECONDS))

    def close(self) -> None:
        self._client.close()

    def _mail_options(self, message: "_Encoded", *, international: bool) -> list[str]:
        options = []
        if self._client.supports_extension("size"):
            limit = self._client.esmtp_extensions["size"].strip()
            if limit.isdecimal() and 0 < int(limit) < message.size:  # RFC 1870 §3: 0 or nothing is no limit
                raise MailRefused("the letter is larger than the mail server takes")
            options.append(f"SIZE={message.size}")
        if international:
            if not self._client.supports_extension("smtputf8"):
                raise MailRefused("the mail server cannot write to an address beyond ASCII (no SMTPUTF8)")
            options += ["BODY=8BITMIME", "SMTPUTF8"]
        return options

    async def _write(self, message: "_Encoded") -> None:
        """DATA, in two steps: the library's own does not tell a failure before the content from one after it."""
        go_ahead = await self._client.execute_command(b"DATA")
        if go_ahead.code != 354:
            raise SMTPDataError(go_ahead.code, go_ahead.message)
        protocol = self._client.protocol
        if protocol is None:
            raise SMTPServerDisconnected("Connection lost")
        protocol.write(message.stuffed)
        protocol.write(b".\r\n")
        self.step = _Step.CONTENT
        patience = self._timeout * _CONTENT_PATIENCE + message.size / _SLOWEST_UPLOAD
        reply = await protocol.read_response(timeout=patience)
        if not 200 <= reply.code < 300:
            raise SMTPDataError(reply.code, reply.message)


async def _say_nothing(_: _Conversation) -> None:
    return


def _recipient(text: str) -> Address:
    with suppress(ValueError):
        return parse_address(text)
    raise MailRefused("the recipient is not an email address")


def _failure(error: SMTPException | OSError, step: _Step) -> MailError:
    """Name a failure by what the server replied, if it did, and by how far the conversation got."""
    if isinstance(error, SMTPResponseException) and 400 <= error.code < 600:
        return _refusal(error.code, step)
    unanswered = isinstance(error, OSError | SMTPResponseException)
    if _is_tls_failure(error) and step in (_Step.GREETING, _Step.TLS):
        untrusted = isinstance(_root(error), ssl.SSLCertVerificationError)
        what = "the mail server's certificate is not trusted" if untrusted else "TLS with the mail server failed"
        return MailMisconfigured(what)
    if not unanswered and step is _Step.TLS:
        return MailMisconfigured("the mail server does not offer STARTTLS")
    if not unanswered and step is _Step.LOGIN:
        return MailMisconfigured("the mail server offers no login that we know")
    what = "was too slow" if isinstance(error, TimeoutError) else "could not be reached, or broke off"
    return MailUnavailable(f"the mail server {what}, {step}", written=step is _Step.CONTENT)


def _refusal(code: int, step: _Step) -> MailError:
    what = f"the mail server said {code}, {step}"
    if code < 500:
        return MailUnavailable(what)
    if step in _ABOUT_THE_LETTER and code not in _LOGIN_WANTED:
        return MailRefused(what, code=code)
    return MailMisconfigured(what)


def _root(error: BaseException) -> BaseException:
    return error if isinstance(error, ssl.SSLError) else error.__cause__ or error


def _is_tls_failure(error: BaseException) -> bool:
    # A connection that ends during the handshake is a connection that ended, whatever OpenSSL calls it.
    root = _root(error)
    return isinstance(root, ssl.SSLError) and not isinstance(root, ssl.SSLEOFError | ssl.SSLZeroReturnError)
