"""``odobot check``: does each part of the deployment answer? One line each."""

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
class Finding:
    """One part, whether it works, and what was seen. A warning is about a part that works."""

    part: str
    is_well: bool
    words: str
    is_warning: bool = False

    @property
    def verdict(self) -> str:
        """``ok``, ``warn`` or ``FAIL``, four characters wide."""
        if not self.is_well:
            return "FAIL"
        return "warn" if self.is_warning else "ok  "


async def examine(settings: Settings) -> list[Finding]:
    """Asks every part once."""
    async with build(settings) as components:
        return [
            await _finding("ODOBOT_TELEGRAM_TOKEN", lambda: _telegram(components)),
            await _finding("ODOBOT_PORTAL_URL", lambda: _portal(components)),
            await _finding("ODOBOT_SMTP_URL", lambda: _mail(components)),
            await _finding("ODOBOT_DATABASE_URL", lambda: _database(components)),
            await _finding("catalogues", _catalogues),
            *_open_files(settings),
        ]


def _open_files(settings: Settings) -> list[Finding]:
    """One line where files with secrets or personal data may be read by others; none where they may not."""
    files = [Path(".env"), sqlite_file(settings.database_url)]
    found = [str(file) for file in files if file is not None and is_open_to_others(file)]
    if not found:
        return []
    words = f"{' and '.join(found)} may be read by other users of this machine, run: chmod 600 {' '.join(found)}"
    return [Finding("files", True, words, is_warning=True)]


async def _finding(part: str, ask: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(part, True, await ask())
    except _Unwell as error:
        return Finding(part, False, str(error))


class _Unwell(Exception):
    pass


async def _telegram(components: Components) -> str:
    bot = components.application.bot
    try:
        await bot.initialize()
        return f"Telegram knows it as @{bot.username}"
    except InvalidToken:
        raise _Unwell("Telegram does not know this token") from None
    except TelegramError as error:
        raise _Unwell(f"Telegram cannot be reached ({type(error).__name__})") from None
    finally:
        await bot.shutdown()


async def _portal(components: Components) -> str:
    try:
        links = await components.portal.links(Language.FR)
        await components.portal.events(None, 1)
    except PortalError as error:
        raise _Unwell(f"the portal does not answer as it should ({type(error).__name__}: {error})") from None
    return f"the portal answers, its menu has {len(links)} entries"


async def _mail(components: Components) -> str:
    try:
        await components.mailer.ready()
    except MailError as error:
        raise _Unwell(f"the mail server does not take us ({type(error).__name__}: {error})") from None
    return "the mail server takes us"


async def _database(components: Components) -> str:
    engine = components.database.engine
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        schema = await migrations.schema_of(engine)
    except Exception as error:  # every driver has exceptions of its own, and each means the same here
        raise _Unwell(f"the database cannot be opened ({type(error).__name__})") from None
    if schema is Schema.UNKNOWN:
        raise _Unwell(migrations.NOT_KNOWN)
    if schema is Schema.CURRENT:
        return f"{engine.dialect.name}, the schema is up to date"
    if components.database.is_sqlite:
        return "sqlite, odobot run will bring the schema up to date"
    raise _Unwell("the schema is not up to date, run: odobot migrate")


async def _catalogues() -> str:
    try:
        names = [texts_in(language)("language.name") for language in Language]
    except (OSError, KeyError, ValueError) as error:
        raise _Unwell(f"a catalogue cannot be read ({type(error).__name__})") from None
    return ", ".join(names)
