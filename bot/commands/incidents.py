"""``odobot incidents``: the register of confidentiality incidents, which P-39.1, sections 3.5 to 3.8, asks for.

It is in the database, sealed as personal columns are, although it should name nobody: backups and ``rotate-keys`` then
take it along. A copy of the export belongs where the database is not: an incident may take the database with it.
"""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bot.commands import incident_facts
from bot.commands.common import (
    LARGEST_ID,
    AsJson,
    failure,
    loaded_settings,
    on_database,
    print_facts,
    record_change,
    usage_error,
)
from bot.commands.incident_facts import BadFact, Incident, as_csv, as_data, as_lines, checked, incidents_of
from bot.settings import Settings
from services.clock import utc_now
from services.security import SecurityEvent
from storage import incidents
from storage.database import Database

commands = typer.Typer(no_args_is_help=True, help="The register of confidentiality incidents. Name no person in it.")

Known = Annotated[str, typer.Option(help="The day on which you learned of it, or a period: 2026-11-20/2026-11-26.")]
Occurred = Annotated[str, typer.Option(help="The day or period in which it happened; 'about' before it, or 'unknown'.")]
Information = Annotated[str, typer.Option(help="The kinds of personal information, or why they are not known.")]
Description = Annotated[str, typer.Option(help="The circumstances, in short.")]
Persons = Annotated[str, typer.Option(help="The number of persons; 'about 12', or 'unknown'.")]
Risk = Annotated[str, typer.Option(help="Whether there is a risk of serious injury: yes, no or undecided.")]
Assessment = Annotated[str, typer.Option(help="Why: sensitivity, possible misuse, consequences, likelihood.")]
Measures = Annotated[str, typer.Option(help="What was done to reduce the risks.")]
CaiNotified = Annotated[str, typer.Option(help="The day of the notice to the Commission d'accès à l'information.")]
PersonsNotified = Annotated[str, typer.Option(help="The day or period of the notices to the persons.")]
PublicNotice = Annotated[str, typer.Option(help="The public notice, if there was one, and why.")]


@commands.command("add")
def add(
    known: Known = "",
    occurred: Occurred = "",
    information: Information = "",
    description: Description = "",
    persons: Persons = "",
    risk: Risk = "",
    assessment: Assessment = "",
    measures: Measures = "",
    cai_notified: CaiNotified = "",
    persons_notified: PersonsNotified = "",
    public_notice: PublicNotice = "",
    as_json: AsJson = False,
) -> None:
    """Enter an incident; the notices may follow by ``update``."""
    settings = loaded_settings()
    given = {
        "known": known, "occurred": occurred, "information": information, "description": description,
        "persons": persons, "risk": risk, "assessment": assessment, "measures": measures,
        "cai-notified": cai_notified, "persons-notified": persons_notified, "public-notice": public_notice,
    }  # fmt: skip
    try:
        facts = checked(given, _today(settings))
    except BadFact as error:
        raise usage_error(f"odobot incidents add: {error}") from None

    async def enter(database: Database) -> Incident:
        async with database.write() as session:
            number = await incidents.add(session, facts, utc_now())
            entered = incidents_of(await incidents.load(session, number))[0]
        record_change(database, SecurityEvent.INCIDENT_RECORDED, 1)
        return entered

    _print([on_database(settings, enter)], as_json=as_json)


@commands.command("update")
def update(
    number: Annotated[int, typer.Argument(min=1, max=LARGEST_ID, help="The incident's number, as list shows it.")],
    known: Known = "",
    occurred: Occurred = "",
    information: Information = "",
    description: Description = "",
    persons: Persons = "",
    risk: Risk = "",
    assessment: Assessment = "",
    measures: Measures = "",
    cai_notified: CaiNotified = "",
    persons_notified: PersonsNotified = "",
    public_notice: PublicNotice = "",
    as_json: AsJson = False,
) -> None:
    """Complete or correct an incident; what was entered before stays in the export."""
    settings = loaded_settings()
    given = {
        "known": known, "occurred": occurred, "information": information, "description": description,
        "persons": persons, "risk": risk, "assessment": assessment, "measures": measures,
        "cai-notified": cai_notified, "persons-notified": persons_notified, "public-notice": public_notice,
    }  # fmt: skip

    async def amend(database: Database) -> Incident:
        async with database.write() as session:
            found = incidents_of(await incidents.load(session, number))
            if not found:
                raise failure(f"odobot incidents update: there is no incident {number}")
            if found[0].unreadable:
                raise failure(f"odobot incidents update: no key of ODOBOT_SECRET_KEYS opens incident {number}")
            await incidents.amend(session, number, checked(given, _today(settings), found[0].facts), utc_now())
            amended = incidents_of(await incidents.load(session, number))[0]
        record_change(database, SecurityEvent.INCIDENT_RECORDED, 1)
        return amended

    try:
        _print([on_database(settings, amend)], as_json=as_json)
    except BadFact as error:
        raise usage_error(f"odobot incidents update: {error}") from None


@commands.command("list")
def list_incidents(as_json: AsJson = False) -> None:
    """Show every incident, with what the law asks for and is missing."""
    _print(on_database(loaded_settings(), _load), as_json=as_json)


@commands.command("export")
def export(
    kind: Annotated[str, typer.Option("--format", help="json, with every version; or csv, with the newest.")] = "json",
    output: Annotated[str, typer.Option(help="A new file, readable for you only. Without it: standard output.")] = "",
) -> None:
    """Write the whole register, for the Commission or to keep a copy elsewhere."""
    formats = {"json": incident_facts.as_json, "csv": as_csv}
    if kind not in formats:
        raise usage_error("odobot incidents export: --format must be json or csv")
    text = formats[kind](on_database(loaded_settings(), _load))
    if not output:
        typer.echo(text, nl=False)
        return
    try:
        with Path(output).open("x", encoding="utf-8", newline="") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such name is possible"
        raise failure(f"odobot incidents export: --output cannot be written: {reason}") from None


async def _load(database: Database) -> list[Incident]:
    async with database.read() as session:
        return incidents_of(await incidents.load(session))


def _today(settings: Settings) -> datetime.date:
    """Return the day in the company's time zone."""
    return utc_now().astimezone(settings.zone).date()


def _print(found: Sequence[Incident], *, as_json: bool) -> None:
    lines = [line for each in found for line in as_lines(each)] or ["The register is empty."]
    print_facts({"incidents": as_data(found)}, lines, as_json=as_json)
