"""Bounds on what a peer may take from an HTTP port: connections, header bytes, time.

The bounds stand in a protocol class, because uvicorn hands a request to the application only when its head is complete.
Of uvicorn's ``HttpToolsProtocol`` it overrides what asyncio calls (``connection_made``, ``data_received``,
``connection_lost``, ``pause_writing``, ``resume_writing``), what httptools calls (``on_message_begin``, ``on_header``,
``on_headers_complete``, ``on_body``, ``on_message_complete``), and two methods of uvicorn's own:
``on_response_complete`` and ``send_400_response``. It reads two attributes, ``transport`` and ``loop``.
"""

import asyncio
import ipaddress
from http import HTTPStatus
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.http.connections import Connections, HttpLimits, State

_PIECE = 16 * 1024
"""Bytes parsed at once. A header limit is exact for a request that comes alone, and exact to a piece behind another."""


class LimitedHttpProtocol(HttpToolsProtocol):
    """One connection. Made for a server by ``limited_protocol``."""

    limits: ClassVar[HttpLimits]
    table: ClassVar[Connections]

    peer: str | None = None
    _deadline: asyncio.TimerHandle | None = None
    _write_deadline: asyncio.TimerHandle | None = None
    _reads: State = State.HEAD
    """What of a request comes next: its head (also between two requests), or its body."""
    _unanswered = 0
    _overhead = 0
    """Bytes in a row that are no body: a head, the framing of chunks, trailers, empty lines between requests."""
    _has_progressed = False
    """Whether a piece held some of a body, or the end of a request."""
    _header_count = 0
    _is_first = True
    _is_too_large = False
    _is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the time for the head, also where the peer never sends a byte."""
        super().connection_made(transport)
        self.peer = _peer_of(transport)
        self._close_in(self.limits.head_seconds)
        if not self.table.admit(self):
            self.table.refused("too_many")
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gives everything back."""
        self.table.remove(self)
        self._close_in(None)
        self.resume_writing()
        super().connection_lost(exc)

    def abort(self) -> None:
        """Closes the connection without waiting for the peer to read what it was sent."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parses what came in pieces, and looks at the limits after each."""
        position = 0
        while position < len(data) and not self._is_refused and not self.transport.is_closing():
            size = min(_PIECE, self.limits.head_bytes + 1 - self._overhead)
            piece = data[position : position + size]
            position += len(piece)
            self._has_progressed = False
            super().data_received(piece)
            self._overhead = 0 if self._has_progressed else self._overhead + len(piece)
            if self._overhead > self.limits.head_bytes:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A head begins. What is raised here, httptools reports as a bad request."""
        if self._unanswered >= self.limits.pipelined:
            raise ValueError("too many requests at once")
        if not self._is_first:
            self._close_in(self.limits.head_seconds)
        self._is_first = False
        self._header_count = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer: small ones take a multiple of their bytes in memory, so they are counted too."""
        self._header_count += 1
        if self._header_count > self.limits.headers:
            self._is_too_large = True
            raise ValueError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The application gets to work."""
        super().on_headers_complete()
        self._unanswered += 1
        self._reads = State.BODY
        self._moved(self.limits.body_seconds)

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self._has_progressed = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole: it may take as long as the application takes."""
        self._has_progressed = True
        super().on_message_complete()
        self._reads = State.HEAD
        self._moved(None if self._unanswered else self.limits.head_seconds)

    def on_response_complete(self) -> None:
        """The answer is written, if not yet read: the next head has its time, and a closing connection has too."""
        super().on_response_complete()
        self._unanswered -= 1
        if self._reads is State.HEAD and not self._unanswered:
            self._moved(self.limits.head_seconds)

    def pause_writing(self) -> None:
        """The peer does not read."""
        super().pause_writing()
        if self._write_deadline is None:
            self._write_deadline = self.loop.call_later(self.limits.write_seconds, self.abort)

    def resume_writing(self) -> None:
        """The peer has read."""
        super().resume_writing()
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """uvicorn's answer to what is no HTTP, or what was raised above."""
        too_large, bad = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, HTTPStatus.BAD_REQUEST
        self._refuse(too_large if self._is_too_large else bad)

    def _refuse(self, status: HTTPStatus) -> None:
        """Answers and ends the connection; what still comes is discarded for a moment, or the answer would be lost."""
        if self._is_refused:
            return
        self._is_refused = True
        self.table.refused(status.name.lower())
        if self._unanswered or self.transport.is_closing():
            # An answer is being written: another one would stand in its middle.
            self.transport.close()
        else:
            words = f"{status.phrase.lower()}\n"
            self.transport.write(
                f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
                f"Content-Length: {len(words)}\r\nConnection: close\r\n\r\n{words}".encode()
            )
            self.transport.write_eof()
        self._reads = State.HEAD
        self._moved(self.limits.linger_seconds)

    def _moved(self, seconds: float | None) -> None:
        """Sets the time for what comes next, and what the connection waits for."""
        self._close_in(seconds)
        is_busy = self._reads is State.HEAD and self._unanswered > 0
        self.table.move(self, State.ANSWER if is_busy else self._reads)

    def _close_in(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._expire)

    def _expire(self) -> None:
        if not self._is_refused:
            self.table.refused(f"slow_{self._reads.name.lower()}")
        self.abort()


def limited_protocol(limits: HttpLimits) -> type[asyncio.Protocol]:
    """Makes the protocol class of one server: its connections are counted together."""

    class ServerProtocol(LimitedHttpProtocol):
        pass

    ServerProtocol.limits = limits
    ServerProtocol.table = Connections(limits)
    return ServerProtocol


def _peer_of(transport: asyncio.BaseTransport) -> str | None:
    """Whose connections are counted together: an IPv4 address or an IPv6 /64; None for loopback and Unix sockets."""
    name = transport.get_extra_info("peername")
    if not isinstance(name, tuple):
        return None
    try:
        address = ipaddress.ip_address(str(name[0]).partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return None if address.is_loopback else str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))
        address = address.ipv4_mapped
    return None if address.is_loopback else str(address)
