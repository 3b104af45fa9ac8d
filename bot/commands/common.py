"""What the commands share: settings, the opened database, output as lines or JSON, errors in one line, exit codes.

Exit codes: 0 it is done; 1 something is wrong, or nothing was found; 2 the command was called wrongly.
"""

import asyncio
import datetime
import json
import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperGroup

from bot.logs import set_up_logs
from bot.settings import Settings, SettingsError, load_settings
from services.security import SecurityEvent, SecurityLog
from services.understanding.addresses import normalize_email
from storage import migrations
from storage.database import Database, Session, sqlite_file
from storage.health.errors import is_database_error
from storage.health.problems import problem_of
from storage.migrations import Schema
from storage.vault import Vault

ResultT = TypeVar("ResultT")

PROGRAM = "odobot"
USAGE = 2
"""The exit code of a command that was called wrongly."""
LARGEST_ID = 2**31 - 1
"""The largest id of a row on PostgreSQL."""
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object; docs/operating.md has its keys.")]


class OneLineErrors(TyperGroup):
    """A command line that reports wrong use in one line on standard error, and exits with code 2."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,  # noqa: ARG002
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Parse and run the command line; see ``click.Command.main``. It has one name, also as ``python -m bot``."""
        run = partial(super().main, args, PROGRAM, complete_var, False, windows_expand_args, **extra)
        if not standalone_mode:
            return run()
        try:
            code = run()
        except typer.TyperException as error:
            context = getattr(error, "ctx", None)
            path = context.command_path if context else PROGRAM
            message = " ".join(error.format_message().split())
            if message:  # empty where the help was printed instead
                print(shown(f"{path}: {message} (see {path} --help)"), file=sys.stderr)
            sys.exit(error.exit_code)
        except typer.Abort:
            sys.exit(1)
        except SettingsError as error:
            print(shown(str(error)), file=sys.stderr)
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


def failure(message: str, code: int = 1) -> typer.Exit:
    """Print the message to standard error, and return the exception that exits with the code."""
    print("\n".join(map(shown, message.split("\n"))), file=sys.stderr)
    return typer.Exit(code)


def usage_error(message: str) -> typer.Exit:
    """Print what is wrong with the arguments, and return the exception that exits with code 2."""
    return failure(message, USAGE)


def on_database(
    settings: Settings, work: Callable[[Database], Coroutine[Any, Any, ResultT]], *, migrates: bool = False
) -> ResultT:
    """Run the work on the opened database.

    Print one line and exit if it cannot be used, does not exist, or has another schema than this version's.

    Args:
        migrates: The work makes the schema: the database may be new, or have an older schema.
    """
    file = sqlite_file(settings.database_url)

    async def opened() -> ResultT:
        if not migrates and file is not None and not file.exists():
            raise failure(f"ODOBOT_DATABASE_URL: there is no database at {file.absolute()}, run: odobot migrate")
        database = Database(settings.database_url, Vault(settings.keys))
        try:
            schema = await migrations.schema_of(database.engine)
            if schema is Schema.UNKNOWN:
                raise failure(f"ODOBOT_DATABASE_URL: {migrations.NOT_KNOWN}")
            if schema is Schema.OLDER and not migrates:
                raise failure("ODOBOT_DATABASE_URL: the schema is not up to date, run: odobot migrate")
            return await work(database)
        finally:
            await database.close()

    try:
        return asyncio.run(opened())
    except BrokenPipeError:  # who reads the output has ended
        raise
    except Exception as error:
        problem = problem_of(error, file) if is_database_error(error) else None
        if problem is None:
            raise
        raise failure(f"ODOBOT_DATABASE_URL: the database cannot be used: {problem.reason}") from None


def change_as_operator(
    settings: Settings,
    work: Callable[[Session], Coroutine[Any, Any, int]],
    event: SecurityEvent,
    *,
    email: str | None = None,
    chat_id: int | None = None,
) -> int:
    """Run the work in one transaction, and write the event to the security log. Returns: the work's count."""

    async def change(database: Database) -> int:
        async with database.write() as session:
            count = await work(session)
        record_change(database, event, count, email=email, chat_id=chat_id)
        return count

    return on_database(settings, change)


def record_change(
    database: Database, event: SecurityEvent, count: int, *, email: str | None = None, chat_id: int | None = None
) -> None:
    """Write a change by the operator to the security log, with the number of rows, links or deliveries changed."""
    SecurityLog(database.vault).record(event, cause="operator", chat_id=chat_id, email=email, count=count)


env_files: ContextVar[Sequence[Path]] = ContextVar("env_files", default=())
"""The files of settings that the command line names; empty: ``.env``."""


def loaded_settings() -> Settings:
    """Load the settings and set up the logs. Print one line and exit if a setting is wrong."""
    try:
        settings = load_settings(env_files.get())
    except SettingsError as error:
        raise failure(str(error)) from None
    set_up_logs(settings.log_format, settings.log_level, settings.secrets)
    return settings


def print_facts(facts: Mapping[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    """Print a command's result: the facts as one JSON object, or the lines."""
    print(json.dumps(facts, ensure_ascii=False, indent=2, default=_encoded) if as_json else "\n".join(lines))


def _encoded(value: object) -> str:
    return shown(value) if isinstance(value, datetime.date) else str(value)


def shown(value: object) -> str:
    """Return a value as text on one line: times in UTC to the second; empty for None; ``?`` for control characters."""
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).isoformat(timespec="seconds")
    return "".join(each if each.isprintable() else "?" for each in str(value))


def aligned(rows: Sequence[Sequence[object]]) -> list[str]:
    """Return rows as lines with aligned columns, two spaces apart."""
    texts = [[shown(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return ["  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in texts]


def checked_text(text: str, name: str) -> str:
    """Return an argument without spaces around it. Print one line and exit if it cannot be looked up."""
    if not text.isprintable():
        raise usage_error(f"{name} holds characters that cannot be printed")
    return text.strip()


def checked_address(text: str, name: str) -> str:
    """Return an email address in its normal form. Print one line and exit if it is none."""
    address = normalize_email(text.strip())
    if address is None:
        raise usage_error(f"{name} must be an email address")
    return address
