"""Documents, lock files, hooks and the container's files agree with the code."""

import ast
import re
import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from babel.messages.pofile import read_po

from bot.cli import cli
from bot.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
DECISIONS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "decisions").iterdir())
DOCUMENTS = (
    "CONTRIBUTING.md",
    "SECURITY.md",
    "README.md",
    "docs/architecture.md",
    "docs/glossary.md",
    "docs/operating.md",
    "docs/portal.md",
    "docs/portal-adapter.md",
    "docs/portal-http.md",
    "docs/portal-sql.md",
    "docs/portal-systems.md",
    "docs/portal-tryton.md",
    "docs/privacy.md",
    "docs/threat-model.md",
    *DECISIONS,
)
OTHERS = {
    ".env",
    ".mo",
    ".venv",
    ".venv/.ready",
    "America/Toronto",
    "odobot.db",
    "backup.db",
    "2026/001",
    "10/2026",
    "10/11/2026",
    "15/10/2026",
    "x/../250118",
}
"""What a user or a command makes, and what only looks like a path."""
PACKAGES = {name.removesuffix("*") for name in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
NOT_IN_CHAT = "–"
_FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"`([^`\n]+)`")
_LINKED = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
_PATH = re.compile(r"\.?[\w@-][\w@.-]*(/[\w@.-]+)*/?")
_FILE = re.compile(r"\.(cfg|conf|db|lock|md|py|service|toml|txt|ya?ml)$|^\.[a-z]")
_PINNED = re.compile(r"^(?P<name>[\w.-]+)(?:\[[\w,]+\])?==(?P<version>[^\s;]+)")


def paths_in(document: str) -> set[str]:
    """Return the files and folders that a document names, in links and between backticks outside of code blocks."""
    text = _FENCED.sub("", (ROOT / document).read_text())
    linked = {
        str((ROOT / document).parent.joinpath(target).resolve().relative_to(ROOT))
        for target in _LINKED.findall(text)
        if "://" not in target
    }
    words = {word for quoted in _QUOTED.findall(text) for word in quoted.split() if _PATH.fullmatch(word)}
    return (linked | {word for word in words if "/" in word or _FILE.search(word)}) - OTHERS


@pytest.mark.parametrize("document", DOCUMENTS)
def test_paths_in_documents_exist(document: str) -> None:
    """A bare file name, `reply.py`, stands for a file of the folder named before it."""
    named = paths_in(document)
    assert named
    gone = {path for path in named if not (ROOT / path).exists()}
    assert {path for path in gone if "/" in path or not any(ROOT.glob(f"[a-z]*/**/{path}"))} == set()


