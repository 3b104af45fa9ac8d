"""``--env-file``: the settings of the systemd unit for a command beside it, read as systemd reads them."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given, strategies as st

from bot.environment.env_files import parse_env_file
from bot.settings import PREFIX
from tests.bot.test_cli import Shell


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\nB=2", {"A": "1", "B": "2"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=Odobot <bot@example.com>\n", {"A": "Odobot <bot@example.com>"}),
        ("A=Officer, vie@exemple.ca | (x)", {"A": "Officer, vie@exemple.ca | (x)"}),
        ("# A=1\n; B=2\n  # C=3\n\nD=4", {"D": "4"}),
        ("A=1 # no comment\nB=a;b", {"A": "1 # no comment", "B": "a;b"}),
        ("A=\nB= \n", {"A": "", "B": ""}),
        ("A=  spaces   inside  \n", {"A": "spaces   inside"}),
        ("  A = 1 \n", {"A": "1"}),
        ('A="two words"\nB=\'it "is"\'\nC="it\'s"', {"A": "two words", "B": 'it "is"', "C": "it's"}),
        ('A="a\\"b\\\\c\\d\\$e"', {"A": 'a"b\\c\\d$e'}),
        ("A='a\\'", {"A": "a\\"}),
        ('A="first\nsecond"\nB=1', {"A": "first\nsecond", "B": "1"}),
        ("A=one \\\ntwo\nB=1", {"A": "one two", "B": "1"}),
        ("A=a\\b\\\\c", {"A": "ab\\c"}),
        ('A=it\'s "so"', {"A": 'it\'s "so"'}),
        ('A="a" "b"', {"A": "ab"}),
        ("A=$B ${C} %d", {"A": "$B ${C} %d"}),
        ("A=x=y=z", {"A": "x=y=z"}),
        ("no variable\nexport A=1\n1A=2\nA-B=3\nC=4", {"C": "4"}),
        ("A=1\nA=2", {"A": "2"}),
        ('A="open', {"A": "open"}),
        ("A=end\\", {"A": "end"}),
        ("", {}),
    ],
)  # fmt: skip
def test_file_is_read_as_systemd_reads_it(text: str, expected: dict[str, str]) -> None:
    """The rules of systemd.exec(5), ``EnvironmentFile=``."""
    assert parse_env_file(text) == expected


@given(st.text(alphabet="AB=\"'\\ #;\n\r\t$x"))
@example("\\")
@example('A="\\')
@example("A='")
def test_any_text_is_read_to_its_end(text: str) -> None:
    assert all(name in ("A", "B", "AB") or set(name) <= set("ABx") for name in parse_env_file(text))


def unit(operator: Shell, name: str = "odobot.env", **values: str) -> Path:
    """Write the settings of the operator's shell as the unit's file, without quotes, and empty the environment."""
    path = operator.folder / name
    path.write_text("".join(f"{PREFIX}{key.upper()}={value}\n" for key, value in values.items()), encoding="utf-8")
    path.chmod(0o640)
    return path


async def test_commands_use_the_units_settings(operator: Shell) -> None:
    """Also where the working folder has a ``.env``, which is not read then."""
    settings = operator.settings | {"mail_from": "Odobot <bot@odotrack.test>", "privacy_contact": "Officer, a@b.test"}
    path = unit(operator, **settings)
    (operator.folder / ".env").write_text("ODOBOT_LOG_LEVEL=LOUD\nODOBOT_MISSPELT=1\n")
    operator.settings = {}
    result = await operator.run("--env-file", str(path), "stats", "--json")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out)["chats"]["linked"] == 0
    assert (await operator.run("stats")).code == 1


async def test_later_file_and_environment_override(operator: Shell) -> None:
    common = unit(operator, **(operator.settings | {"log_level": "INFO", "database_url": "sqlite+aiosqlite:///no.db"}))
    own = unit(operator, "web-1.env", database_url=operator.settings["database_url"], log_level="LOUD")
    operator.settings = {}
    files = ("--env-file", str(common), "--env-file", str(own))
    result = await operator.run(*files, "stats")
    assert (result.code, result.line[:18]) == (1, "ODOBOT_LOG_LEVEL: ")
    assert (await operator.run(*files, "stats", log_level="INFO")).code == 0


async def test_secret_files_of_the_unit_are_read(operator: Shell) -> None:
    key = operator.folder / "keys"
    key.write_text(operator.settings.pop("secret_keys"))
    path = unit(operator, **operator.settings, secret_keys_file=str(key))
    operator.settings = {}
    assert (await operator.run("--env-file", str(path), "stats")).code == 0


async def test_misspelt_setting_of_the_file_is_named(operator: Shell) -> None:
    path = unit(operator, **operator.settings, suport="aide@acme.test")
    operator.settings = {}
    result = await operator.run("--env-file", str(path), "stats")
    assert (result.code, result.line) == (
        1,
        "ODOBOT_SUPORT: no setting has this name, did you mean ODOBOT_SUPPORT?",
    )


async def test_missing_settings_do_not_blame_the_env_file(operator: Shell) -> None:
    path = unit(operator, company="Acme")
    operator.settings = {}
    result = await operator.run("--env-file", str(path), "stats")
    assert result.code == 1
    assert "ODOBOT_TELEGRAM_TOKEN: is required but not set, see .env.example" in result.err.splitlines()
    assert "There is no .env" not in result.err


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "No such file or directory"), (b"A=\xff", "it is not UTF-8"), ("", "Is a directory")]
)
async def test_unreadable_file_is_one_line(operator: Shell, content: bytes | str | None, reason: str) -> None:
    path = operator.folder / "settings.env"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.mkdir()
    for command in (("stats",), ("run",), ("portal-check", "https://portal.test", "--email", "a@b.test")):
        result = await operator.run("--env-file", str(path), *command)
        assert (result.code, result.out) == (1, "")
        assert result.line == f"--env-file: {path} cannot be read: {reason}"


async def test_portal_check_takes_the_token_of_the_file(operator: Shell) -> None:
    """The token is found; the portal at the address is not there."""
    path = unit(operator, **operator.settings)
    operator.settings = {}
    check = ("portal-check", "http://127.0.0.1:9", "--email", "a@b.test", "--examples", "0")
    assert "ODOBOT_PORTAL_TOKEN: is required" in (await operator.run(*check)).err
    result = await operator.run("--env-file", str(path), *check, "--json")
    assert result.code == 1
    assert json.loads(result.out)["is_kept"] is False


async def test_check_warns_of_a_file_for_everybody(operator: Shell) -> None:
    """The group may read the unit's file, as root:odobot 0640 has it; others may not."""
    path = unit(operator, **operator.settings)
    operator.settings = {}
    assert "files: " not in (await operator.run("--env-file", str(path), "check")).out
    path.chmod(0o644)
    shown = (await operator.run("--env-file", str(path), "check")).out
    assert f"warn  files: other users of this machine can read {path}, run: chmod o= {path}" in shown
