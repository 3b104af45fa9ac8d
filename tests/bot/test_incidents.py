"""``odobot incidents``: the register of confidentiality incidents."""

import asyncio
import csv
import datetime
import io
import json
from pathlib import Path

import pytest
from hypothesis import example, given, strategies as st

from bot.commands.incident_facts import FACTS, BadFact, checked, incidents_of
from services.housekeeping import Housekeeping
from storage import incidents
from storage.database import Database
from storage.incidents import StoredVersion
from storage.rotation import rotate
from storage.vault import Vault
from tests.bot.test_cli import KEY, Result, Shell, shell
from tests.storage import NOW, a_key, opened, rows_of

__all__ = ["shell"]

TODAY = datetime.date(2026, 11, 27)
ENTRY = {
    "known": "2026-11-20",
    "occurred": "about 2026-11-18/2026-11-19",
    "information": "names and invoice amounts",
    "description": "a laptop with an export was stolen",
    "persons": "about 12",
    "risk": "yes",
    "assessment": "amounts and names, no means of payment",
    "measures": "the key was rotated",
}


def options(facts: dict[str, str]) -> list[str]:
    return [part for name, value in facts.items() for part in (f"--{name}", value)]


@pytest.fixture
def register(shell: Shell, database_url: str) -> Shell:
    """A shell whose settings name the test's database; nothing listens at the other addresses."""
    shell.settings = {
        "company": "Odotrack",
        "telegram_token": "123456789:AAsandboxsandboxsandboxsandboxsandb",
        "telegram_api_url": "http://127.0.0.1:9",
        "portal_url": "http://127.0.0.1:9",
        "portal_token": "portal-token-of-the-test",
        "database_url": database_url,
        "smtp_url": "smtp://127.0.0.1:9",
        "mail_from": "odobot@odotrack.test",
        "secret_keys": KEY,
    }
    return shell


async def entered(register: Shell, **facts: str) -> Result:
    result = await register.run("incidents", "add", *options(ENTRY | facts))
    assert result.code == 0, result
    assert [json.loads(line)["event"] for line in result.err.splitlines()] == ["security.incident_recorded"]
    return result


async def test_entry_says_which_notices_are_missing(register: Shell) -> None:
    assert (await register.run("incidents", "list")).out == "The register is empty.\n"
    added = await entered(register)
    assert "incident 1\n" in added.out
    assert "MISSING: the notice to the CAI" in added.out
    assert "MISSING: the notice to the persons" in added.out
    assert "keep it until 2031-11-21 at least" in added.out

    told = {"cai-notified": "2026-11-21", "persons-notified": "2026-11-21/2026-11-24"}
    updated = await register.run("incidents", "update", "1", *options(told))

    assert updated.code == 0
    assert "MISSING" not in updated.out
    assert (await register.run("incidents", "list")).out == updated.out


async def test_undecided_risk_is_missing(register: Shell) -> None:
    assert "MISSING: the decision" in (await entered(register, risk="undecided")).out
    assert "MISSING" not in (await entered(register, risk="no")).out


async def test_export_has_every_version(register: Shell) -> None:
    await entered(register)
    await entered(register, description="=HYPERLINK(1)", persons="unknown")
    await register.run("incidents", "update", "1", "--persons", "14")

    first, second = json.loads((await register.run("incidents", "export")).out)
    assert (first["persons"], second["persons"]) == ("14", "unknown")
    assert [each["facts"]["persons"] for each in first["versions"]] == ["about 12", "14"]
    assert first["kept_until"] == "2031-11-21"
    assert set(first) >= {name.replace("-", "_") for name in FACTS}

    rows = list(csv.DictReader(io.StringIO((await register.run("incidents", "export", "--format", "csv")).out)))
    assert [row["persons"] for row in rows] == ["14", "unknown"]
    assert rows[1]["description"] == "'=HYPERLINK(1)"


async def test_export_file_is_new_and_private(register: Shell) -> None:
    await entered(register)
    assert (await register.run("incidents", "export", "--output", "register.json")).code == 0
    path = register.folder / "register.json"
    assert json.loads(path.read_text())[0]["number"] == 1
    assert path.stat().st_mode & 0o777 == 0o600

    again = await register.run("incidents", "export", "--output", "register.json")
    assert (again.code, again.line) == (1, "odobot incidents export: --output cannot be written: File exists")


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"known": ""}, "--known: required"),
        ({"known": "", "measures": " "}, "--known, --measures: required"),
        ({"known": "yesterday"}, "--known must be a date"),
        ({"known": "2026-13-01"}, "--known must be a date"),
        ({"known": "2999-01-01"}, "--known is in the future"),
        ({"known": "2026-11-20/2026-11-01"}, "--known ends before it begins"),
        ({"occurred": "2026-11-21"}, "--occurred is after --known"),
        ({"occurred": "sometime"}, "--occurred must be a date"),
        ({"persons": "many"}, "--persons must be a number"),
        ({"persons": "-1"}, "--persons must be a number"),
        ({"persons": "٣"}, "--persons must be a number"),
        ({"risk": "maybe"}, "--risk must be one of yes, no, undecided"),
        ({"cai-notified": "2026-11-01"}, "--cai-notified is before --known"),
        ({"description": "x" * 4_001}, "--description is longer than 4000 characters"),
        ({"description": "a\x1b[2Jb"}, "--description holds characters that cannot be printed"),
        ({"description": "a\udcffb"}, "--description holds characters that cannot be printed"),
    ],
)
async def test_bad_fact_is_one_line(register: Shell, facts: dict[str, str], problem: str) -> None:
    result = await register.run("incidents", "add", *options(ENTRY | facts))
    assert result.code == 2
    assert result.line.startswith(f"odobot incidents add: {problem}")
    assert (await register.run("incidents", "list")).out == "The register is empty.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("update", "7", "--risk", "no"), 1, "odobot incidents update: there is no incident 7"),
        (("update", "1"), 2, "odobot incidents update: give at least one fact"),
        (("update", "1", "--known", "2026-11-10"), 2, "odobot incidents update: --occurred is after --known"),
        (("export", "--format", "pdf"), 2, "odobot incidents export: --format must be json or csv"),
        (
            ("export", "--output", "no/such/folder"),
            1,
            "odobot incidents export: --output cannot be written: No such file or directory",
        ),
    ],
)
async def test_bad_use_is_one_line(register: Shell, arguments: tuple[str, ...], code: int, line: str) -> None:
    await entered(register)
    result = await register.run("incidents", *arguments)
    assert (result.code, result.line) == (code, line)


