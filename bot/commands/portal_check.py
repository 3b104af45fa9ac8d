"""``odobot portal-check``: check a portal against the contract, without the bot's other settings."""

import os
from typing import Annotated

import typer

from bot.app import portal_at
from bot.commands.common import AsJson, checked_address, env_files, failure, print_facts, usage_error
from bot.environment.env_files import EnvFileError, read_env_files
from bot.environment.secret_files import read_secret_files
from bot.environment.variables import values_of_env_file
from bot.logs import set_up_logs
from bot.settings import PREFIX, Settings


def portal_check(
    url: Annotated[str, typer.Argument(help="https://host, or tryton+https://host/database.")],
    email: Annotated[str, typer.Option(help="The address of a customer with orders and invoices.")],
    other_email: Annotated[str, typer.Option(help="The address of a customer of another account.")] = "",
    examples: Annotated[int, typer.Option(min=0, help="Generated calls of each HTTP operation; 0 makes none.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Check a portal against the contract; exit 1 if it fails.

    The token is ODOBOT_PORTAL_TOKEN, in the environment or a file of settings, or in the file that
    ODOBOT_PORTAL_TOKEN_FILE names.
    """
    from portal.conformance.report import check_portal

    for option, text in (("--email", email), ("--other-email", other_email)):
        if text or option == "--email":
            checked_address(text, f"odobot portal-check: {option}")
    token = _token()
    set_up_logs("auto", "WARNING", [token])  # to standard error: the report is on standard output
    try:
        address = Settings.checked_portal_url(url)
    except ValueError as error:
        raise usage_error(f"odobot portal-check: {error}") from None
    report = check_portal(portal_at(address, token), address, token, email, other_email, examples=examples)
    facts = {
        "is_kept": report.is_kept,
        "promises": [
            {"promise": each.promise, "outcome": each.outcome.name.lower(), "words": each.words}
            for each in report.promises
        ],
        "calls": [{"call": each.name, "is_kept": each.is_kept, "words": each.words} for each in report.calls],
        "note": report.note,
    }
    print_facts(facts, report.lines(), as_json=as_json)
    if not report.is_kept:
        raise typer.Exit(1)


def _token() -> str:
    """Return the portal's token. Print one line and exit if there is none."""
    try:
        files = read_env_files(env_files.get()) if env_files.get() else values_of_env_file()
    except EnvFileError as error:
        raise failure(f"--env-file: {error}") from None
    of_file, unusable = read_secret_files(PREFIX, ["portal_token"], files)
    if unusable:
        raise failure("\n".join(unusable))
    name = f"{PREFIX}PORTAL_TOKEN"
    token = of_file.get("portal_token") or os.environ.get(name) or files.get(name)
    if not token:
        raise failure(f"{name}: is required but not set: a portal's bearer token or a Tryton user application's key")
    return token
