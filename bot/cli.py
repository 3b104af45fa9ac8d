"""The command line.

Some commands import their modules themselves: at the top these took 4 % of the start-up time of ``run``.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from functools import partial
from importlib import metadata
from typing import Annotated, Any

import typer
from cryptography.fernet import Fernet

from bot import process
from bot.app import portal_at
from bot.commands import incidents
from bot.commands.check import run_checks
from bot.commands.common import failure as _failure, loaded_settings as _loaded_settings, on_database as _on_database
from bot.environment.secret_files import read_secret_files
from bot.environment.zones import use_pinned_zones
from bot.process import Role
from bot.settings import Settings
from bot.starting import StartError
from services.clock import utc_now
from services.security import SecurityEvent, SecurityLog
from services.understanding.addresses import normalize_email
from storage import migrations
from storage.database import Database, Session
from storage.health import keys
from storage.linking import links, proofs
from storage.notices.repetitions import ResendChoice

cli = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="Odobot.")
cli.add_typer(incidents.commands, name="incidents")


def _print_version(is_requested: bool) -> None:
    """Print the installed version and exit, if the option was given."""
    if not is_requested:
        return
    print(f"odobot {metadata.version('odobot')}")
    raise typer.Exit


@cli.callback()
def _before_each_command(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    # Files that a command creates, above all the database, are for its own user only.
    os.umask(0o077)
    use_pinned_zones()


@cli.command()
def run(
    role: Annotated[str, typer.Option(help="web: conversations; worker: notices; all: both.")] = "all",
) -> None:
    """Run the bot until SIGTERM or Ctrl-C."""
    settings = _loaded_settings()
    if role not in set(Role):
        raise _failure(f"odobot run: --role must be one of {', '.join(Role)}")
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(process.run(settings, Role(role)))
    except StartError as error:
        raise _failure(str(error)) from None


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory of event loops, which are faster; None if it is not installed, as on Windows."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


@cli.command()
def check() -> None:
    """Check the token, the portal, the mail server, the database and the catalogues; exit 1 if one does not work."""
    settings = _loaded_settings()
    results = asyncio.run(run_checks(settings))
    for result in results:
        print(f"{result.label}  {result.name}: {result.detail}")
    if not all(result.is_ok for result in results):
        raise typer.Exit(1)


@cli.command()
def migrate() -> None:
    """Upgrade the database's schema."""
    settings = _loaded_settings()

    async def upgrade(database: Database) -> None:
        if await migrations.schema_of(database.engine) is migrations.Schema.UNKNOWN:
            raise _failure(f"ODOBOT_DATABASE_URL: {migrations.NOT_KNOWN}")
        await migrations.upgrade(database.engine)

    _on_database(settings, upgrade)
    print("The schema is up to date.")


@cli.command()
def unlink(
    email: Annotated[str, typer.Option(help="Unlink every chat linked through this address.")] = "",
    chat: Annotated[int, typer.Option(help="Unlink this chat.")] = 0,
    unreadable: Annotated[
        bool, typer.Option("--unreadable", help="Unlink every chat that no key of ODOBOT_SECRET_KEYS opens.")
    ] = False,
) -> None:
    """Remove the links of every chat of an address, of one chat, or of the chats that no key opens."""
    address = normalize_email(email.strip()) if email.strip() else None
    if [bool(email), bool(chat), unreadable].count(True) != 1 or (email and address is None):
        raise _failure("odobot unlink: give one of --email ADDRESS, --chat NUMBER and --unreadable")
    settings = _loaded_settings()

    async def remove(session: Session) -> int:
        if unreadable:
            chats = await keys.unreadable_chats(session)
            return sum([await links.unlink(session, chat_id, utc_now()) for chat_id in chats])
        if address is not None:
            return await links.unlink_email(session, address, utc_now())
        await proofs.delete_proofs(session, chat_id=chat)
        return await links.unlink(session, chat, utc_now())

    removed = _change_as_operator(settings, remove, SecurityEvent.UNLINKED, email=address, chat_id=chat or None)
    print(f"Links removed: {removed}")
    if not removed:
        raise typer.Exit(1)


@cli.command("stop-copy")
def stop_copy(
    token: Annotated[str, typer.Argument(help="The token, the whole subject line, or - to read a mail from stdin.")],
    bounced: Annotated[
        bool, typer.Option("--bounced", help="The mail came back: pause the copies instead of stopping them.")
    ] = False,
) -> None:
    """Stop a bookkeeper's copies as their mail asks; exit 1 if the token is not valid."""
    from bot.commands.stop_copy import stop_copy as stop, text_of

    settings = _loaded_settings()

    done = _on_database(settings, lambda database: stop(database, text_of(token), has_bounced=bounced))
    if done is None:
        raise _failure("odobot stop-copy: no valid token; take it from the subject of the mail: stop TOKEN")
    print(done)