@cache
def names_defined_in(path: str) -> set[str]:
    """The functions, methods, classes and module variables of a Python file."""
    tree = ast.parse((ROOT / path).read_text())
    defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    variables = [node.target for node in tree.body if isinstance(node, ast.AnnAssign)]
    variables += [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    return {node.name for node in ast.walk(tree) if isinstance(node, defined)} | {
        target.id for target in variables if isinstance(target, ast.Name)
    }


def test_architecture_names_functions_of_their_files() -> None:
    """Each `file.py` `name` of docs/architecture.md, also over a line's end."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = re.findall(r"`([\w/]+\.py)`\s+`(\w+)`", text)
    assert {path for path, _ in named if not (ROOT / path).exists()} == set()
    assert [(path, name) for path, name in named if name not in names_defined_in(path)] == []


def test_each_step_of_a_walk_names_a_function() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    steps = re.findall(r"^(\d+)\. (.*)$", text, re.MULTILINE)
    assert [number for number, _ in steps].count("1") == 2, "a tap and a notice"
    assert [step for _, step in steps if not re.match(r"`[\w/]+\.py` `\w+`: \w", step)] == []


def test_picture_names_every_package_and_folder() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    picture = re.search(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert picture
    folders = [path for package in PACKAGES for path in (ROOT / package).iterdir() if path.is_dir()]
    names = [path.name for path in folders if path.name != "__pycache__"]
    assert sorted(re.findall(r"(\w+)/", picture[1])) == sorted([*PACKAGES, *names])


def glossary() -> list[list[str]]:
    """The cells of each row of docs/glossary.md, without the heading."""
    lines = (ROOT / "docs" / "glossary.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return rows[2:]


def test_glossary_rows_are_whole_and_in_order() -> None:
    """A term is in the chat in both languages, or in none."""
    rows = glossary()
    assert [row for row in rows if len(row) != 5 or not all(row)] == []
    assert [row[0] for row in rows if (row[2] == NOT_IN_CHAT) != (row[3] == NOT_IN_CHAT)] == []
    terms = [row[0].casefold() for row in rows]
    assert [pair for pair in pairwise(terms) if pair[0] >= pair[1]] == []


def test_glossary_files_exist() -> None:
    files = {term: file.strip("`") for term, _, _, _, file in glossary()}
    assert {term: file for term, file in files.items() if not (ROOT / file).is_file()} == {}


@pytest.mark.parametrize(("locale", "column"), [("fr_CA", 2), ("en_CA", 3)])
def test_glossary_words_are_in_the_catalogue(locale: str, column: int) -> None:
    with (ROOT / "texts" / locale / "odobot.po").open("rb") as file:
        said = "\n".join(str(message.string) for message in read_po(file)).casefold()
    words = {row[column] for row in glossary()} - {NOT_IN_CHAT}
    assert {word for word in words if word.casefold() not in said} == set()


@pytest.mark.parametrize("record", DECISIONS)
def test_decision_has_its_sections(record: str) -> None:
    title, *lines = (ROOT / record).read_text().splitlines()
    assert re.match(rf"# {int(Path(record).name[:4])}\. \w", title)
    assert [line for line in lines if line.startswith("#")] == ["## Context", "## Decision", "## Consequences"]


def test_readme_lists_every_setting() -> None:
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith(f"| `{PREFIX}")]
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(listed) == sorted(PREFIX + name.upper() for name in Settings.model_fields)


def test_commands_in_documents_exist() -> None:
    """Make targets and commands of ``odobot``."""
    texts = [(ROOT / document).read_text() for document in DOCUMENTS]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for text in texts for name in re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE)}
    assert named
    assert named - targets == set()
    commands = {
        (command.name or command.callback.__name__).replace("_", "-")
        for command in cli.registered_commands
        if command.callback
    } | {group.name for group in cli.registered_groups}
    asked = {name for text in texts for name in re.findall(r"(?:`|/|^ *)odobot ([a-z-]+)", text, re.MULTILINE)}
    assert asked
    assert asked - commands == {"--version", "--env-file", "--install-completion"}


def test_names_of_tests_are_short() -> None:
    """They have at most 60 characters; a docstring says what a short name cannot."""
    texts = [path.read_text() for path in (ROOT / "tests").rglob("*.py")]
    names = [name for text in texts for name in re.findall(r"^ *(?:async )?def (test_\w+)", text, re.MULTILINE)]
    assert names
    assert [name for name in names if len(name) > 60] == []


def locked(name: str) -> dict[str, tuple[str, int]]:
    """Return the version and the number of hashes of each package in a lock file."""
    found = {}
    for block in re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text()):
        if pinned := _PINNED.match(block):
            found[_normal(pinned["name"])] = (pinned["version"], len(re.findall(r"--hash=sha256:[0-9a-f]{64}", block)))
    return found


def pins(requirements: list[str]) -> dict[str, str]:
    """Return the version that each requirement pins, without the project's own extras."""
    others = [requirement for requirement in requirements if not requirement.startswith("odobot[")]
    found = [_PINNED.match(requirement) for requirement in others]
    assert all(found), others
    return {_normal(pinned["name"]): pinned["version"] for pinned in found if pinned}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


PRODUCT = pins(PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"])
EVERYTHING = PRODUCT | pins([requirement for extra in EXTRAS.values() for requirement in extra])


AUDIT = pins(PROJECT["dependency-groups"]["audit"])


@pytest.mark.parametrize(
    ("name", "pinned"),
    [("requirements.lock", PRODUCT), ("requirements-dev.lock", EVERYTHING), ("requirements-audit.lock", AUDIT)],
)
def test_lock_file_agrees_with_pyproject(name: str, pinned: dict[str, str]) -> None:
    """``make lock`` updates the lock files."""
    versions = {package: version for package, (version, _) in locked(name).items()}
    assert {package: versions.get(package) for package in pinned} == pinned
    assert [package for package, (_, hashes) in locked(name).items() if not hashes] == []


def test_development_uses_the_products_versions() -> None:
    product, development = locked("requirements.lock"), locked("requirements-dev.lock")
    assert {package: development.get(package) for package in product} == product


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock", "requirements-audit.lock"])
def test_lock_file_allows_only_wheels_and_names_no_registry(name: str) -> None:
    options = [line for line in (ROOT / name).read_text().splitlines() if line.startswith("-")]
    assert options == ["--only-binary :all:"]
    assert "://" not in (ROOT / name).read_text()


def test_hooks_run_the_checks_of_make_static() -> None:
    recipe = re.search(r"^static:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    checks = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe[1].splitlines()]
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert [hook["entry"] for hook in hooks] == checks


def test_container_context_has_only_the_product() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    included = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert included == PACKAGES | {"LICENSE", "README.md", "pyproject.toml", "requirements.lock"}


def test_changelog_has_the_current_version() -> None:
    headings = re.findall(
        r"^## \[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert headings[0] == ("Unreleased", "")
    assert headings[1][0] == PROJECT["project"]["version"]
    assert headings[1][1]
