"""Protects database transactions from cancellation."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


async def run_to_completion(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Finish the coroutine even if the caller is cancelled meanwhile, then raise the cancellation.

    A cancelled transaction leaves its connection in an unknown state, and a traceback in the log.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
