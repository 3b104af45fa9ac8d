"""The portal's menu for screens that must not wait for the portal: what was read last, or nothing."""

import asyncio
import datetime
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from portal.client import Portal
from portal.errors import PortalError
from portal.models import MenuLink
from services.clock import Clock
from texts.language import Language

_AGE = datetime.timedelta(hours=1)
"""A menu that was read longer ago is read again, beside the answer that shows it."""
_PAUSE = datetime.timedelta(minutes=1)
"""The pause after a failure."""
_FIRST_READ_SECONDS = 0.5
"""The longest wait of an answer for a menu that was never read."""

RunInBackground = Callable[[Coroutine[Any, Any, None]], object]

log = structlog.get_logger()


class PortalLinks:
    """The portal's menu in each language, in memory."""

    def __init__(self, portal: Portal, clock: Clock) -> None:
        self._portal = portal
        self._clock = clock
        self._known: dict[Language, Sequence[MenuLink]] = {}
        self._next_read: dict[Language, datetime.datetime] = {}

    async def links(self, language: Language, run: RunInBackground) -> Sequence[MenuLink]:
        """Return the menu, within 0.5 s; empty if the portal did not answer yet.

        Args:
            run: runs the reading of the menu in the background.
        """
        now = self._clock()
        due = self._next_read.get(language)
        if due is None or not due - _AGE <= now < due:  # also where the clock was set back
            self._next_read[language] = now + _PAUSE  # one reading at a time
            done = asyncio.Event()
            run(self._read(language, done))
            if language not in self._known:
                try:
                    async with asyncio.timeout(_FIRST_READ_SECONDS):
                        await done.wait()
                except TimeoutError:
                    pass
        return self._known.get(language, ())

    async def _read(self, language: Language, done: asyncio.Event) -> None:
        try:
            self._known[language] = await self._portal.links(language.shipped)
            self._next_read[language] = self._clock() + _AGE
        except PortalError as error:
            log.info("portal.links_not_read", error=type(error).__name__)
        finally:
            done.set()
