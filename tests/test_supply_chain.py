"""What is installed and shipped: bill of materials, audit, wheel, container and credentials."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from bot.settings import _SECRETS, PREFIX, load_settings

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()
AUDIT, SBOM = (runpy.run_path(str(ROOT / ".ci" / name)) for name in ("audit.py", "sbom.py"))
IS_SECRET = {f"{PREFIX}{field.upper()}_FILE" for field in _SECRETS}
STARTED = ("PATH", "HOME", "PYTHONPATH")


def test_bill_has_every_package_of_the_lock() -> None:
    bill: dict[str, Any] = SBOM["bill"](LOCK, "odobot", "1.2.3")
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    listed = {(each["name"], each["version"]): each for each in bill["components"]}
    assert set(listed) == set(re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, re.MULTILINE))
    hashes = [one["content"] for each in listed.values() for one in each["externalReferences"][0]["hashes"]]
    assert hashes == re.findall(r"--hash=sha256:([0-9a-f]{64})", LOCK)
    assert all(each["purl"] == f"pkg:pypi/{name}@{version}" for (name, version), each in listed.items())


def test_bill_knows_who_needs_whom() -> None:
    bill: dict[str, Any] = SBOM["bill"](LOCK, "odobot", "1.2.3")
    needs = {each["ref"]: each["dependsOn"] for each in bill["dependencies"]}
    direct = {ref.removeprefix("pkg:pypi/").partition("@")[0] for ref in needs["pkg:pypi/odobot@1.2.3"]}
    pinned = PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]
    assert direct == {re.split(r"[\[=]", each)[0] for each in pinned}
    assert set(needs) == {"pkg:pypi/odobot@1.2.3", *(each["purl"] for each in bill["components"])}
    reached = {ref for refs in needs.values() for ref in refs}
    assert reached == set(needs) - {"pkg:pypi/odobot@1.2.3"}


FOUND = {"name": "idna", "version": "3.20", "vulns": []}
BAD = {"name": "idna", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.0"]}]}
SKIPPED = {"name": "orjson", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ({"dependencies": [FOUND]}, 0, "no advisories for 1 packages"),
        ({"dependencies": [FOUND, BAD, SKIPPED]}, 1, "idna 1.0: PYSEC-1, fixed in 2.0"),
        ({"dependencies": [FOUND, SKIPPED]}, 3, "1 of 2 packages were not checked"),
        ({"dependencies": []}, 3, "0 of 0 packages were not checked"),
        (None, 3, "nothing was checked"),
    ],
)
def test_audit_passes_only_what_was_looked_up(
    tmp_path: Path, answer: dict[str, Any] | None, code: int, said: str
) -> None:
    """pip-audit itself ends with 0 where a registry knows none of the packages."""
    program = tmp_path / "program.py"
    text = f"print({json.dumps(answer)!r})" if answer else "import sys; sys.exit('ConnectionError: no route')"
    program.write_text(text)
    found, lines = AUDIT["audit"]([sys.executable, str(program)])
    assert found == code
    assert said in lines
    assert len(lines.splitlines()) == (2 if code == 1 else 1)


def test_audit_without_pip_audit_checks_nothing(tmp_path: Path) -> None:
    assert AUDIT["audit"]([str(tmp_path / "pip-audit")])[0] == 3


def built(source: Path, epoch: str | None, *, umask: int = 0o022) -> bytes:
    """Build the wheel of a folder. Returns: its bytes."""
    for name in ("out", "build", "odobot.egg-info"):
        shutil.rmtree(source / name, ignore_errors=True)
    chosen = {"SOURCE_DATE_EPOCH": epoch} if epoch else {}
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "-w",
        "out",
    ]
    inherited = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    done = subprocess.run(
        [*command, "."], cwd=source, env=inherited | chosen, umask=umask, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = (source / "out").glob("*.whl")
    return wheel.read_bytes()


@pytest.mark.timeout(240)
def test_wheel_is_the_same_twice(tmp_path: Path) -> None:
    """In other folders, from files of other times; without the given time, or with another umask, it differs."""
    wanted = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    folders = [tmp_path / name for name in ("one", "elsewhere")]
    for number, folder in enumerate(folders):
        folder.mkdir()
        for name in wanted:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, folder / name)
        for path in folder.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)  # as ``make wheel`` unpacks the commit
            os.utime(path, (1_700_000_000 + number * 86_400,) * 2)
    first, second = (built(each, "1790000000") for each in folders)
    assert first == second
    assert built(folders[0], None) != second
    assert built(folders[0], "1790000000", umask=0o077) != second
    (recipe,) = re.findall(r"^wheel:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert re.search(
        r"umask 022 && .* SOURCE_DATE_EPOCH=\S+ .*pip wheel", recipe.replace("\\\n", " ").replace("\t", " ")
    )


def stages() -> list[list[tuple[str, str]]]:
    """Return the instructions of each stage of deploy/Containerfile."""
    lines = re.sub(r"\\\n", " ", (ROOT / "deploy" / "Containerfile").read_text()).splitlines()
    found: list[list[tuple[str, str]]] = []
    for line in lines:
        if line and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            if name == "FROM":
                found.append([])
            found[-1].append((name, rest.strip()))
    return found


def test_container_runs_without_rights() -> None:
    """As a numbered user, who owns the volume alone; what it runs was installed by hash, and nothing is fetched."""
    build, final = stages()
    names = [name for name, _ in final]
    assert "ADD" not in names + [name for name, _ in build]
    assert [rest for name, rest in final if name == "COPY"] == ["--from=build /opt/odobot /opt/odobot"]
    (user,) = [rest for name, rest in final if name == "USER"]
    assert int(user) >= 1000
    assert "RUN" not in names[names.index("USER") :]
    assert not any("pip" in rest for name, rest in final if name == "RUN")
    installs = [rest for name, rest in build if name == "RUN" for rest in rest.split("&&") if "pip install" in rest]
    assert len(installs) == 2
    assert "--require-hashes -r requirements.lock" in installs[0]
    assert all(option in installs[1] for option in ("--no-deps", "--no-index", "--no-build-isolation"))
    assert [rest.split()[0] for stage in (build, final) for name, rest in stage if name == "FROM"] == [
        "docker.io/library/python:3.11-slim"
    ] * 2


def test_container_writes_to_its_volume_only() -> None:
    """The root may be read-only: the database, temporary files and the home are in the volume."""
    _, final = stages()
    (volume,) = [rest for name, rest in final if name == "VOLUME"]
    (variables,) = [dict(each.split("=", 1) for each in rest.split()) for name, rest in final if name == "ENV"]
    assert [rest for name, rest in final if name == "WORKDIR"] == [volume]
    assert variables["TMPDIR"] == volume
    assert variables["PYTHONDONTWRITEBYTECODE"] == "1"
    assert any(f"--home-dir {volume}" in rest for name, rest in final if name == "RUN")


@pytest.mark.parametrize("path", [".env", "bot/.env", ".git/config", ".venv/bin/pip", "odobot.db", "bot/odobot.db-wal"])
def test_container_context_leaves_out(path: str) -> None:
    """The last pattern of .dockerignore that fits a path decides."""
    is_out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and any(fits(each, pattern) for each in (Path(path), *Path(path).parents)):
            is_out = not line.startswith("!")
    assert is_out


def fits(path: Path, pattern: str) -> bool:
    return (
        path.match(pattern.removeprefix("**/"))
        if pattern.startswith("**/")
        else str(path.parent) == "." and (path.name != "" and path.match(pattern))
    )


def test_credentials_are_settings_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line of deploy/credentials.conf names a secret, and the program reads it from systemd's folder."""
    text = (ROOT / "deploy" / "credentials.conf").read_text()
    loaded = dict(re.findall(r"^LoadCredential=([\w-]+):(/etc/odobot/credentials/[\w-]+)$", text, re.MULTILINE))
    named = dict(re.findall(r"^Environment=(\w+)=%d/([\w-]+)$", text, re.MULTILINE))
    assert set(named.values()) == set(loaded)
    assert set(named) <= IS_SECRET

    secrets = {
        "secret-keys": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "telegram-token": "123456789:" + "A" * 35,
        "portal-token": "portal-token", "portal-webhook-secret": "whsec_" + "A" * 32,
        "smtp-url": "smtp://mail.odotrack.test", "database-url": "postgresql+asyncpg://odobot@db.test/odobot",
    }  # fmt: skip
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    for variable, credential in named.items():
        (tmp_path / credential).write_text(secrets[credential] + "\n")
        monkeypatch.setenv(variable, str(tmp_path / credential))
    others = {
        "COMPANY": "Odotrack", "PORTAL_URL": "https://portal.odotrack.test", "MAIL_FROM": "odobot@odotrack.test",
        "PRIVACY_CONTACT": "vieprivee@odotrack.test",
    }  # fmt: skip
    for name, value in others.items():
        monkeypatch.setenv(PREFIX + name, value)
    settings = load_settings()
    assert settings.keys == [secrets["secret-keys"]]
    assert settings.telegram_token.get_secret_value() == secrets["telegram-token"]