@cli.command("lift-cap")
def lift_cap(
    email: Annotated[str, typer.Option(help="The address that gets long codes, after too many wrong ones.")],
) -> None:
    """Reset the count of wrong codes of an address, so that its next codes are short."""
    address = normalize_email(email.strip())
    if address is None:
        raise _failure("odobot lift-cap: --email must be an email address")
    settings = _loaded_settings()

    lift = partial(proofs.lift_cap, email=address)
    print(f"Wrong codes forgotten: {_change_as_operator(settings, lift, SecurityEvent.CAP_LIFTED, email=address)}")


def _change_as_operator(
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
        SecurityLog(database.vault).record(event, cause="operator", chat_id=chat_id, email=email, count=count)
        return count

    return _on_database(settings, change)


@cli.command("portal-check")
def portal_check(
    url: Annotated[str, typer.Argument(help="https://host, or tryton+https://host/database.")],
    email: Annotated[str, typer.Option(help="The address of a customer with orders and invoices.")],
    other_email: Annotated[str, typer.Option(help="The address of a customer of another account.")] = "",
    examples: Annotated[int, typer.Option(help="Generated calls of each HTTP operation; 0 makes none.")] = 20,
) -> None:
    """Check a portal against the contract; exit 1 if it fails.

    The token is ODOBOT_PORTAL_TOKEN, or in the file that ODOBOT_PORTAL_TOKEN_FILE names.
    """
    from portal.conformance.report import check_portal

    of_file, unusable = read_secret_files("ODOBOT_", ["portal_token"])
    if unusable:
        raise _failure("\n".join(unusable))
    token = of_file.get("portal_token") or os.environ.get("ODOBOT_PORTAL_TOKEN", "")
    if not token:
        raise _failure(
            "ODOBOT_PORTAL_TOKEN: is required but not set: a portal's bearer token or a Tryton user application's key"
        )
    try:
        address = Settings.checked_portal_url(url)
    except ValueError as error:
        raise _failure(f"odobot portal-check: {error}") from None
    report = check_portal(portal_at(address, token), address, token, email, other_email, examples=examples)
    print("\n".join(report.lines()))
    if not report.is_kept:
        raise typer.Exit(1)


@cli.command()
def notices(
    watch: Annotated[bool, typer.Option("--watch", help="Show progress until no delivery is due.")] = False,
    resend: Annotated[
        bool, typer.Option("--resend", help="Repeat uncertain deliveries; the message says that it may be known.")
    ] = False,
    delivery: Annotated[
        list[int] | None, typer.Option("--id", help="With --resend: this delivery; may be given several times.")
    ] = None,
    since: Annotated[str, typer.Option(help="With --resend: uncertain since this time, ISO 8601 (UTC).")] = "",
    reason: Annotated[str, typer.Option(help="With --resend: whose reason contains this text.")] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="With --resend: do it. Without it, only show what would be.")
    ] = False,
) -> None:
    """Show the number of deliveries by state, the age of the feed, and the latest uncertain deliveries."""
    from bot.commands.notices import resend_uncertain, show, time_of, watch_progress

    if (delivery or since or reason or yes) and not resend:
        raise _failure("odobot notices: --id, --since, --reason and --yes need --resend")
    try:
        choice = ResendChoice(tuple(delivery or ()), time_of(since), reason)
    except ValueError:
        raise _failure("odobot notices: --since must be a time such as 2026-11-26T14:00") from None
    settings = _loaded_settings()

    async def show_or_change(database: Database) -> None:
        if resend:
            await resend_uncertain(database, choice, is_confirmed=yes)
        else:
            await (watch_progress(database) if watch else show(database))

    _on_database(settings, show_or_change)


@cli.command("rotate-keys")
def rotate_keys() -> None:
    """Seal and hash under the newest key what older ones sealed and hashed; it may run beside the bot, and again."""
    from bot.commands.rotate_keys import rotate_keys

    settings = _loaded_settings()
    print(_on_database(settings, rotate_keys))


@cli.command("new-key")
def new_key() -> None:
    """Make a key for ODOBOT_SECRET_KEYS."""
    print(Fernet.generate_key().decode())
