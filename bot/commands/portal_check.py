"""``odobot portal-check``: check a portal against the contract, without the bot's other settings."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.common import AsJson, checked_address, env_files, failure, print_facts, usage_error
from bot.environment.env_files import EnvFileError, read_env_files
from bot.environment.portal_settings import read_portal_settings, value_of
from bot.environment.secret_files import read_secret_files
from bot.environment.variables import values_of_env_file
from bot.logs import set_up_logs
from bot.settings import PREFIX
from portal.adapters.adapter import Adapter, Connection
from portal.adapters.links import parse_links
from portal.adapters.registry import find_adapter

if TYPE_CHECKING:
    from portal.conformance.report import Report


def portal_check(
    url: Annotated[str, typer.Argument(help="As ODOBOT_PORTAL_URL: https://host, tryton+https://host/database, …")],
    email: Annotated[str, typer.Option(help="The address of a customer with orders and invoices.")],
    other_email: Annotated[str, typer.Option(help="The address of a customer of another account.")] = "",
    examples: Annotated[int, typer.Option(min=0, help="Generated calls of each HTTP operation; 0 makes none.")] = 20,
    cursor: Annotated[str, typer.Option(help="A cursor that the feed gave some time ago, to check its events.")] = "",
    as_json: AsJson = False,
) -> None:
    """Check a portal against the contract; exit 1 if it fails.

    The token is ODOBOT_PORTAL_TOKEN, in the environment or a file of settings, or in the file that
    ODOBOT_PORTAL_TOKEN_FILE names; so are the settings that the portal's adapter has.
    """
    from portal.conformance.report import check_portal

    for option, text in (("--email", email), ("--other-email", other_email)):
        if text or option == "--email":
            checked_address(text, f"odobot portal-check: {option}")
    try:
        adapter = find_adapter(url)
        address = adapter.check_url(url)
    except ValueError as error:
        raise usage_error(f"odobot portal-check: {error}") from None
    connection = _connection(adapter, address)
    # To standard error: the report is on standard output.
    set_up_logs("auto", "WARNING", adapter.secrets_of(connection))
    try:
        portal = adapter.open(connection)
    except ValueError as error:
        raise failure(f"odobot portal-check: {error}") from None
    told: list[str] = []

    def tell(line: str) -> None:
        """Print a line of the report as soon as it is known: the whole takes minutes."""
        if not as_json:
            told.append(line)
            typer.echo(line)

    report = check_portal(
        portal,
        address,
        connection.token,
        email,
        other_email,
        examples=examples,
        is_http_contract=adapter.is_http_contract,
        cursor=cursor,
        tell=tell,
    )
    print_facts(_facts(report), report.lines()[len(told) :], as_json=as_json)
    if not report.is_kept:
        raise typer.Exit(1)


def _facts(report: "Report") -> dict[str, object]:
    """Return the report for ``--json``."""
    return {
        "is_kept": report.is_kept,
        "promises": [
            {"promise": each.promise, "outcome": each.outcome.name.lower(), "words": each.words}
            for each in report.promises
        ],
        "calls": [{"call": each.name, "is_kept": each.is_kept, "words": each.words} for each in report.calls],
        "note": report.note,
        "cursor": report.cursor,
    }


def _connection(adapter: Adapter, url: str) -> Connection:
    """Read what the adapter needs. Print a line for each setting that is missing or wrong, and exit."""
    try:
        files = read_env_files(env_files.get()) if env_files.get() else values_of_env_file()
    except EnvFileError as error:
        raise failure(f"--env-file: {error}") from None
    secrets = [each.name.removeprefix(PREFIX).lower() for each in adapter.settings if each.is_secret]
    of_files, wrong = read_secret_files(PREFIX, ["portal_token", *secrets], files)
    contents = {PREFIX + field.upper(): content for field, content in of_files.items()}
    settings, unusable = read_portal_settings(adapter.settings, files, contents)
    token = value_of(f"{PREFIX}PORTAL_TOKEN", files, contents)
    if adapter.token and not token:
        wrong.append(f"{PREFIX}PORTAL_TOKEN: is required but not set: {adapter.token}")
    try:
        links = parse_links(value_of(f"{PREFIX}PORTAL_LINKS", files, contents))
    except ValueError as error:
        wrong.append(f"{PREFIX}PORTAL_LINKS: {error}")
    if wrong or unusable:
        raise failure("\n".join([*wrong, *unusable]))
    return Connection(url=url, token=token, links=links, settings=settings)
