"""What the commands share: a failure in one line, the settings, and the opened database."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import typer
from sqlalchemy.exc import SQLAlchemyError

from bot.logs import set_up_logs
from bot.settings import Settings, SettingsError, load_settings
from storage.database import Database
from storage.vault import Vault

ResultT = TypeVar("ResultT")


def failure(message: str) -> typer.Exit:
    """Print the message to standard error, and return the exception that exits with code 1."""
    print(message, file=sys.stderr)
    return typer.Exit(1)


def on_database(settings: Settings, work: Callable[[Database], Coroutine[Any, Any, ResultT]]) -> ResultT:
    """Run the work on the opened database. Print one line and exit if it cannot be opened or has no schema."""

    async def opened() -> ResultT:
        database = Database(settings.database_url, Vault(settings.keys))
        try:
            return await work(database)
        finally:
            await database.close()

    try:
        return asyncio.run(opened())
    except (SQLAlchemyError, OSError) as error:
        raise failure(f"ODOBOT_DATABASE_URL: the database cannot be used ({type(error).__name__})") from None


def loaded_settings() -> Settings:
    """Load the settings and set up the logs. Print one line and exit if a setting is wrong."""
    try:
        settings = load_settings()
    except SettingsError as error:
        raise failure(str(error)) from None
    set_up_logs(settings.log_format, settings.log_level, settings.secrets)
    return settings
