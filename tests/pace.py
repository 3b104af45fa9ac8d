"""Rates of calls, from the times at which they were received."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

_TICK_SECONDS = 0.005


def most_in_a_second(times: Sequence[datetime]) -> int:
    """Return the most calls in any window of one second."""
    seconds = sorted(time.timestamp() for time in times)
    most = first = 0
    for last, at in enumerate(seconds):
        while seconds[first] <= at - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


def largest_burst(times: Sequence[datetime], rate: float) -> float:
    """Return the smallest burst with which the calls keep a rate: 1 for even gaps of 1/rate seconds.

    In every interval of T seconds there are at most ``rate * T + burst`` calls (the bucket of a token bucket).
    """
    seconds = sorted(time.timestamp() for time in times)
    burst, lowest = 0.0, float("inf")
    for number, at in enumerate(seconds):
        lowest = min(lowest, number - rate * at)
        burst = max(burst, number + 1 - rate * at - lowest)
    return burst


@asynccontextmanager
async def watched_loop() -> AsyncIterator[Callable[[], float]]:
    """Watch this process's event loop. Gives a function that returns its longest stall so far, in seconds."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            before = time.monotonic()
            await asyncio.sleep(_TICK_SECONDS)
            longest = max(longest, time.monotonic() - before - _TICK_SECONDS)

    ticking = asyncio.create_task(tick())
    try:
        yield lambda: longest
    finally:
        ticking.cancel()
