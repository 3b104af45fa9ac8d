"""Run work that must not be cancelled in the middle."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


async def uninterrupted(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Finish the work even if the caller is cancelled meanwhile; the cancellation is raised after it.

    A transaction that is cancelled leaves its connection in an unknown state, and a traceback in the log.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
