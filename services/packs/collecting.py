"""Load PDFs of an account in order, a few at a time, and wait while the portal is away."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import Any

from portal.client import Portal, Reader
from portal.errors import (
    Forbidden,
    NotFound,
    NotReady,
    PortalAway,
    PortalBroken,
    PortalError,
    PortalUnavailable,
    TooLarge,
)
from portal.models import Pdf
from services.invoices import SMALL_PDF_BYTES
from services.packs.archives import PART_BYTES
from services.packs.reports import Missing
from services.retries import backoff

CALLS = 4
"""Calls of the portal at once for one pack: a person's taps come between them."""
READY_SECONDS = 45.0
OUTAGE_SECONDS = 600.0
"""How long a pack waits for a portal that is away."""
_ATTEMPTS = 3
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 15.0


class PortalStaysAway(Exception):
    """The portal did not answer for ``OUTAGE_SECONDS``."""


class Collector:
    """Loads what one pack needs from the portal.

    Args:
        large_document: Held while a PDF over ``SMALL_PDF_BYTES`` is in memory.
        on_away: Called with True when the pack begins to wait for the portal, and with False when it goes on.
    """

    def __init__(
        self, portal: Portal, reader: Reader, large_document: asyncio.Lock, on_away: Callable[[bool], None]
    ) -> None:
        self._portal = portal
        self._reader = reader
        self._large_document = large_document
        self._on_away = on_away

    async def pdfs(self, numbers: Sequence[str]) -> AsyncGenerator[tuple[str, Pdf | Missing]]:
        """Yield each number with its PDF, or with the reason why there is none, in the order of the numbers.

        Raises:
            PortalStaysAway: see there.
            PortalError: the portal refuses the bot.
        """
        tasks: deque[asyncio.Task[Pdf | Missing]] = deque()
        left = deque(numbers)
        try:
            for number in numbers:
                while left and len(tasks) < CALLS:
                    tasks.append(asyncio.create_task(self._load(left.popleft(), SMALL_PDF_BYTES)))
                found = await tasks[0]
                tasks.popleft()
                if found is not Missing.TOO_LARGE:
                    yield number, found
                    continue
                async with self._large_document:
                    yield number, await self._load(number, PART_BYTES)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def are_unchanged(
        self, numbers: Sequence[str], etags: Sequence[str | None], on_checked: Callable[[], None]
    ) -> bool:
        """Return whether the portal says of every PDF that it still has this ETag.

        Raises:
            PortalStaysAway, PortalError: as ``pdfs``.
        """
        pairs = deque(zip(numbers, etags, strict=True))
        while pairs:
            some = [pairs.popleft() for _ in range(min(CALLS, len(pairs)))]
            if not all(await asyncio.gather(*(self._is_unchanged(number, etag) for number, etag in some))):
                return False
            for _ in some:
                on_checked()
        return True

    async def call(self, call: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Make a call, and make it again while the portal is away. Raises: as ``pdfs``."""
        away_since: float | None = None
        failures = 0
        while True:
            try:
                answer = await call()
            except (NotReady, PortalBroken):
                raise
            except PortalUnavailable as error:
                failures += 1
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since > OUTAGE_SECONDS:
                    raise PortalStaysAway from error
                self._on_away(True)
                await asyncio.sleep(_pause(failures, error))
            else:
                if away_since is not None:
                    self._on_away(False)
                return answer

    async def _is_unchanged(self, number: str, etag: str | None) -> bool:
        if etag is None:
            return False

        async def ask() -> bool:
            try:
                # A PDF that has changed is longer than the limit, so it is not read.
                pdf = await self._portal.invoice_pdf(
                    self._reader, number, language=self._reader.language, known_etag=etag, limit=1
                )
            except (TooLarge, NotFound, Forbidden, NotReady, PortalBroken):
                return False
            return pdf is None

        unchanged: bool = await self.call(ask)
        return unchanged

    async def _load(self, number: str, limit: int) -> Pdf | Missing:
        ready_by, failures = time.monotonic() + READY_SECONDS, 0
        while True:
            try:
                pdf = await self._portal.invoice_pdf(self._reader, number, language=self._reader.language, limit=limit)
                return pdf or Missing.BROKEN
            except (NotFound, Forbidden):
                return Missing.GONE
            except TooLarge:
                return Missing.TOO_LARGE
            except NotReady as error:
                pause = max(error.retry_after or 3.0, 0.5)
                if time.monotonic() + pause > ready_by:
                    return Missing.NOT_READY
                await asyncio.sleep(pause)
            except PortalUnavailable as error:
                failures += not isinstance(error, PortalAway)
                if failures >= _ATTEMPTS:
                    return Missing.BROKEN if isinstance(error, PortalBroken) else Missing.AWAY
                if not isinstance(error, PortalBroken):
                    # Is it this PDF, or the portal? Only the second is waited for.
                    await self.call(lambda: self._portal.contact(self._reader.contact_id))
                    await asyncio.sleep(_pause(max(1, failures), error))


def _pause(failures: int, error: PortalError) -> float:
    asked = error.retry_after if isinstance(error, PortalUnavailable) else None
    pause = backoff(failures, first=_FIRST_PAUSE_SECONDS, longest=_LONGEST_PAUSE_SECONDS)
    return max(pause, min(asked or 0.0, _LONGEST_PAUSE_SECONDS))
