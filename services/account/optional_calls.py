"""Calls of the portal that a screen can do without: it is shown without their answer where the portal is slow."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

from portal.breaker import Caller, caller
from portal.errors import PortalError

OPTIONAL_SECONDS = 1.5
"""The longest wait of a screen for what it can do without."""

ResultT = TypeVar("ResultT")

log = structlog.get_logger()


async def answer_in_time(what: str, call: Coroutine[Any, Any, ResultT]) -> ResultT | None:
    """Return what a coroutine that asks the portal returns; None where the portal fails or takes too long.

    The breaker does not count its failures, and does not let it through while the portal does not answer.

    Args:
        what: What the screen is shown without then, for the log.
    """

    async def made() -> ResultT:
        caller.set(Caller.BACKGROUND)  # of this task only
        return await call

    try:
        return await asyncio.wait_for(asyncio.create_task(made()), OPTIONAL_SECONDS)
    except (PortalError, TimeoutError) as error:
        log.info("portal.optional_call_failed", what=what, error=type(error).__name__)
        return None
