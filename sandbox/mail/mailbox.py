"""The mailbox: an SMTP server on loopback, the messages it keeps, and waiting for messages."""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal, Self
from urllib.parse import quote

from aiosmtpd.smtp import Envelope, Session

from sandbox.mail.certificates import certificates
from sandbox.mail.faults import Fault, Faults
from sandbox.mail.protocol import Connection, ServerOptions
from sandbox.mail.received import Received

KEPT_LETTERS = 1_000
KEPT_OCTETS = 256 * 1024 * 1024
_WATCHER_BACKLOG = 100

TlsMode = Literal["off", "starttls", "implicit"]


class Mailbox:
    """An SMTP server in the running event loop. `async with Mailbox() as mailbox`, or `start()` and `stop()`.

    It keeps the last 1,000 messages, and at most 256 MiB.

    Args:
        port: 0 means a free port.
        user: With a user, a login is required.
        tls: `off`, `starttls` (then required) or `implicit`. Clients trust `client_context()` or `authority`.
        size_limit: In octets, for one message.
        eightbit: Whether 8BITMIME is offered.
        cram_md5: Whether CRAM-MD5 is offered beside PLAIN and LOGIN, and refused.
        only_xoauth2: Whether XOAUTH2 is the only login that is offered.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        user: str = "",
        password: str = "",
        tls: TlsMode = "off",
        smtputf8: bool = True,
        size_limit: int = 32 * 1024 * 1024,
        eightbit: bool = True,
        cram_md5: bool = False,
        only_xoauth2: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.host = host
        self.port = port
        self.faults = Faults()
        self._tls = tls
        starttls = certificates().server_context() if tls == "starttls" else None
        self._implicit = certificates().server_context() if tls == "implicit" else None
        self._options = ServerOptions(user, password, starttls, smtputf8, size_limit, eightbit, cram_md5, only_xoauth2)
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._reserved: socket.socket | None = None
        self._connections: set[Connection] = set()
        self.conversations = 0
        """How many connections were made to it, ever."""
        self._letters: deque[Received] = deque()
        self._octets = 0
        self._last_id = 0
        self._arrival = asyncio.Condition()
        self._watchers: set[asyncio.Queue[Received | None]] = set()

    async def start(self) -> Self:
        """Listen, and set `port`. Raises OSError if the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._connect_client,
            self.host,
            self.port,
            ssl=self._implicit,
            reuse_address=True,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._release_port()
        return self

    def _connect_client(self) -> Connection:
        self.conversations += 1
        return Connection(self._options, self.faults, self._keep, self._connections)

    async def stop(self) -> None:
        """Stop listening and close every connection. The messages stay readable; watchers end."""
        await self._stop_listening()
        self._release_port()
        for watcher in self._watchers:
            _put(watcher, None)

    async def go_down(self) -> None:
        """Refuse connections, and close the open ones, until `come_back`."""
        if self.is_down:
            return
        await self._stop_listening()
        # Bound without listening: connections are refused, and the port stays reserved.
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._reserved = socket.socket(family, socket.SOCK_STREAM)
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((self.host, self.port))

    async def come_back(self) -> None:
        """End `go_down`, on the same port."""
        if self.is_down:
            await self.start()

    @property
    def is_down(self) -> bool:
        return self._server is None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """The value for ODOBOT_SMTP_URL, with the login."""
        login = (
            f"{quote(self._options.user, safe='')}:{quote(self._options.password, safe='')}@"
            if self._options.user
            else ""
        )
        host = f"[{self.host}]" if ":" in self.host else self.host
        scheme, option = {"off": ("smtp", "?tls=off"), "starttls": ("smtp", ""), "implicit": ("smtps", "")}[self._tls]
        return f"{scheme}://{login}{host}:{self.port}{option}"

    @property
    def authority(self) -> str:
        """The certificate authority as PEM. Another process trusts it through a file that SSL_CERT_FILE names."""
        return certificates().authority

    def client_context(self) -> ssl.SSLContext:
        return certificates().client_context()

    @property
    def messages(self) -> tuple[Received, ...]:
        """The kept messages, oldest first."""
        return tuple(self._letters)

    def message(self, id: int) -> Received | None:
        return next((letter for letter in self._letters if letter.id == id), None)

    def sent_to(self, address: str | None) -> list[Received]:
        """Return the kept messages to one address, oldest first. None means all addresses."""
        return [letter for letter in self._letters if address is None or letter.is_to(address)]

    async def wait_for(self, to: str | None = None, *, count: int = 1, timeout: float = 20.0) -> list[Received]:
        """Wait until there are `count` messages to an address (None: to any), earlier ones included.

        Returns:
            All of these messages.

        Raises:
            TimeoutError: Fewer arrived within `timeout` seconds. The error says how many.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout), self._arrival:
                await self._arrival.wait_for(lambda: len(self.sent_to(to)) >= count)
        letters = self.sent_to(to)
        if len(letters) < count:
            raise TimeoutError(f"{len(letters)} of {count} letters came within {timeout:g} s")
        return letters

    @contextmanager
    def watch(self) -> Iterator[AsyncIterator[Received]]:
        """Yield an iterator over the messages that arrive inside the `with`, until the mailbox stops.

        A watcher more than 100 messages behind loses the oldest.
        """
        watcher: asyncio.Queue[Received | None] = asyncio.Queue(_WATCHER_BACKLOG)
        self._watchers.add(watcher)
        try:
            yield _arrivals(watcher)
        finally:
            self._watchers.discard(watcher)

    def clear(self) -> None:
        """Delete all messages. Their ids are not reused."""
        self._letters.clear()
        self._octets = 0

    async def _keep(self, session: Session, envelope: Envelope) -> None:
        self._last_id += 1
        letter = Received(
            id=self._last_id,
            sender=envelope.mail_from or "",
            to=tuple(envelope.rcpt_tos),
            raw=envelope.original_content or b"",
            at=self._clock(),
            user=self._options.user if session.authenticated else "",
            encrypted=self._implicit is not None or session.ssl is not None,
        )
        self._letters.append(letter)
        self._octets += len(letter.raw)
        while len(self._letters) > KEPT_LETTERS or self._octets > KEPT_OCTETS:
            self._octets -= len(self._letters.popleft().raw)
        for watcher in self._watchers:
            _put(watcher, letter)
        async with self._arrival:
            self._arrival.notify_all()

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await asyncio.gather(*(connection.close() for connection in tuple(self._connections)))

    def _release_port(self) -> None:
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def limit_size(self, octets: int) -> None:
        """Take messages up to this size from the next connection on, and announce it."""
        self._options = replace(self._options, size_limit=octets)

    def fail(self, fault: Fault) -> None:
        """Set a fault, in place of the one at the same stage."""
        self.faults.add(fault)

    async def heal(self) -> None:
        """Remove all faults, and end `go_down`."""
        self.faults.clear()
        await self.come_back()


async def _arrivals(watcher: asyncio.Queue[Received | None]) -> AsyncIterator[Received]:
    while (letter := await watcher.get()) is not None:
        yield letter


def _put(watcher: asyncio.Queue[Received | None], letter: Received | None) -> None:
    if watcher.full():
        watcher.get_nowait()
    watcher.put_nowait(letter)
