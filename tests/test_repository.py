"""The files around the code agree with it: documents, lock files, hooks, what a container sees."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
DOCUMENTS = ("CONTRIBUTING.md", "SECURITY.md", "README.md")
OTHERS = {".env", ".venv", "America/Toronto", "odobot.db"}
"""What a user or a command makes, and what only looks like a path."""
_FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"`([^`\n]+)`")
_LINKED = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
_PATH = re.compile(r"\.?[\w@-][\w@.-]*(/[\w@.-]+)*/?")
_FILE = re.compile(r"\.(cfg|conf|db|lock|md|py|service|toml|txt|ya?ml)$|^\.[a-z]")
_PINNED = re.compile(r"^(?P<name>[\w.-]+)(?:\[[\w,]+\])?==(?P<version>[^\s;]+)")


def paths_in(document: str) -> set[str]:
    """The files and folders that a document names, in links and between backticks outside of code blocks."""
    text = _FENCED.sub("", (ROOT / document).read_text())
    linked = {target for target in _LINKED.findall(text) if "://" not in target}
    words = {word for quoted in _QUOTED.findall(text) for word in quoted.split() if _PATH.fullmatch(word)}
    return (linked | {word for word in words if "/" in word or _FILE.search(word)}) - OTHERS


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_it_names_exists(document: str) -> None:
    """A bare file name, `reply.py`, stands for a file of the folder named before it."""
    named = paths_in(document)
    assert named
    gone = {path for path in named if not (ROOT / path).exists()}
    assert {path for path in gone if "/" in path or not any(ROOT.glob(f"[a-z]*/**/{path}"))} == set()


def locked(name: str) -> dict[str, tuple[str, int]]:
    """The version and the number of hashes of each package in a lock file."""
    found = {}
    for block in re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text()):
        if pinned := _PINNED.match(block):
            found[_normal(pinned["name"])] = (pinned["version"], len(re.findall(r"--hash=sha256:[0-9a-f]{64}", block)))
    return found


def pins(requirements: list[str]) -> dict[str, str]:
    """The version that each requirement pins; the project's own extras are left out."""
    others = [requirement for requirement in requirements if not requirement.startswith("odobot[")]
    found = [_PINNED.match(requirement) for requirement in others]
    assert all(found), others
    return {_normal(pinned["name"]): pinned["version"] for pinned in found if pinned}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


PRODUCT = pins(PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"])
EVERYTHING = PRODUCT | pins([requirement for extra in EXTRAS.values() for requirement in extra])


@pytest.mark.parametrize(("name", "pinned"), [("requirements.lock", PRODUCT), ("requirements-dev.lock", EVERYTHING)])
def test_a_lock_file_agrees_with_pyproject(name: str, pinned: dict[str, str]) -> None:
    """If not: make lock."""
    versions = {package: version for package, (version, _) in locked(name).items()}
    assert {package: versions.get(package) for package in pinned} == pinned
    assert [package for package, (_, hashes) in locked(name).items() if not hashes] == []


def test_development_runs_on_the_products_versions() -> None:
    product, development = locked("requirements.lock"), locked("requirements-dev.lock")
    assert {package: development.get(package) for package in product} == product


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_file_takes_wheels_only_and_names_no_registry(name: str) -> None:
    options = [line for line in (ROOT / name).read_text().splitlines() if line.startswith("-")]
    assert options == ["--only-binary :all:"]
    assert "://" not in (ROOT / name).read_text()


def test_hooks_run_the_checks_of_make_static() -> None:
    recipe = re.search(r"^static:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    checks = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe[1].splitlines()]
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert [hook["entry"] for hook in hooks] == checks


def test_a_container_sees_the_product_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    rooms = {room.removesuffix("*") for room in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert lines[0] == "*"
    seen = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert seen == rooms | {"LICENSE", "README.md", "pyproject.toml", "requirements.lock"}


def test_the_newest_entry_of_the_changelog_is_this_version() -> None:
    headings = re.findall(
        r"^## \[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert headings[0] == ("Unreleased", "")
    assert headings[1][0] == PROJECT["project"]["version"]
    assert headings[1][1]
