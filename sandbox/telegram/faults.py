"""Faults of the Bot API: 429, 5xx, timeouts before or after delivery, connection resets, latency."""

import random
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sandbox.telegram.errors import SandboxMisuse
from sandbox.telegram.events import Signal


class FaultKind(StrEnum):
    """What a fault does. `before` kinds do not execute the call; `after` kinds execute it first."""

    RETRY_AFTER = "retry_after"  # 429 with retry_after
    ERROR = "error"  # a Bot API body with `status` and `description`
    GATEWAY = "gateway"  # `status` (502) with a proxy's HTML: no Bot API body
    BODY = "body"  # 200 with `body` as it is: nonsense
    HANG_BEFORE = "hang_before"  # no answer for `seconds`, then the connection is closed
    HANG_AFTER = "hang_after"
    CLOSE_BEFORE = "close_before"  # the connection is closed without an answer
    CLOSE_AFTER = "close_after"
    RESET_BEFORE = "reset_before"  # the connection is reset (RST)
    RESET_AFTER = "reset_after"
    LATENCY = "latency"  # delays the call by `seconds`; adds to another fault


AFTER = {FaultKind.HANG_AFTER, FaultKind.CLOSE_AFTER, FaultKind.RESET_AFTER}


@dataclass
class Fault:
    """A rule: which calls it affects, how many, and what happens to them.

    `method` ignores case; `*` is any method. `count` None is without limit. `seconds` is for latency and hanging kinds.
    `met` counts the affected calls.
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
    body: str = '{"ok": true, "result": null}'
    seconds: float = 3600.0
    met: int = 0

    def matches(self, bot: str, method: str, chat_id: object) -> bool:
        """Whether the rule applies to a call, apart from `probability`."""
        return (
            self.count != 0
            and (self.method == "*" or self.method.lower() == method.lower())
            and (self.bot is None or self.bot == bot)
            and (self.chat_id is None or str(self.chat_id) == str(chat_id))
        )

    def take(self) -> None:
        """Count one affected call."""
        self.met += 1
        if self.count is not None:
            self.count -= 1

    def json(self) -> dict[str, Any]:
        """Return the rule as the control API does."""
        return asdict(self)


class Faults:
    """The active rules in order. The first matching rule applies; all matching latencies add up."""

    def __init__(self, seed: int = 1) -> None:
        self.rules: list[Fault] = []
        self.released = Signal()
        self._random = random.Random(seed)

    def seed(self, seed: int) -> None:
        """Restart the random numbers."""
        self._random = random.Random(seed)

    def add(self, kind: FaultKind | str, **rule: Any) -> Fault:
        """Add a rule. The keywords are fields of Fault.

        Raises:
            SandboxMisuse: The kind or a field is unknown.
        """
        try:
            fault = Fault(FaultKind(kind), **rule)
        except (TypeError, ValueError) as error:
            raise SandboxMisuse(f"no such fault: {error}") from None
        self.rules.append(fault)
        return fault

    def clear(self) -> None:
        """Remove all rules and release hanging calls."""
        self.rules.clear()
        self.release()

    def release(self) -> None:
        """Release hanging calls: their connections are closed."""
        self.released.fire()

    def pick(self, bot: str, method: str, chat_id: object) -> tuple[float, Fault | None]:
        """Select the faults of a call.

        Returns:
            The latency in seconds, and the fault or None.
        """
        if not self.rules:
            return 0.0, None
        latency, fault = 0.0, None
        for rule in self.rules:
            late = rule.kind is FaultKind.LATENCY
            if (fault is not None and not late) or not rule.matches(bot, method, chat_id):
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
