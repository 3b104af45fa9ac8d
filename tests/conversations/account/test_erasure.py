# ruff: noqa: F401, F811  # the fixture is imported and asked for by name
"""/mesdonnees holds everything that the database does, and /oublier leaves nothing but what its answer names."""

import contextlib
import csv
import io
import json
from typing import Any

import pytest

from sandbox.telegram.persons import Person
from services.retention.tables import IMPERSONAL, TABLES
from storage.vault import Vault
from tests.conversations.account.everything import (
    EMPTY,
    NUMBERS,
    Rows,
    bytes_after_purge,
    everything_happened,
    personal_values,
    rows_once_quiet,
)
from tests.conversations.support.desk import Desk, desk
from tests.scene import Scene

pytestmark = pytest.mark.timeout(180)

BOOKS = "compta@cabinet.example"
FLEET = "flotte@example.test"


async def files(scene: Scene, person: Person) -> tuple[dict[str, list[dict[str, Any]]], list[list[str]]]:
    """Ask for the files. Returns: the rows of the JSON by table, and the lines of the CSV."""
    await scene.say(person, "/mesdonnees")
    person.tap("Recevoir les fichiers")
    made = await person.wait_for_message("mes-donnees.json", new=True)
    sheet = await person.wait_for_message("mes-donnees.csv", new=True)
    assert made.file
    assert sheet.file
    tables = {each["table"]: each["rows"] for each in json.loads(made.file.content)["tables"]}
    lines = list(csv.reader(io.StringIO(sheet.file.content.decode("utf-8-sig")), delimiter=";"))
    return tables, lines


def as_written(vault: Vault, row: dict[str, Any]) -> dict[str, object]:
    """Return a stored row as the JSON should have it, apart from times and from JSON within texts."""
    found: dict[str, object] = {}
    for column, value in row.items():
        if column.endswith("_sealed"):
            text = found[column.removesuffix("_sealed")] = vault.open_or_none(value) if value else value
            with contextlib.suppress(ValueError):
                found[column.removesuffix("_sealed")] = json.loads(text) if text and text[0] in "{[" else text
        elif isinstance(value, bool | int) or value is None or column.endswith("_hash"):
            found[column] = value
    return found


async def test_files_have_every_row_of_the_chat(desk: Desk) -> None:
    """Of a database with one person, the files have every row of every table that the table of retention has."""
    scene = desk.scene
    person = await everything_happened(desk, BOOKS)
    before = await rows_once_quiet(scene)

    tables, lines = await files(scene, person)

    vault = Vault([scene.keys])
    assert tables.keys() == TABLES.keys()
    for table in TABLES:
        rows = [row for row in before[table] if table != "notices" or row["account_id"]]
        assert len(tables[table]) == len(rows) or table == "inbox", table
        for row in rows:
            wanted = as_written(vault, row)
            alike = [[key for key in wanted if wanted[key] != each.get(key)] for each in tables[table]]
            assert [] in alike, (table, wanted, alike)
    assert all("Camille" in json.dumps(row) for row in tables["inbox"])
    assert {line[1] for line in lines[1:]} == {table for table, rows in tables.items() if rows}
    assert {"Camille", FLEET, BOOKS, "Transport Boréal inc.", str(person.user_id), *NUMBERS} <= {
        line[4] for line in lines
    }
    assert all(before[table] for table in TABLES.keys() - EMPTY)


async def test_files_have_nothing_of_another_chat(scene: Scene) -> None:
    camille = await scene.linked(first_name="Camille-Ève")
    aline = await scene.linked(email=FLEET, first_name="Aline-Zoé")

    tables, _ = await files(scene, camille)

    written = json.dumps(tables, ensure_ascii=False)
    assert "Camille-Ève" in written
    assert not [word for word in ("Aline", FLEET, str(aline.user_id), "a-2003") if word in written]


def stays(rows: Rows) -> set[str]:
    """Return what the answer of /oublier names: the hashes of codes, and those of addresses with wrong codes."""
    return {
        str(row[column])
        for table in ("codes", "address_guards")
        for row in rows[table]
        for column in ("email_hash", "chat_hash", "code_hash")
        if row.get(column)
    }


async def test_oublier_leaves_only_what_its_answer_names(desk: Desk) -> None:
    """Of everything that was stored, only the named hashes are left in the bytes of the database's files."""
    scene = desk.scene
    person = await everything_happened(desk, BOOKS)
    before = await rows_once_quiet(scene)
    values = personal_values(before)
    stored = await bytes_after_purge(scene)
    assert sum(value.encode() in stored for value in values) > 30, "the check sees what is stored"

    await scene.say(person, "/oublier")
    answer = await scene.tap(person, "Oui")

    assert "empreintes" in answer.text
    assert "48 heures" in answer.text
    left = await bytes_after_purge(scene)
    after = await rows_once_quiet(scene)
    named = stays(after)
    words = (*values, "Camille", FLEET, BOOKS, "Boréal", str(person.user_id), *NUMBERS)
    # What events of the portal are called is the portal's own number, and says nothing any more.
    events = {str(row["event_id"]) for row in after["notices"]}
    found = [word for word in words if word not in named | events | desk_facts(desk, after) and word.encode() in left]
    assert found == []
    assert all(row["account_id"] == "" and row["number"] is None for row in after["notices"])
    empty = TABLES.keys() - {"codes", "notices", "support_conversations"}
    assert {table: after[table] for table in empty if after[table]} == {}
    assert [row["chat_id"] for row in after["support_conversations"]] == [None]
    assert after.keys() - {"alembic_version"} == TABLES.keys() | IMPERSONAL.keys()


def desk_facts(desk: Desk, rows: Rows) -> set[str]:
    """Return the plain texts of the conversation's row that say nothing of the person."""
    return {str(value) for row in rows["support_conversations"] for value in row.values()}


async def test_oublier_deletes_messages_whose_ids_are_kept(desk: Desk) -> None:
    """Those that were relayed to and from the staff in the last 47 hours go from the person's chat."""
    scene = desk.scene
    person = await scene.linked()
    await desk.talking(person, "Le montant est faux.")
    desk.says("Bonjour, je regarde.")
    answer = await person.wait_for_message("je regarde")
    await desk.remembers(desk.seen()[-1])
    sent = [each for each in person.chat().visible if each.text == "Le montant est faux."]
    assert len(sent) == 1

    await scene.say(person, "/oublier")
    await scene.tap(person, "Oui")

    assert await person.chat().changed.until(lambda: (sent[0].deleted and answer.deleted) or None, 10)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_copies_are_said_to_end(scene: Scene, language: str) -> None:
    """Unlinking and forgetting say that the bookkeeper's copies end, before and after."""
    unlink, forget, yes, copies = {
        "fr": ("/delier", "/oublier", "Oui", "copies pour la comptabilité"),
        "en": ("/unlink", "/forget", "Yes", "bookkeeper’s copies"),
    }[language]
    person = await scene.linked(language)
    for command in (unlink, forget):
        assert copies in (await scene.say(person, command)).text
        assert copies in (await scene.tap(person, yes)).text
