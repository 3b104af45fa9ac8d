"""docs/privacy.md covers what is stored and what the law asks for."""

import re
from pathlib import Path

from bot.commands.incident_facts import FACTS
from storage.tables import metadata

TEXT = (Path(__file__).parents[1] / "docs" / "privacy.md").read_text()
DUTIES = 15


def section(title: str) -> str:
    """Return the text of a section of the second level."""
    (found,) = re.findall(rf"^## {title}$(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    return str(found)


def rows(text: str) -> list[list[str]]:
    """Return the cells of each row of a table, without its heading."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")
    ][2:]


def test_data_map_has_every_table() -> None:
    listed = [row[0].strip("`") for row in rows(section("The data map"))]
    assert sorted(listed) == sorted(table.name for table in metadata().sorted_tables)


def test_sealed_tables_are_said_to_be_sealed() -> None:
    """And no other one, so that the map does not promise what the columns do not keep."""
    said = {row[0].strip("`") for row in rows(section("The data map")) if "sealed" in row[2]}
    sealed = {
        table.name
        for table in metadata().sorted_tables
        if any(column.name.endswith("_sealed") for column in table.columns)
    }
    assert said == sealed


def test_every_duty_has_code_and_test() -> None:
    found = rows(section("The duties"))
    assert len(found) == DUTIES
    for duty, where, code, test in found:
        assert where, duty
        assert "`" in code or "TODO-OWNER" in code or "assessment" in code or "catalogues" in code, duty
        assert "`tests/" in test or "TODO-OWNER" in test, duty


def test_assessment_has_its_parts() -> None:
    """Section 17 of the Act names them: sensitivity, purposes, protection, and the law of the other place."""
    asked = " ".join(row[0] for row in rows(section("Impact assessment, a filled example")))
    for part in (
        "Sensitivity",
        "Purposes",
        "Protection by contract",
        "Protection by technique",
        "Legal regime",
        "adequate",
    ):
        assert part in asked


def test_procedure_uses_options_that_exist() -> None:
    text = section("When something happens")
    named = set(re.findall(r"--([a-z-]+)", text)) - {"email"}
    assert named <= set(FACTS)
    assert {"risk", "cai-notified", "persons-notified", "measures"} <= named


def test_notice_to_persons_is_in_both_languages() -> None:
    """French first."""
    text = section("When something happens")
    assert 0 < text.index("**Objet :") < text.index("**Subject:")
