"""Retry policies: exponential backoff, and a call with retries."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

_LARGEST_EXPONENT = 60
ResultT = TypeVar("ResultT")


def backoff(failures: int, *, first: float, longest: float) -> float:
    """Return the seconds to wait after `failures` failures in a row (at least 1).

    The formula is ``min(longest, first * 2 ** (failures - 1))``, with a bounded exponent: ``2.0 ** 1024`` overflows.
    """
    return float(min(longest, first * 2 ** min(failures - 1, _LARGEST_EXPONENT)))


async def with_retries(
    call: Callable[[], Awaitable[ResultT]],
    *,
    on: Callable[[Exception], bool],
    attempts: int,
    wait_initial: float,
    wait_exp_base: float = 2.0,
) -> ResultT:
    """Call up to `attempts` times. ``stamina`` logs each retry.

    The pause before attempt n + 1 is ``wait_initial * wait_exp_base ** (n - 1)`` seconds.

    Args:
        on: Returns whether a further attempt may succeed after this error.

    Raises:
        Exception: The last error of the call.
    """
    retrying = stamina.retry_context(
        on, attempts, timeout=None, wait_initial=wait_initial, wait_jitter=0, wait_exp_base=wait_exp_base
    )
    async for attempt in retrying:
        with attempt:
            return await call()
    raise AssertionError("stamina returns a result or raises")
