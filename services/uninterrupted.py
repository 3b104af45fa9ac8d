"""Work that a stop waits for instead of breaking it off."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


async def uninterrupted(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Finishes the work also where its caller is cancelled meanwhile, who then is cancelled after it.

    A transaction that is broken off in the middle leaves its connection in doubt, and a traceback in the log.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
