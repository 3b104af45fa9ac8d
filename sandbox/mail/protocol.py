"""aiosmtpd's SMTP protocol with a login and faults."""
# ruff: noqa: N802  (aiosmtpd finds its commands by these names)

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.mail.faults import Act, Faults, Stage

# aiosmtpd logs addresses, and warns about its own use of deprecated functions.
logging.getLogger("mail.log").setLevel(logging.ERROR)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What the server requires of a client, and what it offers."""

    user: str = ""
    password: str = field(default="", repr=False)
    starttls: ssl.SSLContext | None = None
    smtputf8: bool = True
    size_limit: int = 32 * 1024 * 1024  # octets of one message
    eightbit: bool = True
    cram_md5: bool = False
    """Whether CRAM-MD5 is offered, and then refused."""
    only_xoauth2: bool = False
    """Whether XOAUTH2 is the only login that is offered."""


Keep = Callable[[Session, Envelope], Awaitable[None]]


class Connection(SMTP):
    """The connection of one client."""

    def __init__(self, options: ServerOptions, faults: Faults, keep: Keep, connections: "set[Connection]") -> None:
        self.options = options
        self._faults = faults
        self._connections = connections
        super().__init__(
            _Handler(keep),
            data_size_limit=options.size_limit,
            enable_SMTPUTF8=options.smtputf8,
            hostname="mailbox.test",
            ident="sandbox",
            tls_context=options.starttls,
            require_starttls=options.starttls is not None,
            # aiosmtpd knows about its own STARTTLS only, not about implicit TLS.
            auth_require_tls=options.starttls is not None,
            authenticator=self._check_login,
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        super().connection_lost(error)

    async def close(self) -> None:
        """Close the connection, and wait until its task has ended."""
        task = self._handler_coroutine
        self._abort()
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def fault_at(self, stage: Stage, to: str = "") -> str | None:
        """Return the reply of the fault at this stage, or None. A fault without a reply ends the task."""
        fault = self._faults.take(stage, to)
        if fault is None:
            return None
        if fault.act is Act.REPLY:
            return fault.reply
        if fault.act is Act.DROP:
            self._abort()
        await asyncio.Event().wait()  # closing the connection cancels this wait
        return None

    def _abort(self) -> None:
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    def _check_login(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: LoginPassword
    ) -> AuthResult:
        user, password = self.options.user.encode(), self.options.password.encode()
        right = bool(user) and compare_digest(login.login, user) and compare_digest(login.password, password)
        return AuthResult(success=right, handled=False, auth_data=login)

    async def _handle_client(self) -> None:
        if reply := await self.fault_at(Stage.CONNECT):
            await self.push(reply)
            self._writer.close()
            return
        await super()._handle_client()

    async def smtp_EHLO(self, hostname: str) -> None:
        await self._unless_fault(Stage.EHLO, super().smtp_EHLO, hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:
        await self._unless_fault(Stage.STARTTLS, super().smtp_STARTTLS, arg)

    async def smtp_AUTH(self, arg: str) -> None:
        if self.options.cram_md5 and (arg or "").upper().startswith("CRAM-MD5"):
            await self.push("334 PDEuMkBtYWlsYm94LnRlc3Q+")
            answer = await self._reader.readline()
            await self.push("501 5.7.0 Ended" if answer.strip() == b"*" else "535 5.7.8 CRAM-MD5 is not set up")
            return
        await self._unless_fault(Stage.AUTH, super().smtp_AUTH, arg)

    async def smtp_MAIL(self, arg: str | None) -> None:
        if self.options.user and not (self.session and self.session.authenticated):
            await self.push("530 5.7.0 Authentication required")
            return
        await self._unless_fault(Stage.MAIL, super().smtp_MAIL, arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        await self._unless_fault(Stage.RCPT, super().smtp_RCPT, arg, _address_in(arg))

    async def smtp_DATA(self, arg: str) -> None:
        await self._unless_fault(Stage.DATA, super().smtp_DATA, arg, _recipient_of(self.envelope))

    async def smtp_QUIT(self, arg: str) -> None:
        await self._unless_fault(Stage.QUIT, super().smtp_QUIT, arg)

    async def _unless_fault(
        self, stage: Stage, command: Callable[[Any], Awaitable[None]], arg: str | None, to: str = ""
    ) -> None:
        if reply := await self.fault_at(stage, to):
            await self.push(reply)
            return
        await command(arg)


def _address_in(arg: str | None) -> str:
    """Return the address in ``TO:<address> …``."""
    return (arg or "").partition("<")[2].partition(">")[0]


def _recipient_of(envelope: Envelope | None) -> str:
    return envelope.rcpt_tos[0] if envelope and envelope.rcpt_tos else ""


class _Handler:
    """aiosmtpd's handler. `keep` stores a message."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep

    async def handle_EHLO(
        self, server: Connection, session: Session, _envelope: Envelope, hostname: str, replies: list[str]
    ) -> list[str]:
        session.host_name = hostname
        options, offered = server.options, []
        for reply in replies:
            if reply.startswith("250-AUTH"):
                if not options.user:
                    continue
                reply += " CRAM-MD5" if options.cram_md5 else ""
                reply = "250-AUTH XOAUTH2" if options.only_xoauth2 else reply
            if options.eightbit or "8BITMIME" not in reply:
                offered.append(reply)
        return offered

    async def handle_DATA(self, server: Connection, session: Session, envelope: Envelope) -> str:
        to = _recipient_of(envelope)
        if reply := await server.fault_at(Stage.CONTENT, to):
            return reply
        await self._keep(session, envelope)
        return await server.fault_at(Stage.STORED, to) or "250 2.0.0 kept"

    async def handle_exception(self, error: Exception) -> str:
        # Also called when a client does not trust our certificate, which needs no warning.
        _log.debug("a conversation failed: %s", type(error).__name__)
        return "451 4.3.0 something broke"
