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
    on: Callable[[Exception], bool | float],
    attempts: int | None = None,
    seconds: float | None = None,
    wait_initial: float,
    wait_exp_base: float = 2.0,
    wait_max: float = 5.0,
    wait_jitter: float = 0.0,
) -> ResultT:
    """Call until it succeeds, up to `attempts` times and for about `seconds`. The caller logs the last failure.

    The pause before attempt n + 1 is ``min(wait_max, wait_initial * wait_exp_base ** (n - 1) + random(0,
    wait_jitter))`` seconds.

    Args:
        on: Returns whether a further attempt may succeed after this error, or the seconds before it.
        attempts: The most calls; None has no limit.
        seconds: From the first failure to the last call; None has no limit.

    Raises:
        Exception: The last error of the call.
    """
    failed: list[Exception] = []
    try:
        return await call()
    except Exception as error:  # stamina costs 8 % of an update's CPU, so it only sees failures
        failed.append(error)
    retrying = stamina.retry_context(
        on,
        attempts,
        timeout=seconds,
        wait_initial=wait_initial,
        wait_exp_base=wait_exp_base,
        wait_max=wait_max,
        wait_jitter=wait_jitter,
    )
    async for attempt in retrying:
        with attempt:
            if failed:
                raise failed.pop()
            return await call()
    raise AssertionError("stamina returns a result or raises")
