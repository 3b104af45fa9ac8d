"""The start: waits for the database and for Telegram, and says once what is away and once that it is back."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import structlog
from telegram.error import InvalidToken, TelegramError

from bot.components import Components
from bot.http.admin.readiness import Readiness
from bot.updates.handling import OdobotApplication
from handlers.telegram.failures import FailureKind, classify
from mail.errors import MailError
from portal.errors import PortalError
from services.retries import backoff
from storage import migrations
from storage.database import Database
from storage.health.problems import problem_of
from storage.health.write_probe import try_write
from storage.migrations import Schema
from texts.language import Language

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_DATABASE_SECONDS = 10.0
"""The time limit of one attempt at the database; a migration has none."""
_REFUSALS = 3
"""How often in a row Telegram must refuse the token before the start believes it."""
_MAY_PASS = {FailureKind.TOO_MANY, FailureKind.NOT_DONE, FailureKind.UNCLEAR}

ResultT = TypeVar("ResultT")
log = structlog.get_logger()


class StartError(Exception):
    """The process cannot start; the message is one line that names the setting."""


class Away(Exception):
    """A part cannot be used now; the message says why.

    Args:
        retry_after: The seconds that the part asks to wait.
    """

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


async def wait_for(part: str, attempt: Callable[[], Awaitable[ResultT]], readiness: Readiness | None = None) -> ResultT:
    """Repeat an attempt that raises ``Away``, after pauses of 1 to 30 s. Returns: its result.

    Args:
        part: Its name in the log and in readiness.
        readiness: Shows what the start waits for; None for a part that the start does not need.
    """
    failures, began_at = 0, time.monotonic()
    while True:
        try:
            result = await attempt()
        except Away as error:
            failures += 1
            if readiness is not None:
                readiness.start_reasons = [f"start: waits for {part}: {error}"]
            if failures == 1:
                log.warning("start.away", part=part, reason=str(error), is_needed=readiness is not None)
            pause = backoff(failures, first=_FIRST_PAUSE_SECONDS, longest=_LONGEST_PAUSE_SECONDS)
            await asyncio.sleep(max(error.retry_after, pause))
        else:
            if failures:
                log.info("start.there", part=part, seconds=round(time.monotonic() - began_at, 1))
            if readiness is not None:
                readiness.start_reasons = []
            return result


async def prepare_database(database: Database, readiness: Readiness) -> None:
    """Wait for the database; upgrade the schema on SQLite; on PostgreSQL, where replicas share it, only check it.

    Raises:
        StartError: The database cannot be used, or its schema is newer or, on PostgreSQL, older.
    """
    schema = await use_database(database, readiness, lambda: migrations.schema_of(database.engine))
    if schema is Schema.UNKNOWN:
        raise StartError(f"ODOBOT_DATABASE_URL: {migrations.NOT_KNOWN}")
    if schema is Schema.OLDER and not database.is_sqlite:
        raise StartError("ODOBOT_DATABASE_URL: the schema is not up to date, run: odobot migrate")
    if schema is Schema.OLDER:
        await use_database(database, readiness, lambda: migrations.upgrade(database.engine), seconds=None)
    await use_database(database, readiness, lambda: try_write(database))


async def use_database(
    database: Database,
    readiness: Readiness,
    work: Callable[[], Coroutine[Any, Any, ResultT]],
    *,
    seconds: float | None = _DATABASE_SECONDS,
) -> ResultT:
    """Do the work, again while the database is away. Raises ``StartError`` for a problem that only an operator ends.

    Args:
        seconds: The time limit of one attempt.
    """

    async def attempt() -> ResultT:
        try:
            return await _within(seconds, work())
        except Exception as error:
            problem = problem_of(error, database.file)
            if problem is None:
                raise
            reason = problem.reason
            is_temporary = problem.is_temporary
        if is_temporary:
            raise Away(reason)
        raise StartError(f"ODOBOT_DATABASE_URL: {reason}")

    return await wait_for("database", attempt, readiness)


async def _within(seconds: float | None, work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Return the result. Raise ``TimeoutError`` in time, though the driver may take longer to end a cancelled call."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    if not task.done():
        raise TimeoutError
    return task.result()


@asynccontextmanager
async def initialized(application: OdobotApplication, readiness: Readiness) -> AsyncIterator[None]:
    """Call ``getMe``, again while Telegram is away. Turn a refused token, here and in the body, into ``StartError``."""
    refusals = 0

    async def attempt() -> None:
        nonlocal refusals
        try:
            await application.initialize()
        except InvalidToken:
            refusals += 1
            if refusals == _REFUSALS:
                raise
            raise Away("Telegram refuses ODOBOT_TELEGRAM_TOKEN, perhaps by mistake") from None
        except TelegramError as error:
            refusals = 0
            raise _away(error) from None

    try:
        await wait_for("telegram", attempt, readiness)
        yield
    except InvalidToken:
        raise StartError("ODOBOT_TELEGRAM_TOKEN: Telegram does not know this token") from None


async def set_webhook(application: OdobotApplication, readiness: Readiness, url: str, **options: Any) -> None:
    """Register the webhook, again while Telegram is away. Raises ``StartError`` where Telegram refuses it."""

    async def attempt() -> None:
        try:
            await application.bot.set_webhook(url, **options)
        except TelegramError as error:
            if classify(error).kind in _MAY_PASS:
                raise _away(error) from None
            raise StartError(f"ODOBOT_WEBHOOK_URL: Telegram refuses it ({error.message})") from None

    await wait_for("telegram", attempt, readiness)


def _away(error: TelegramError) -> Away:
    retry_after = classify(error).retry_after
    seconds = retry_after.total_seconds() if retry_after else 0.0
    name = type(error).__name__
    return Away(f"no answer at ODOBOT_TELEGRAM_API_URL ({name}): look at the network, and at Telegram", seconds)


@asynccontextmanager
async def reporting_absences(components: Components) -> AsyncIterator[None]:
    """During the body, say once that the portal or the mail server is away, and once that it is there."""

    async def ask_portal() -> None:
        try:
            await components.portal.links(Language.FR)
        except PortalError as error:
            raise Away(f"no answer at ODOBOT_PORTAL_URL ({type(error).__name__})") from None

    async def ask_mail_server() -> None:
        try:
            await components.mailer.ready()
        except MailError as error:
            raise Away(f"no session at ODOBOT_SMTP_URL ({type(error).__name__})") from None

    tasks = [
        asyncio.create_task(wait_for("portal", ask_portal)),
        asyncio.create_task(wait_for("mail server", ask_mail_server)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await asyncio.gather(*tasks, return_exceptions=True)
