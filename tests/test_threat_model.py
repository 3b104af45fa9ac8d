"""The tests that docs/threat-model.md and docs/privacy.md name exist, and every attacker has one."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("docs/threat-model.md", "docs/privacy.md")
_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
ATTACKERS = 11
"""With the section of ASVS."""


@cache
def names_in(path: str) -> set[str]:
    """The names of a module's test functions."""
    tree = ast.parse((ROOT / path).read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {function.name for function in functions if function.name.startswith("test_")}


def missing(text: str) -> list[str]:
    """The tests that a text names and that do not exist; of a whole file, the file."""
    found = []
    for path, name in _NAMED.findall(text):
        if not (ROOT / path).is_file() or (name and name not in names_in(path)):
            found.append(f"{path}::{name}" if name else path)
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_named_tests_exist(document: str) -> None:
    text = (ROOT / document).read_text()
    assert len(_NAMED.findall(text)) > 10
    assert missing(text) == []


@pytest.mark.parametrize(
    "text",
    ["`tests/test_threat_model.py::test_of_nothing`", "`tests/no_such_file.py`", "`tests/scene.py::test_of_nothing`"],
)
def test_missing_test_is_found(text: str) -> None:
    assert len(missing(text)) == 1


def test_every_row_of_an_attacker_names_a_test() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text()
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert len(sections) == ATTACKERS
    rows = [
        row
        for section in sections
        if not section.startswith("OWASP")
        for row in section.splitlines()
        if row.startswith("|") and not re.match(r"\| (tries|does|could) \||\|---", row)
    ]
    assert [row for row in rows if not _NAMED.search(row)] == []


def test_portal_is_only_read() -> None:
    """The client sends GET, and POST for one search, whose address must not stand in a URL."""
    text = (ROOT / "portal" / "http.py").read_text()
    sent = re.findall(r'_read\("(\w+)", (\S+?)[,)]', text)
    assert {method for method, _ in sent} == {"GET", "POST"}
    assert [path for method, path in sent if method == "POST"] == ['"/v1/contacts/search"']


def test_every_row_of_the_standard_has_a_state() -> None:
    """A kept section names a test; an open or partly kept one says what is open, or what the owner fills in."""
    section = (ROOT / "docs" / "threat-model.md").read_text().partition("## OWASP")[2]
    rows = [
        line.strip("|").split("|")
        for line in section.splitlines()
        if line.startswith("| V") or re.match(r"\| \d", line)
    ]
    assert len(rows) > 30
    for name, state, reason in rows:
        assert state.strip() in ("kept", "kept in part", "not applicable", "open"), name
        assert reason.strip(), name
        if state.strip() == "kept":
            assert _NAMED.search(reason), name
        if state.strip() == "kept in part":
            assert "Open:" in reason or "TODO-OWNER" in reason or _NAMED.search(reason), name
