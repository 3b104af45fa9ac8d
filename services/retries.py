"""Retry policies: the pause after a failure, and a call that is made several times."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

_LARGEST_EXPONENT = 60
ResultT = TypeVar("ResultT")


def backoff(failures: int, *, first: float, longest: float) -> float:
    """Return the seconds to wait after `failures` failures in a row (at least 1).

    It is ``min(longest, first * 2 ** (failures - 1))``. The exponent is bounded: ``2.0 ** 1024`` is an OverflowError.
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
    """Make a call up to `attempts` times, while `on` says of its error that a further attempt may succeed.

    The pause before attempt n + 1 is ``wait_initial * wait_exp_base ** (n - 1)`` seconds. ``stamina`` logs each retry.

    Raises:
        Exception: the call's last error.
    """
    import stamina  # it takes 10 ms to import, and most processes retry nothing

    retrying = stamina.retry_context(
        on, attempts, timeout=None, wait_initial=wait_initial, wait_jitter=0, wait_exp_base=wait_exp_base
    )
    async for attempt in retrying:
        with attempt:
            return await call()
    raise AssertionError("stamina ends with a result or an error")
