"""Limits on what a peer may use of an HTTP port: connections, header bytes, time.

A protocol class enforces them, because uvicorn passes a request to the application only when its head is complete.
The class overrides methods of uvicorn's ``HttpToolsProtocol``: those that asyncio calls (``connection_made``,
``data_received``, ``connection_lost``, ``pause_writing``, ``resume_writing``), those that httptools calls
(``on_message_begin``, ``on_header``, ``on_headers_complete``, ``on_body``, ``on_message_complete``), and two of uvicorn
(``on_response_complete``, ``send_400_response``). Of its attributes it reads ``transport`` and ``loop``.
"""

import asyncio
import ipaddress
from http import HTTPStatus
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.http.connections import Connections, HttpLimits, State

_CHUNK = 16 * 1024
"""Bytes parsed at once. A pipelined request may exceed the limit of the head by this much; a single one may not."""


class LimitedHttpProtocol(HttpToolsProtocol):
    """One connection. ``limited_protocol`` makes the subclass of a server."""

    limits: ClassVar[HttpLimits]
    registry: ClassVar[Connections]

    peer: str | None = None
    _deadline: asyncio.TimerHandle | None = None
    _write_deadline: asyncio.TimerHandle | None = None
    _expects: State = State.HEAD
    """Which part of a request comes next: its head (also between two requests), or its body."""
    _unanswered = 0
    _overhead = 0
    """Consecutive bytes outside bodies: heads, the framing of chunks, trailers, empty lines between requests."""
    _has_progressed = False
    """Whether the last chunk had a part of a body, or the end of a request."""
    _header_count = 0
    _is_first = True
    _is_too_large = False
    _is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time limit of the head, even if the peer never sends a byte; refuse excess connections."""
        super().connection_made(transport)
        self.peer = _peer_key(transport)
        self._set_deadline(self.limits.head_seconds)
        if not self.registry.admit(self):
            self.registry.count_refusal("too_many")
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection and cancel its timers."""
        self.registry.remove(self)
        self._set_deadline(None)
        self.resume_writing()
        super().connection_lost(exc)

    def abort(self) -> None:
        """Close the connection without waiting for the peer to read."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Parse the data in chunks, and check the limits after each."""
        position = 0
        while position < len(data) and not self._is_refused and not self.transport.is_closing():
            size = min(_CHUNK, self.limits.head_bytes + 1 - self._overhead)
            chunk = data[position : position + size]
            position += len(chunk)
            self._has_progressed = False
            super().data_received(chunk)
            self._overhead = 0 if self._has_progressed else self._overhead + len(chunk)
            if self._overhead > self.limits.head_bytes:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Start a head. httptools reports a ``ValueError`` raised here as a bad request."""
        if self._unanswered >= self.limits.pipelined:
            raise ValueError("too many requests at once")
        if not self._is_first:
            self._set_deadline(self.limits.head_seconds)
        self._is_first = False
        self._header_count = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header or trailer: a small one takes a multiple of its bytes in memory."""
        self._header_count += 1
        if self._header_count > self.limits.headers:
            self._is_too_large = True
            raise ValueError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the time limit of the body; the application begins."""
        super().on_headers_complete()
        self._unanswered += 1
        self._expects = State.BODY
        self._set_deadline_and_state(self.limits.body_seconds)

    def on_body(self, body: bytes) -> None:
        """Note that the body progresses."""
        self._has_progressed = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the time limit of the body: the application has no time limit here."""
        self._has_progressed = True
        super().on_message_complete()
        self._expects = State.HEAD
        self._set_deadline_and_state(None if self._unanswered else self.limits.head_seconds)

    def on_response_complete(self) -> None:
        """Start the time limit of the next head, or of a closing connection."""
        super().on_response_complete()
        self._unanswered -= 1
        if self._expects is State.HEAD and not self._unanswered:
            self._set_deadline_and_state(self.limits.head_seconds)

    def pause_writing(self) -> None:
        """Start the time limit of a full write buffer."""
        super().pause_writing()
        if self._write_deadline is None:
            self._write_deadline = self.loop.call_later(self.limits.write_seconds, self.abort)

    def resume_writing(self) -> None:
        """Cancel the time limit of a full write buffer."""
        super().resume_writing()
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Refuse what is not HTTP, or what a callback above rejected."""
        too_large, bad = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, HTTPStatus.BAD_REQUEST
        self._refuse(too_large if self._is_too_large else bad)

    def _refuse(self, status: HTTPStatus) -> None:
        """Send a refusal, and close after ``linger_seconds``, so that a reset does not discard the refusal."""
        if self._is_refused:
            return
        self._is_refused = True
        self.registry.count_refusal(status.name.lower())
        if self._unanswered or self.transport.is_closing():
            # An answer is being written; the refusal would end up inside it.
            self.transport.close()
        else:
            text = f"{status.phrase.lower()}\n"
            self.transport.write(
                f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
                f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode()
            )
            self.transport.write_eof()
        self._expects = State.HEAD
        self._set_deadline_and_state(self.limits.linger_seconds)

    def _set_deadline_and_state(self, seconds: float | None) -> None:
        """Set the deadline, and record what the connection waits for."""
        self._set_deadline(seconds)
        is_busy = self._expects is State.HEAD and self._unanswered > 0
        self.registry.set_state(self, State.ANSWER if is_busy else self._expects)

    def _set_deadline(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._expire)

    def _expire(self) -> None:
        if not self._is_refused:
            self.registry.count_refusal(f"slow_{self._expects.name.lower()}")
        self.abort()


def limited_protocol(limits: HttpLimits) -> type[asyncio.Protocol]:
    """Make the protocol class of one server, whose connections are counted together."""

    class ServerProtocol(LimitedHttpProtocol):
        pass

    ServerProtocol.limits = limits
    ServerProtocol.registry = Connections(limits)
    return ServerProtocol


def _peer_key(transport: asyncio.BaseTransport) -> str | None:
    """Return the IPv4 address or IPv6 /64 network of the peer; None for loopback and Unix sockets."""
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
