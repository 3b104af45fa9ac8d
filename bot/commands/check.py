"""``odobot check``: test each dependency of the deployment, and report one line each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from telegram.error import InvalidToken, TelegramError

from bot.app import Components, build
from bot.settings import Settings
from mail.errors import MailError
from portal.errors import PortalError
from storage import migrations
from storage.database import is_open_to_others, sqlite_file
from storage.migrations import Schema
from texts.catalogue import texts_in
from texts.language import Language


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check. A warning is a check that passed with a remark."""

    name: str
    is_ok: bool
    detail: str
    is_warning: bool = False

    @property
    def label(self) -> str:
        """``ok``, ``warn`` or ``FAIL``, padded to four characters."""
        if not self.is_ok:
            return "FAIL"
        return "warn" if self.is_warning else "ok  "


async def run_checks(settings: Settings) -> list[CheckResult]:
    """Run every check once. Returns: one result for each, in the order of the report."""
    async with build(settings) as components:
        return [
            await _run_check("ODOBOT_TELEGRAM_TOKEN", lambda: _check_telegram(components)),
            await _run_check("ODOBOT_PORTAL_URL", lambda: _check_portal(components)),
            await _run_check("ODOBOT_SMTP_URL", lambda: _check_mail(components)),
            await _run_check("ODOBOT_DATABASE_URL", lambda: _check_database(components)),
            await _run_check("catalogues", _check_catalogues),
            *_check_file_modes(settings),
        ]


def _check_file_modes(settings: Settings) -> list[CheckResult]:
    """Return a warning if other users can read ``.env`` or the database file, else an empty list."""
    files = [Path(".env"), sqlite_file(settings.database_url)]
    found = [str(file) for file in files if file is not None and is_open_to_others(file)]
    if not found:
        return []
    detail = f"other users of this machine can read {' and '.join(found)}, run: chmod 600 {' '.join(found)}"
    return [CheckResult("files", True, detail, is_warning=True)]


async def _run_check(name: str, check: Callable[[], Awaitable[str]]) -> CheckResult:
    try:
        return CheckResult(name, True, await check())
    except _CheckFailed as error:
        return CheckResult(name, False, str(error))


class _CheckFailed(Exception):
    """The message is the result's detail."""


async def _check_telegram(components: Components) -> str:
    bot = components.application.bot
    try:
        await bot.initialize()
        return f"the bot is @{bot.username}"
    except InvalidToken:
        raise _CheckFailed("Telegram does not know this token") from None
    except TelegramError as error:
        raise _CheckFailed(f"Telegram cannot be reached ({type(error).__name__})") from None
    finally:
        await bot.shutdown()


async def _check_portal(components: Components) -> str:
    try:
        links = await components.portal.links(Language.FR)
        await components.portal.events(None, 1)
    except PortalError as error:
        raise _CheckFailed(f"the portal cannot be used ({type(error).__name__}: {error})") from None
    return f"the portal answers, its menu has {len(links)} entries"


async def _check_mail(components: Components) -> str:
    try:
        await components.mailer.ready()
    except MailError as error:
        raise _CheckFailed(f"the mail server cannot be used ({type(error).__name__}: {error})") from None
    return "the mail server accepts a session"


async def _check_database(components: Components) -> str:
    engine = components.database.engine
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        schema = await migrations.schema_of(engine)
    except Exception as error:  # each driver has its own exceptions, and all mean the same here
        raise _CheckFailed(f"the database cannot be opened ({type(error).__name__})") from None
    if schema is Schema.UNKNOWN:
        raise _CheckFailed(migrations.NOT_KNOWN)
    if schema is Schema.CURRENT:
        return f"{engine.dialect.name}, the schema is up to date"
    if components.database.is_sqlite:
        return "sqlite, odobot run will upgrade the schema"
    raise _CheckFailed("the schema is not up to date, run: odobot migrate")


async def _check_catalogues() -> str:
    try:
        names = [texts_in(language)("language.name") for language in Language]
    except (OSError, KeyError, ValueError) as error:
        raise _CheckFailed(f"a catalogue cannot be read ({type(error).__name__})") from None
    return ", ".join(names)
