"""The open connections of an HTTP server: their number is limited, and a new one may evict an old one."""

import time
from collections import Counter
from enum import Enum, auto
from typing import Protocol

import structlog
from msgspec import Struct

_LOG_SECONDS = 60.0
"""The shortest time between two log lines about refusals: peers must not fill the log."""

log = structlog.get_logger()


class Connection(Protocol):
    """An open connection."""

    peer: str | None
    """Connections of one peer are counted together; None has no limit per peer."""

    def abort(self) -> None:
        """Close the connection at once."""

    def __hash__(self) -> int: ...


class HttpLimits(Struct, frozen=True):
    """The limits of one server; times are in seconds."""

    connections: int = 400
    connections_per_peer: int = 64
    """From one address (IPv6: one /64), except loopback: a proxy on this machine forwards everybody's requests."""
    head_bytes: int = 16 * 1024
    headers: int = 100
    pipelined: int = 8
    """Unanswered requests on one connection."""
    head_seconds: float = 10.0
    """From the connection, or from the first byte of a later request, to the end of the head."""
    body_seconds: float = 15.0
    """From the end of the head to the end of the body."""
    write_seconds: float = 15.0
    """How long the write buffer may stay full because the peer does not read."""
    linger_seconds: float = 2.0
    """How long input is read and discarded after a refusal, so that the peer can read the refusal."""


class State(Enum):
    """What a connection waits for. A new connection may evict one in HEAD, else one in BODY."""

    HEAD = auto()
    BODY = auto()
    ANSWER = auto()


class Connections:
    """The open connections of one server, oldest first in each state."""

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self._states: dict[Connection, State] = {}
        self._by_state: dict[State, dict[Connection, None]] = {state: {} for state in State}
        self._per_peer: dict[str, int] = {}
        self._refused: Counter[str] = Counter()
        self._logged_at = -_LOG_SECONDS

    def __len__(self) -> int:
        return len(self._states)

    def admit(self, new: Connection) -> bool:
        """Add a connection. At a limit, evict the oldest one that has not sent a whole request.

        Returns:
            False if every other one has sent a whole request; the new connection is not added then.
        """
        peer = new.peer
        if peer and self._per_peer.get(peer, 0) >= self._limits.connections_per_peer and not self._evict(peer):
            return False
        if len(self) >= self._limits.connections and not self._evict():
            return False
        self._states[new] = State.HEAD
        self._by_state[State.HEAD][new] = None
        if peer:
            self._per_peer[peer] = self._per_peer.get(peer, 0) + 1
        return True

    def set_state(self, connection: Connection, state: State) -> None:
        """Record what a connection waits for; ignore an unknown connection."""
        before = self._states.get(connection)
        if before is None or before is state:
            return
        del self._by_state[before][connection]
        self._states[connection] = state
        self._by_state[state][connection] = None

    def remove(self, connection: Connection) -> None:
        """Remove a closed connection; ignore an unknown one."""
        state = self._states.pop(connection, None)
        if state is None:
            return
        del self._by_state[state][connection]
        if peer := connection.peer:
            self._per_peer[peer] -= 1
            if not self._per_peer[peer]:
                del self._per_peer[peer]

    def count_refusal(self, reason: str) -> None:
        """Count a refused or closed connection, and log the counts at most once in ``_LOG_SECONDS``."""
        self._refused[reason] += 1
        now = time.monotonic()
        if now - self._logged_at >= _LOG_SECONDS:
            self._logged_at = now
            log.warning("http.refused", **self._refused)
            self._refused.clear()

    def _evict(self, peer: str | None = None) -> bool:
        """Close the oldest connection, of one peer or of all, that has not sent a whole request.

        Returns:
            False if there is none.
        """
        for state in (State.HEAD, State.BODY):
            for oldest in self._by_state[state]:
                if peer is None or oldest.peer == peer:
                    self.count_refusal("too_many")
                    self.remove(oldest)
                    oldest.abort()
                    return True
        return False