async def test_lost_key_is_said_and_loses_nothing(register: Shell) -> None:
    await entered(register)
    other = a_key()
    listed = await register.run("incidents", "list", secret_keys=other)
    assert "UNREADABLE: no key of ODOBOT_SECRET_KEYS opens 1 version(s)" in listed.out
    refused = await register.run("incidents", "update", "1", "--risk", "no", secret_keys=other)
    assert refused.line == "odobot incidents update: no key of ODOBOT_SECRET_KEYS opens incident 1"
    assert ENTRY["description"] in (await register.run("incidents", "list")).out


async def test_register_is_sealed_and_rotated(database_url: str) -> None:
    old, new = a_key(), a_key()
    async with opened(database_url, [old]) as database:
        async with database.write() as session:
            assert await incidents.add(session, ENTRY, NOW) == 1
        (row,) = (await rows_of(database))["incidents"]
        readable = [value for value in ENTRY.values() if value in str(row)]
        assert readable in ([], [ENTRY["risk"]])  # three letters also occur by chance in what is sealed
    async with opened(database_url, [new, old]) as database:
        assert (await rotate(database)).resealed == 1
    async with opened(database_url, [new]) as database, database.read() as session:
        assert [each.facts for each in await incidents.load(session)] == [ENTRY]


async def test_numbers_have_no_gaps_under_concurrency(database: Database) -> None:
    async def enter() -> int:
        async with database.write() as session:
            return await incidents.add(session, ENTRY, NOW)

    assert sorted(await asyncio.gather(*(enter() for _ in range(8)))) == list(range(1, 9))

    async def correct() -> int | None:
        async with database.write() as session:
            return await incidents.amend(session, 3, {"persons": "1"}, NOW)

    assert sorted(await asyncio.gather(*(correct() for _ in range(4))), key=str) == [2, 3, 4, 5]


async def test_entry_survives_the_housekeeping(database: Database) -> None:
    async with database.write() as session:
        await incidents.add(session, ENTRY, NOW)
    later = NOW + datetime.timedelta(days=5 * 365)

    await Housekeeping(database, lambda: later, ()).clean(lambda: None)

    async with database.read() as session:
        assert [each.facts for each in await incidents.load(session)] == [ENTRY]


async def test_no_code_deletes_or_changes_an_entry() -> None:
    """Only ``storage/incidents.py`` knows the table, and it inserts."""
    root = Path(__file__).parents[2]
    packages = ("bot", "handlers", "services", "storage")
    using = {
        str(path.relative_to(root))
        for package in packages
        for path in (root / package).rglob("*.py")
        if "IncidentVersion" in path.read_text()
    }
    assert using == {"storage/incidents.py", "storage/tables/__init__.py", "storage/tables/incidents.py"}
    text = (root / "storage" / "incidents.py").read_text()
    assert not any(word in text for word in ("delete(", "update(", "upsert", ".change("))


@given(st.fixed_dictionaries({name: st.text(max_size=40) | st.just(ENTRY.get(name, "")) for name in FACTS}))
@example(dict.fromkeys(FACTS, ""))
@example(ENTRY | {"known": "0001-01-01", "occurred": "unknown"})
@example(ENTRY | {"known": "2024-02-29", "occurred": "unknown"})
@example(ENTRY | {"known": "20261120"})
@example(ENTRY | {"known": "2026-W47-5"})
def test_any_text_is_taken_or_refused(facts: dict[str, str]) -> None:
    try:
        taken = checked(facts, TODAY)
    except BadFact as error:
        problem = str(error)
    else:
        problem = ""
    if problem:
        assert len(problem.splitlines()) == 1
        return
    (incident,) = incidents_of([StoredVersion(1, 1, NOW, taken)])
    assert incident.kept_until is not None
    assert Vault([KEY]).seal(json.dumps(taken))


def test_entry_of_a_leap_day_is_kept_five_years() -> None:
    (incident,) = incidents_of([StoredVersion(1, 1, NOW, ENTRY | {"known": "2024-02-29"})])
    assert incident.kept_until == datetime.date(2029, 3, 1)
