"""The command line.

The modules of two commands are imported by them: together they took 4 % of the start of ``run``.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from importlib import metadata
from typing import Annotated, Any, TypeVar

import typer
from cryptography.fernet import Fernet
from sqlalchemy.exc import SQLAlchemyError

from bot import process
from bot.app import portal_at
from bot.commands.check import examine
from bot.logs import set_up_logs
from bot.process import Role, StartError
from bot.settings import Settings, SettingsError, load_settings
from services.clock import utc_now
from services.security import SecurityEvent, SecurityLog
from services.understanding import normal_email
from storage import migrations
from storage.database import Database, Session
from storage.linking import links, proofs
from storage.vault import Vault

ResultT = TypeVar("ResultT")

cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="Odobot.")


def _print_version(is_asked: bool) -> None:
    """Print the installed version and end, where it is asked for."""
    if not is_asked:
        return
    print(f"odobot {metadata.version('odobot')}")
    raise typer.Exit


@cli.callback()
def _before_each_command(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    # What a command writes, the database above all, is for its own user only.
    os.umask(0o077)


def _stop(line: str) -> typer.Exit:
    print(line, file=sys.stderr)
    return typer.Exit(1)


def _on_database(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Runs what only needs the database; one that cannot be opened, or has no schema yet, is told in one line."""
    try:
        return asyncio.run(work)
    except (SQLAlchemyError, OSError) as error:
        raise _stop(
            f"ODOBOT_DATABASE_URL: the database does not answer as it should ({type(error).__name__})"
        ) from None


def _settings() -> Settings:
    """The settings, with the logs set up to hide their secrets; or one line, and the end."""
    try:
        settings = load_settings()
    except SettingsError as error:
        raise _stop(str(error)) from None
    set_up_logs(settings.log_format, settings.log_level, settings.secrets)
    return settings


@cli.command()
def run(
    role: Annotated[str, typer.Option(help="web: conversations; worker: notices; all: both.")] = "all",
) -> None:
    """Run the bot until it is told to stop (SIGTERM, Ctrl-C)."""
    settings = _settings()
    if role not in set(Role):
        raise _stop(f"odobot run: --role takes one of {', '.join(Role)}")
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(process.run(settings, Role(role)))
    except StartError as error:
        raise _stop(str(error)) from None


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, which is faster; Windows does not have it."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


@cli.command()
def check() -> None:
    """Ask the token, the portal, the mail server, the database and the catalogues; exit 1 if one does not work."""
    settings = _settings()
    findings = asyncio.run(examine(settings))
    for finding in findings:
        print(f"{finding.verdict}  {finding.part}: {finding.words}")
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


@cli.command()
def migrate() -> None:
    """Bring the database's schema up to date."""
    settings = _settings()

    async def upgrade() -> None:
        database = Database(settings.database_url, Vault(settings.keys))
        try:
            if await migrations.schema_of(database.engine) is migrations.Schema.UNKNOWN:
                raise _stop(f"ODOBOT_DATABASE_URL: {migrations.NOT_KNOWN}")
            await migrations.upgrade(database.engine)
        finally:
            await database.close()

    _on_database(upgrade())
    print("The schema is up to date.")


@cli.command()
def unlink(
    email: Annotated[str, typer.Option(help="Unlink every chat linked through this address.")] = "",
    chat: Annotated[int, typer.Option(help="Unlink this chat.")] = 0,
) -> None:
    """Take access away from the chats of an address, or from one chat."""
    address = normal_email(email.strip()) if email.strip() else None
    if bool(email) == bool(chat) or (email and address is None):
        raise _stop("odobot unlink: give one of --email ADDRESS and --chat NUMBER")
    settings = _settings()

    async def remove(session: Session) -> int:
        if address is not None:
            return await links.unlink_email(session, address, utc_now())
        await proofs.delete_proofs(session, chat_id=chat)
        return await links.unlink(session, chat, utc_now())

    removed = _as_operator(settings, remove, SecurityEvent.UNLINKED, email=address, chat_id=chat or None)
    print(f"Links removed: {removed}")
    if not removed:
        raise typer.Exit(1)


@cli.command("lift-cap")
def lift_cap(
    email: Annotated[str, typer.Option(help="The address whose codes are long since too many wrong ones were typed.")],
) -> None:
    """Forget the wrong codes of an address: its next codes are short again."""
    address = normal_email(email.strip())
    if address is None:
        raise _stop("odobot lift-cap: --email takes an email address")
    settings = _settings()

    async def lift(session: Session) -> int:
        return await proofs.lift_cap(session, address)

    print(f"Wrong codes forgotten: {_as_operator(settings, lift, SecurityEvent.CAP_LIFTED, email=address)}")


def _as_operator(
    settings: Settings,
    work: Callable[[Session], Coroutine[Any, Any, int]],
    event: SecurityEvent,
    *,
    email: str | None = None,
    chat_id: int | None = None,
) -> int:
    """Changes something in one transaction, and writes it to the security log. Returns: what the work does."""

    async def change() -> int:
        database = Database(settings.database_url, Vault(settings.keys))
        try:
            async with database.write() as session:
                done = await work(session)
        finally:
            await database.close()
        SecurityLog(database.vault).record(event, cause="operator", chat_id=chat_id, email=email, count=done)
        return done

    return _on_database(change())


@cli.command("portal-check")
def portal_check(
    url: Annotated[str, typer.Argument(help="https://host, or tryton+https://host/database.")],
    email: Annotated[str, typer.Option(help="Somebody with orders and invoices, to check with.")],
    other_email: Annotated[str, typer.Option(help="Somebody on another account.")] = "",
    examples: Annotated[int, typer.Option(help="How often each HTTP call is made; 0 leaves them out.")] = 20,
) -> None:
    """Check whether a portal keeps the contract; exit 1 if not. Its token is taken from ODOBOT_PORTAL_TOKEN."""
    from portal.conformance.report import check_portal

    token = os.environ.get("ODOBOT_PORTAL_TOKEN", "")
    if not token:
        raise _stop("ODOBOT_PORTAL_TOKEN: is missing: the portal's bearer token, or a Tryton user application's key")
    try:
        address = Settings.checked_portal_url(url)
    except ValueError as error:
        raise _stop(f"odobot portal-check: {error}") from None
    report = check_portal(portal_at(address, token), address, token, email, other_email, examples=examples)
    print("\n".join(report.lines()))
    if not report.is_kept:
        raise typer.Exit(1)


@cli.command()
def notices(
    watch: Annotated[bool, typer.Option("--watch", help="Stay and show progress until nothing is queued.")] = False,
) -> None:
    """Show how many notices are queued, sent, uncertain and blocked, how old the feed is, and which are uncertain."""
    from bot.commands.notices import show, watch_progress

    settings = _settings()

    async def look() -> None:
        database = Database(settings.database_url, Vault(settings.keys))
        try:
            await (watch_progress(database) if watch else show(database))
        finally:
            await database.close()

    _on_database(look())


@cli.command("new-key")
def new_key() -> None:
    """Make a key for ODOBOT_SECRET_KEYS."""
    print(Fernet.generate_key().decode())
