"""Faults of a mail server, and the stage of the SMTP dialogue at which they occur."""

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
    """One fault. `times` is how often it occurs, None without limit. `code` is the reply's, for REPLY."""

    at: Stage
    act: Act = Act.REPLY
    code: int = 451
    times: int | None = None

    def __post_init__(self) -> None:
        if not 400 <= self.code < 600:
            raise ValueError("a fault's code is from 400 to 599")
        if self.times is not None and self.times < 1:
            raise ValueError("a fault's times is at least 1")


class Faults:
    """The active faults, at most one for each stage."""

    def __init__(self) -> None:
        self._by_stage: dict[Stage, tuple[Fault, int | None]] = {}

    def __iter__(self) -> Iterator[Fault]:
        return iter([fault for fault, _ in self._by_stage.values()])

    def add(self, fault: Fault) -> None:
        self._by_stage[fault.at] = (fault, fault.times)

    def clear(self) -> None:
        self._by_stage.clear()

    def take(self, stage: Stage) -> Fault | None:
        """Return the fault of this stage, and count one use of it."""
        fault, left = self._by_stage.get(stage, (None, None))
        if fault is None or left is None:
            return fault
        if left == 1:
            del self._by_stage[stage]
        else:
            self._by_stage[stage] = (fault, left - 1)
        return fault
