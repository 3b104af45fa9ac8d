"""Faults of a mail server, the stage of the SMTP dialogue at which they occur, and the ones that are often met."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """The stage at which a fault occurs."""

    CONNECT = "connect"  # instead of the greeting
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  # at the DATA command, before any content
    CONTENT = "content"  # the content was received and is discarded
    STORED = "stored"  # the message is stored, but the sender gets the fault
    QUIT = "quit"


class Act(StrEnum):
    """What the server does."""

    REPLY = "reply"  # with the fault's code
    HANG = "hang"  # never reply
    DROP = "drop"  # break the connection


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Args:
        times: How often it occurs; None without limit.
        code: The reply's, for REPLY.
        text: The words after the code, which may begin with an enhanced status code such as ``5.1.1``.
        to: The one address that it concerns, at ``rcpt`` and later stages; empty for every one.
        seconds: How long it occurs after it occurred first; None without limit. With it, a 4xx is greylisting.
    """

    at: Stage
    act: Act = Act.REPLY
    code: int = 451
    times: int | None = None
    text: str = ""
    to: str = ""
    seconds: float | None = None

    def __post_init__(self) -> None:
        if not 400 <= self.code < 600:
            raise ValueError("a fault's code is from 400 to 599")
        if self.times is not None and self.times < 1:
            raise ValueError("a fault's times is at least 1")
        if not (self.text.isascii() and self.text.isprintable()):
            raise ValueError("a fault's text is one line of ASCII")
        if self.to and self.at not in _WITH_RECIPIENT:
            raise ValueError("a fault has an address only at rcpt, data, content and stored")

    @property
    def reply(self) -> str:
        """The line that the server sends for REPLY."""
        return f"{self.code} {self.text or f'sandbox fault at {self.at}'}"


_WITH_RECIPIENT = frozenset({Stage.RCPT, Stage.DATA, Stage.CONTENT, Stage.STORED})

PRESETS = {
    "greylisting": Fault(Stage.RCPT, code=451, text="4.7.1 Greylisted, try again later", seconds=60.0),
    "refused": Fault(Stage.RCPT, code=550, text="5.1.1 No such user here"),
    "mailbox_full": Fault(Stage.RCPT, code=552, text="5.2.2 Mailbox full"),
    "mailbox_full_for_now": Fault(Stage.RCPT, code=452, text="4.2.2 Mailbox full"),
    "blocked_sender": Fault(Stage.CONTENT, code=550, text="5.7.1 Message blocked: poor reputation of the sender"),
    "relay_denied": Fault(Stage.RCPT, code=554, text="5.7.1 Relay access denied"),
    "quota": Fault(Stage.MAIL, code=550, text="5.4.5 Daily sending quota exceeded"),
    "too_large": Fault(Stage.CONTENT, code=552, text="5.3.4 Message size exceeds fixed limit"),
    "restarting": Fault(Stage.MAIL, code=421, text="4.3.2 Service shutting down", seconds=20.0),
    "too_many_connections": Fault(Stage.CONNECT, code=421, text="4.7.0 Too many connections", seconds=20.0),
    "reset": Fault(Stage.CONNECT, Act.DROP, times=3),
    "tls_breaks": Fault(Stage.STARTTLS, Act.DROP, times=3),
    "login_refused": Fault(Stage.AUTH, code=535, text="5.7.8 Authentication credentials invalid"),
    "login_later": Fault(Stage.AUTH, code=454, text="4.7.0 Temporary authentication failure", seconds=20.0),
    "lost_after_content": Fault(Stage.STORED, Act.DROP, times=1),
    "silent_after_content": Fault(Stage.STORED, Act.HANG, times=1),
}
"""Faults that mail servers are known for, by name. ``seconds`` are short, for somebody who watches."""


class _Active:
    """A fault that is set, with what is left of it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.left = fault.times
        self.ends_at: float | None = None

    def occurs(self, to: str) -> bool:
        """Return whether the fault occurs now, for a recipient; count it."""
        if self.fault.to and self.fault.to != to:
            return False
        if self.fault.seconds is not None:
            self.ends_at = self.ends_at or time.monotonic() + self.fault.seconds
            if time.monotonic() >= self.ends_at:
                self.left = 0
                return False
        if self.left is not None:
            self.left -= 1
        return True


class Faults:
    """The active faults, at most one for each stage."""

    def __init__(self) -> None:
        self._by_stage: dict[Stage, _Active] = {}

    def __iter__(self) -> Iterator[Fault]:
        return iter([active.fault for active in self._by_stage.values()])

    def add(self, fault: Fault) -> None:
        self._by_stage[fault.at] = _Active(fault)

    def clear(self) -> None:
        self._by_stage.clear()

    def take(self, stage: Stage, to: str = "") -> Fault | None:
        """Return the fault of this stage if it occurs for a recipient, and count one use of it."""
        active = self._by_stage.get(stage)
        if active is None:
            return None
        occurs = active.occurs(to)
        if active.left == 0:
            del self._by_stage[stage]
        return active.fault if occurs else None
