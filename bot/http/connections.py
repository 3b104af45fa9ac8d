"""The connections of an HTTP server: how many there may be, and which one gives way to a new one."""

import time
from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

import structlog

_LOG_SECONDS = 60.0
"""A log line about refused connections is written once in this time at most: peers must not fill the log."""

log = structlog.get_logger()


class Connection(Protocol):
    """One open connection."""

    peer: str | None
    """Connections of one peer are counted together; None is not counted."""

    def abort(self) -> None:
        """Close it at once."""

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one server grants its peers; times are in seconds."""

    connections: int = 400
    connections_per_peer: int = 64
    """From one address (IPv6: one /64), loopback excepted: a proxy on this machine speaks for everybody."""
    head_bytes: int = 16 * 1024
    headers: int = 100
    pipelined: int = 8
    """Requests in hand on one connection."""
    head_seconds: float = 10.0
    """From connecting, or from the first byte of a later request, to the end of the head."""
    body_seconds: float = 15.0
    """From the end of the head to the end of the body."""
    write_seconds: float = 15.0
    """How long a peer may leave more than the transport's write buffer unread."""
    linger_seconds: float = 2.0
    """How long what a refused peer still sends is read and discarded, so that it can read the refusal."""


class State(Enum):
    """What a connection waits for. The first two may be closed in favour of a newcomer, in this order."""

    HEAD = auto()
    BODY = auto()
    ANSWER = auto()


class Connections:
    """The open connections of one server, oldest first in each state."""

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self._states: dict[Connection, State] = {}
        self._in: dict[State, dict[Connection, None]] = {state: {} for state in State}
        self._of_peer: dict[str, int] = {}
        self._refused: Counter[str] = Counter()
        self._logged_at = -_LOG_SECONDS

    def __len__(self) -> int:
        return len(self._states)

    def admit(self, new: Connection) -> bool:
        """Counts a connection; closes the oldest one that has sent no whole request where there are too many.

        Returns:
            False where every other one has sent a whole request: the newcomer is not counted.
        """
        peer = new.peer
        if peer and self._of_peer.get(peer, 0) >= self._limits.connections_per_peer and not self._evict(peer):
            return False
        if len(self) >= self._limits.connections and not self._evict():
            return False
        self._states[new] = State.HEAD
        self._in[State.HEAD][new] = None
        if peer:
            self._of_peer[peer] = self._of_peer.get(peer, 0) + 1
        return True

    def move(self, connection: Connection, to: State) -> None:
        """A connection waits for something else now."""
        before = self._states.get(connection)
        if before is None or before is to:
            return
        del self._in[before][connection]
        self._states[connection] = to
        self._in[to][connection] = None

    def remove(self, connection: Connection) -> None:
        """A connection is gone; no error where it was not counted."""
        state = self._states.pop(connection, None)
        if state is None:
            return
        del self._in[state][connection]
        if peer := connection.peer:
            self._of_peer[peer] -= 1
            if not self._of_peer[peer]:
                del self._of_peer[peer]

    def refused(self, why: str) -> None:
        """Counts what was refused or closed, and tells the operator now and then."""
        self._refused[why] += 1
        now = time.monotonic()
        if now - self._logged_at >= _LOG_SECONDS:
            self._logged_at = now
            log.warning("http.refused", **self._refused)
            self._refused.clear()

    def _evict(self, peer: str | None = None) -> bool:
        """Closes the oldest connection, of one peer or of all, that has sent no whole request.

        Returns:
            False where there is none.
        """
        for state in (State.HEAD, State.BODY):
            for oldest in self._in[state]:
                if peer is None or oldest.peer == peer:
                    self.refused("too_many")
                    self.remove(oldest)
                    oldest.abort()
                    return True
        return False
