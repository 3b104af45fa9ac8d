"""``odobot check``: test each dependency of the deployment, and report one line each."""

import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from sqlalchemy import text
from telegram.error import InvalidToken, TelegramError

from bot.app import build, mailbox_at
from bot.commands.check_operator_chat import check_operator_chat
from bot.commands.check_result import CheckFailed, CheckResult
from bot.commands.check_staff_chat import check_staff_chat
from bot.components import Components
from bot.environment.company_texts import use_company_texts
from bot.environment.variables import ENV_FILE
from bot.environment.zones import newer_version, used_version
from bot.http.admin.key_check import SAMPLE, unreadable_reason
from bot.settings import COPIES_OFF, Settings
from bot.updates.webhook_state import problem_of
from mail.errors import MailError
from portal.errors import PortalError
from services.clock import utc_now
from storage import migrations
from storage.database import is_open_to_others, sqlite_file
from storage.health.keys import sample_keys
from storage.migrations import Schema
from texts.catalogue import texts_in
from texts.company import TextsError
from texts.language import Language

_NOT_GROUP = 0o007
_IN_MEMORY = "sqlite+aiosqlite:///:memory:"


async def run_checks(settings: Settings, env_files: Sequence[Path] = ()) -> list[CheckResult]:
    """Run every check once, and create nothing: a database that does not exist is reported.

    Args:
        env_files: The files of settings that were named; empty: ``.env``.

    Returns:
        One result for each check, in the order of the report.
    """
    texts, usable = _check_texts(settings)
    missing = _missing_database(settings)
    opened = usable.model_copy(update={"database_url": _IN_MEMORY}) if missing else usable
    async with build(opened) as components:
        return [
            await _run_check("ODOBOT_TELEGRAM_TOKEN", lambda: _check_telegram(components)),
            await _run_check("ODOBOT_PORTAL_URL", lambda: _check_portal(components)),
            await _run_check("ODOBOT_SMTP_URL", lambda: _check_mail(components)),
            *await _check_copies(settings),
            *await check_staff_chat(components, settings.staff_chat),
            *await check_operator_chat(components, settings.alerts_chat),
            *await _check_webhook(components, settings),
            await _run_check("ODOBOT_DATABASE_URL", lambda: _check_database(components, missing)),
            *await _check_keys(components),
            _check_zones(),
            *texts,
            *_check_file_modes(settings, env_files),
        ]


def _missing_database(settings: Settings) -> Path | None:
    """Return the file of an SQLite database that does not exist; None for any other database."""
    file = sqlite_file(settings.database_url)
    return file.absolute() if file is not None and not file.exists() else None


def _check_file_modes(settings: Settings, env_files: Sequence[Path]) -> list[CheckResult]:
    """Return a warning if other users can read the settings or the database file, else an empty list.

    The group may read named files of settings: the unit's is for root and for the group of its user.
    """
    files = [file for file in env_files if is_open_to_others(file, _NOT_GROUP)]
    own = [*([] if env_files else [Path(ENV_FILE)]), sqlite_file(settings.database_url)]
    files += [file for file in own if file is not None and is_open_to_others(file)]
    if not files:
        return []
    found = [str(file) for file in files]
    modes = [f"chmod o= {file}" if file in env_files else f"chmod 600 {file}" for file in files]
    detail = f"other users of this machine can read {' and '.join(found)}, run: {' && '.join(modes)}"
    return [CheckResult("files", True, detail, is_warning=True)]


async def _run_check(name: str, check: Callable[[], Awaitable[str]]) -> CheckResult:
    try:
        return CheckResult(name, True, await check())
    except CheckFailed as error:
        return CheckResult(error.name or name, False, str(error))


async def _check_telegram(components: Components) -> str:
    bot = components.application.bot
    try:
        await bot.initialize()
        return f"the bot is @{bot.username}"
    except InvalidToken:
        raise CheckFailed("Telegram does not know this token") from None
    except TelegramError as error:
        problem = f"Telegram cannot be reached ({type(error).__name__}): look at the network, or at this address"
        raise CheckFailed(problem, "ODOBOT_TELEGRAM_API_URL") from None


async def _check_webhook(components: Components, settings: Settings) -> list[CheckResult]:
    """Return what is wrong with the webhook; an empty list if Telegram cannot be asked.

    ``odobot run`` sets or deletes the webhook at its start, so that a webhook elsewhere, or none, is only a warning.
    """
    name, url = "ODOBOT_WEBHOOK_URL", f"{settings.webhook_url}/telegram" if settings.webhook_url else ""
    bot = components.application.bot
    try:
        info = await bot.get_webhook_info()
    except TelegramError:
        return []
    finally:
        await bot.shutdown()
    if url and not info.url:
        return [CheckResult(name, True, "no webhook is set yet, odobot run sets it")]
    problem = problem_of(info, url, utc_now(), waited=info.pending_update_count)
    if problem:
        return [CheckResult(name, info.url != url, problem, is_warning=True)]
    how = "updates come by webhook" if url else "updates are polled, no webhook is set"
    return [CheckResult(name, True, f"{how}, {info.pending_update_count} wait at Telegram")]


