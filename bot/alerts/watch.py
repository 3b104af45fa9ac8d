"""The loop that tells the operator's chat what begins and what is over."""

import asyncio
from collections.abc import Sequence

import structlog
from telegram.error import TelegramError
from telegram.ext import ExtBot

from bot.alerts.conditions import Conditions
from bot.http.admin.readiness import Readiness
from bot.http.admin.sources import Sources
from bot.supervisor import Beat, Loop
from handlers.screens.operator_alerts import alerts_screen
from handlers.telegram.failures import classify
from handlers.telegram.messages import send_text
from handlers.telegram.render import render
from services.concurrency.uninterrupted import run_to_completion
from services.operator_alerts.alerts import Change
from services.operator_alerts.board import AlertBoard
from storage.health.errors import is_database_error
from texts.catalogue import texts_in

INTERVAL_SECONDS = 20.0
_LIMIT_SECONDS = 120.0
"""For one turn: 5 s for the conditions, two transactions, and one call of Telegram."""

log = structlog.get_logger()


def watch_for(chat_id: int | None, bot: ExtBot[None], readiness: Readiness, sources: Sources) -> "AlertWatch | None":
    """Make the watch for an operator's chat; None without one."""
    if chat_id is None:
        return None
    board = AlertBoard(sources.services.database, sources.services.clock)
    return AlertWatch(chat_id, bot, Conditions(readiness, sources), board, sources)


class AlertWatch:
    """Looks at the conditions, and sends the changes that this process has claimed to the operator's chat.

    Args:
        sources: Counts the messages, for the metrics.
    """

    def __init__(
        self,
        chat_id: int,
        bot: ExtBot[None],
        conditions: Conditions,
        board: AlertBoard,
        sources: Sources,
    ) -> None:
        self._chat_id = chat_id
        self._bot = bot
        self._conditions = conditions
        self._board = board
        self._company = sources.services.company
        self._counts = sources.operator_messages
        self._failure = ""
        """Why the last message was not sent; empty if it was."""

    @property
    def loop(self) -> Loop:
        """The loop, for the supervisor."""
        return Loop("alerts", self._run, _LIMIT_SECONDS)

    async def _run(self, beat: Beat) -> None:
        while True:
            beat()
            try:
                await self._look()
            except Exception as error:
                if not is_database_error(error):
                    raise
                # The database check reports it. Without the database nobody knows what was told.
            beat(INTERVAL_SECONDS)
            await asyncio.sleep(INTERVAL_SECONDS)

    async def _look(self) -> None:
        holding = await self._conditions.holding()
        changes = await run_to_completion(self._board.update(holding))
        if not changes:
            return
        if await self._send(changes):
            await run_to_completion(self._board.told(changes))
        else:
            await run_to_completion(self._board.not_told(changes))

    async def _send(self, changes: Sequence[Change]) -> bool:
        """Send one message about all changes. Returns: False if it was not sent, or perhaps not."""
        alerts = [change.alert for change in changes]
        screen = alerts_screen(texts_in(self._company.language), self._company.name, changes)
        try:
            await send_text(self._bot, self._chat_id, render(screen))
        except TelegramError as error:
            failure = classify(error)
            self._counts["failed"] += 1
            if failure.new_chat_id is not None:
                self._chat_id = failure.new_chat_id
                log.error("operator_alert.chat_moved", setting="ODOBOT_OPERATOR_CHAT", chat=failure.new_chat_id)
            elif failure.reason != self._failure:
                # Said once for each reason; the changes are tried again while they are still to be told.
                log.error("operator_alert.not_sent", alerts=alerts, kind=failure.kind, reason=failure.reason)
            self._failure = failure.reason
            return False
        self._failure = ""
        self._counts["sent"] += 1
        log.info("operator_alert.sent", alerts=alerts)
        return True
