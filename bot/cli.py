"""The command line.

Some commands import their modules themselves: at the top these took 4 % of the start-up time of ``run``.
"""

import asyncio
import os
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer
from cryptography.fernet import Fernet
from msgspec.structs import asdict

from bot import process
from bot.commands import announce, customers, incidents
from bot.commands.check import run_checks
from bot.commands.common import (
    LARGEST_ID,
    AsJson,
    OneLineErrors,
    checked_text,
    env_files,
    failure,
    loaded_settings,
    on_database,
    print_facts,
    usage_error,
)
from bot.commands.deliveries import commands as deliveries
from bot.commands.portal_check import portal_check
from bot.commands.portal_sql import portal_sql
from bot.commands.unlink import lift_cap, unlink
from bot.environment.zones import use_pinned_zones
from bot.process import Role
from bot.starting import StartError
from storage import migrations
from storage.database import Database
from storage.notices.repetitions import ResendChoice

cli = typer.Typer(cls=OneLineErrors, no_args_is_help=True, pretty_exceptions_enable=False, help="Odobot.")
cli.add_typer(incidents.commands, name="incidents")
cli.add_typer(deliveries.commands, name="deliveries")
cli.add_typer(customers.commands, name="customers")
cli.add_typer(announce.commands, name="announce")


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
    env_file: Annotated[
        list[Path] | None,
        typer.Option(
            help="Read the settings from this file, in place of .env, as systemd reads an EnvironmentFile; the"
            " environment overrides it. May be given several times: the last one wins."
        ),
    ] = None,
) -> None:
    # Files that a command creates, above all the database, are for its own user only.
    os.umask(0o077)
    env_files.set(tuple(env_file or ()))
    use_pinned_zones()


@cli.command()
def run(
    role: Annotated[str, typer.Option(help="web: conversations; worker: notices; all: both.")] = "all",
) -> None:
    """Run the bot until SIGTERM or Ctrl-C."""
    if role not in set(Role):
        raise usage_error(f"odobot run: --role must be one of {', '.join(Role)}")
    settings = loaded_settings()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(process.run(settings, Role(role)))
    except StartError as error:
        raise failure(str(error)) from None


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's factory of event loops, which are faster; None if it is not installed, as on Windows."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


@cli.command()
def check(as_json: AsJson = False) -> None:
    """Check the token, the portal, the mail server, the database and the catalogues; exit 1 if one does not work."""
    settings = loaded_settings()
    results = asyncio.run(run_checks(settings, env_files.get()))
    is_ok = all(result.is_ok for result in results)
    facts = {"is_ok": is_ok, "checks": [result.facts for result in results]}
    lines = [f"{result.label}  {result.name}: {result.detail}" for result in results]
    print_facts(facts, lines, as_json=as_json)
    if not is_ok:
        raise typer.Exit(1)


@cli.command()
def migrate(as_json: AsJson = False) -> None:
    """Upgrade the database's schema."""
    on_database(loaded_settings(), lambda database: migrations.upgrade(database.engine), migrates=True)
    print_facts({"is_up_to_date": True}, ["The schema is up to date."], as_json=as_json)


cli.command("unlink")(unlink)
cli.command("lift-cap")(lift_cap)
cli.command("portal-check")(portal_check)
cli.command("portal-sql")(portal_sql)


@cli.command("stop-copy")
def stop_copy(
    token: Annotated[str, typer.Argument(help="The token, the whole subject line, or - to read a mail from stdin.")],
    bounced: Annotated[
        bool, typer.Option("--bounced", help="The mail came back: pause the copies instead of stopping them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Stop a bookkeeper's copies as their mail asks; exit 1 if the token is not valid."""
    from bot.commands.stop_copy import stop_copy as stop, text_of

    done = on_database(loaded_settings(), lambda database: stop(database, text_of(token), has_bounced=bounced))
    if done is None:
        raise failure("odobot stop-copy: no valid token; take it from the subject of the mail: stop TOKEN")
    print_facts({"action": done.action, "copies": done.copies}, [done.line], as_json=as_json)


@cli.command()
def notices(
    watch: Annotated[bool, typer.Option("--watch", help="Show progress until no delivery is due.")] = False,
    resend: Annotated[
        bool, typer.Option("--resend", help="Repeat uncertain deliveries; the message says that it may be known.")
    ] = False,
    delivery: Annotated[
        list[int] | None,
        typer.Option("--id", min=1, max=LARGEST_ID, help="With --resend: this delivery; may be given several times."),
    ] = None,
    since: Annotated[str, typer.Option(help="With --resend: uncertain since this time, ISO 8601 (UTC).")] = "",
    reason: Annotated[str, typer.Option(help="With --resend: whose reason contains this text.")] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="With --resend: do it. Without it, only show what would be.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the number of deliveries by state, the age of the feed, and the latest uncertain deliveries."""
    from bot.commands.notices import resend_uncertain, show, time_of, watch_progress

    if (delivery or since or reason or yes) and not resend:
        raise usage_error("odobot notices: --id, --since, --reason and --yes need --resend")
    if watch and (resend or as_json):
        raise usage_error("odobot notices: --watch goes with no other option")
    try:
        choice = ResendChoice(tuple(delivery or ()), time_of(since), checked_text(reason, "odobot notices: --reason"))
    except (ValueError, OverflowError):
        raise usage_error("odobot notices: --since must be a time such as 2026-11-26T14:00") from None
    settings = loaded_settings()

    async def show_or_change(database: Database) -> bool:
        if resend:
            return await resend_uncertain(database, choice, is_confirmed=yes, as_json=as_json)
        await (watch_progress(database) if watch else show(database, as_json=as_json))
        return True

    if not on_database(settings, show_or_change):
        raise typer.Exit(1)


@cli.command()
def stats(
    days: Annotated[int, typer.Option(min=1, max=3650, help="How many days of last uses to show, up to today.")] = 14,
    as_json: AsJson = False,
) -> None:
    """Show linked chats, last uses by day, languages, notices by kind and outcome, PDFs and packs."""
    from bot.commands.stats import show_stats

    show_stats(days, as_json=as_json)


@cli.command("rotate-keys")
def rotate_keys(as_json: AsJson = False) -> None:
    """Seal and hash under the newest key what older ones sealed and hashed; it may run beside the bot, and again."""
    from bot.commands.rotate_keys import rotate_keys

    done = on_database(loaded_settings(), rotate_keys)
    print_facts(asdict(done), done.lines(), as_json=as_json)


@cli.command("new-key")
def new_key() -> None:
    """Make a key for ODOBOT_SECRET_KEYS."""
    print(Fernet.generate_key().decode())
