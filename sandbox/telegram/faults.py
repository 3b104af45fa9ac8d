"""Misbehaviour on order: 429, 5xx, time-outs before or after delivery, resets, latency."""

import random
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sandbox.telegram.errors import SandboxMisuse
from sandbox.telegram.events import Signal


class FaultKind(StrEnum):
    """What goes wrong; `before` is without executing the call, `after` is once it was executed."""

    RETRY_AFTER = "retry_after"  # 429 with retry_after
    ERROR = "error"  # a Bot API body with `status` and `description`
    GATEWAY = "gateway"  # `status` (502) with a proxy's HTML: no Bot API body
    HANG_BEFORE = "hang_before"  # nothing is answered for `seconds`, then the connection is closed
    HANG_AFTER = "hang_after"
    CLOSE_BEFORE = "close_before"  # the connection is closed without an answer
    CLOSE_AFTER = "close_after"
    RESET_BEFORE = "reset_before"  # the connection is reset (RST)
    RESET_AFTER = "reset_after"
    LATENCY = "latency"  # `seconds` more, then the call as it is; adds to another fault


AFTER = {FaultKind.HANG_AFTER, FaultKind.CLOSE_AFTER, FaultKind.RESET_AFTER}


@dataclass
class Fault:
    """A rule: which calls it meets, how often, and what happens to them.

    `method` in whatever case or `*`; `count` None is for ever; `seconds` is of latency or of a hang.
    """

    kind: FaultKind
    method: str = "*"
    chat_id: int | None = None
    bot: str | None = None
    count: int | None = 1
    probability: float = 1.0
    retry_after: int = 1
    status: int = 502
    description: str = "Bad Gateway"
    seconds: float = 3600.0
    met: int = 0

    def meets(self, bot: str, method: str, chat_id: object) -> bool:
        """Whether a call is of the rule's kind, chance aside."""
        return (
            self.count != 0
            and (self.method == "*" or self.method.lower() == method.lower())
            and (self.bot is None or self.bot == bot)
            and (self.chat_id is None or str(self.chat_id) == str(chat_id))
        )

    def take(self) -> None:
        """Count one call."""
        self.met += 1
        if self.count is not None:
            self.count -= 1

    def json(self) -> dict[str, Any]:
        """The rule as the control API gives it."""
        return asdict(self)


class Faults:
    """The rules in force, in order: the first that meets a call is taken, and all latencies add."""

    def __init__(self, seed: int = 1) -> None:
        self.rules: list[Fault] = []
        self.released = Signal()
        self._random = random.Random(seed)

    def seed(self, seed: int) -> None:
        """Start the chances over."""
        self._random = random.Random(seed)

    def add(self, kind: FaultKind | str, **rule: Any) -> Fault:
        """Add a rule; see Fault for its fields. Raises SandboxMisuse for what is none."""
        try:
            fault = Fault(FaultKind(kind), **rule)
        except (TypeError, ValueError) as error:
            raise SandboxMisuse(f"no such fault: {error}") from None
        self.rules.append(fault)
        return fault

    def clear(self) -> None:
        """No faults any more; calls that hang are let go."""
        self.rules.clear()
        self.release()

    def release(self) -> None:
        """Let go of calls that hang; their connections are closed."""
        self.released.fire()

    def pick(self, bot: str, method: str, chat_id: object) -> tuple[float, Fault | None]:
        """Seconds of latency, and the fault a call meets."""
        if not self.rules:
            return 0.0, None
        latency, fault = 0.0, None
        for rule in self.rules:
            late = rule.kind is FaultKind.LATENCY
            if (fault is not None and not late) or not rule.meets(bot, method, chat_id):
                continue
            if rule.probability < 1.0 and self._random.random() >= rule.probability:
                continue
            rule.take()
            if late:
                latency += rule.seconds
            else:
                fault = rule
        self.rules = [rule for rule in self.rules if rule.count != 0]
        return latency, fault
