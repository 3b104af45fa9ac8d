"""The stop: one deadline for all of it, also while the event loop or a thread hangs."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Mapping

import structlog

STOP_SECONDS = 9.5
"""From the first signal to the end of the process. A stop that finishes everything ends earlier."""
_LOG_SECONDS = 0.3
"""How long the last line may take: standard error may be a full pipe."""

log = structlog.get_logger()


class Stop:
    """Handles the signals: the first begins a stop with a deadline, the second ends the process at once."""

    def __init__(self) -> None:
        self.requested = asyncio.Event()
        self.unfinished: Callable[[], Mapping[str, int]] = dict
        """Returns what is in hand, by kind, for the log of a stop that is cut short."""

    def on_signal(self, number: signal.Signals) -> None:
        """Begin the stop; end the process if it has begun already."""
        if self.requested.is_set():
            _end("odobot.ended_at_once", 128 + number, {"signal": number.name, **self.unfinished()})
        log.info("odobot.stopping", signal=number.name)
        self.requested.set()
        # A thread, because the event loop may be what hangs; a daemon, because it must not delay the end.
        timer = threading.Timer(STOP_SECONDS, self._cut_short)
        timer.daemon = True
        timer.start()

    def _cut_short(self) -> None:
        _end("odobot.stop_cut_short", 0, {"seconds": STOP_SECONDS, **self.unfinished()})


def _end(event: str, code: int, facts: Mapping[str, object]) -> None:
    """Log the event, and end the process without waiting for anything."""
    writer = threading.Thread(target=log.error, args=(event,), kwargs=dict(facts), daemon=True)
    writer.start()
    writer.join(_LOG_SECONDS)
    os._exit(code)