async def _check_keys(components: Components) -> list[CheckResult]:
    """Try the keys on a sample of each table; an empty list if the database cannot be read, which has its own line.

    It fails only where the keys are wrong ones. Else rows that no key opens are a warning: after a key was lost for
    good, they stay until they are deleted.
    """
    try:
        trial = await sample_keys(components.database, SAMPLE)
    except Exception:  # each driver has its own exceptions
        return []
    if reason := unreadable_reason(trial):
        return [CheckResult("ODOBOT_SECRET_KEYS", not trial.is_wrong_key, reason, is_warning=not trial.is_wrong_key)]
    return [CheckResult("ODOBOT_SECRET_KEYS", True, f"the keys open all {trial.total.tried} sampled rows")]


def _check_zones() -> CheckResult:
    """Warn if newer time zone data are at hand than those that are used."""
    used, newer = used_version(), newer_version()
    if newer:
        hint = f"time zone data {used} are older than {newer}: pip install --upgrade tzdata, or see PYTHONTZPATH"
        return CheckResult("ODOBOT_TIMEZONE", True, hint, is_warning=True)
    return CheckResult("ODOBOT_TIMEZONE", True, f"time zone data {used or 'of PYTHONTZPATH'}")


async def _check_portal(components: Components) -> str:
    try:
        links = await components.portal.links(Language.FR)
        await components.portal.events(None, 1)
    except PortalError as error:
        raise CheckFailed(f"the portal cannot be used ({type(error).__name__}: {error})") from None
    return f"the portal answers, its menu has {len(links)} entries"


async def _check_mail(components: Components) -> str:
    try:
        await components.mailer.ready()
    except MailError as error:
        raise CheckFailed(f"the mail server cannot be used ({type(error).__name__}: {error})") from None
    return "the mail server accepts a session"


async def _check_copies(settings: Settings) -> list[CheckResult]:
    """Try the mailbox that stops copies, and say what a copy's mail lacks."""
    results, url = [], settings.imap_url.get_secret_value()
    if url:
        results.append(await _run_check("ODOBOT_IMAP_URL", lambda: _check_mailbox(url)))
    if settings.lacks_way_to_stop_copies:
        results.append(CheckResult("ODOBOT_STOP_ADDRESS", True, COPIES_OFF, is_warning=True))
    if not settings.postal_address:
        lacks = "empty: mails lack the postal address that the law asks for (CASL, s. 6)"
        results.append(CheckResult("ODOBOT_POSTAL_ADDRESS", True, lacks, is_warning=True))
    return results


async def _check_mailbox(url: str) -> str:
    try:
        await mailbox_at(url).ready()
    except MailError as error:
        raise CheckFailed(f"the mailbox cannot be read ({type(error).__name__}: {error})") from None
    return "the mailbox can be read"


async def _check_database(components: Components, missing: Path | None) -> str:
    if missing is not None:
        if not os.access(missing.parent, os.W_OK | os.X_OK):
            raise CheckFailed(f"there is no {missing}, and it cannot be created there")
        return f"sqlite, odobot run will create {missing}"
    engine = components.database.engine
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        schema = await migrations.schema_of(engine)
    except Exception as error:  # each driver has its own exceptions, and all mean the same here
        raise CheckFailed(f"the database cannot be opened ({type(error).__name__})") from None
    if schema is Schema.UNKNOWN:
        raise CheckFailed(migrations.NOT_KNOWN)
    if schema is Schema.CURRENT:
        return f"{engine.dialect.name}, the schema is up to date"
    if components.database.is_sqlite:
        return "sqlite, odobot run will upgrade the schema"
    raise CheckFailed("the schema is not up to date, run: odobot migrate")


def _check_texts(settings: Settings) -> tuple[list[CheckResult], Settings]:
    """Read the catalogues, and those in ``ODOBOT_TEXTS``.

    Returns:
        The results, and the settings for the other checks: without the company's texts if these cannot be used.
    """
    try:
        incomplete = use_company_texts(settings)
        names = [texts_in(language)("language.name") for language in Language.offered()]
    except TextsError as error:
        lines = [line.partition(": ") for line in str(error).split("\n")]
        failed = [CheckResult(name, False, detail) for name, _, detail in lines]
        return failed, settings.model_copy(update={"texts": "", "default_language": Language.FR})
    except (OSError, KeyError, ValueError) as error:
        detail = f"a catalogue cannot be read ({type(error).__name__})"
        return [CheckResult("catalogues", False, detail)], settings
    warnings = [CheckResult("ODOBOT_TEXTS", True, line, is_warning=True) for line in incomplete]
    return [*warnings, CheckResult("catalogues", True, ", ".join(names))], settings
