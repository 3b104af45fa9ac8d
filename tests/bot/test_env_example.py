"""``.env.example`` lists every setting with its explanation."""

import re
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from bot.settings import PREFIX, Settings, load_settings
from tests.bot.test_settings import REQUIRED, Environment, environment

__all__ = ["environment"]

EXAMPLE = Path(__file__).parents[2] / ".env.example"
LINES = EXAMPLE.read_text(encoding="utf-8").splitlines()
FIELDS = {PREFIX + name.upper(): field for name, field in Settings.model_fields.items()}


def assigned() -> dict[str, str]:
    return dict(line.split("=", 1) for line in LINES if line and not line.startswith("#"))


def words_of(name: str) -> str:
    """Return the comment above a setting or above its group."""
    at = next(number for number, line in enumerate(LINES) if line.startswith(f"{name}="))
    while at and LINES[at - 1].startswith(PREFIX):
        at -= 1
    words = []
    while at and LINES[at - 1].startswith("#"):
        at -= 1
        words.insert(0, LINES[at].removeprefix("#").strip())
    return " ".join(words)


def test_env_example_lists_every_setting_once() -> None:
    names = [line.split("=", 1)[0] for line in LINES if line and not line.startswith("#")]
    assert sorted(names) == sorted(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_env_example_says_whether_each_setting_is_required(name: str) -> None:
    words = words_of(name)
    assert len(words) > 10
    assert words.startswith("Required.") is FIELDS[name].is_required()


@pytest.mark.parametrize("name", FIELDS)
def test_env_example_shows_defaults_and_no_secret(name: str) -> None:
    default, shown = FIELDS[name].default, assigned()[name]
    if isinstance(default, bool):
        assert shown == str(default).lower()
    elif isinstance(default, float):
        assert float(shown) == default
    elif isinstance(default, bool):
        assert shown == str(default).lower()
    else:
        assert shown == ("" if default is PydanticUndefined else str(default))


def test_completed_env_example_loads_with_the_defaults(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = environment.load()
    for name in REQUIRED:
        monkeypatch.delenv(PREFIX + name)
    filled = [
        re.sub(r"=.*", lambda _: f'="{value}"', line)
        if (value := REQUIRED.get(line.split("=")[0].removeprefix(PREFIX)))
        else line
        for line in LINES
    ]
    (environment.folder / ".env").write_text("\n".join(filled), encoding="utf-8")
    assert load_settings() == expected


def test_unedited_env_example_names_every_missing_setting(environment: Environment) -> None:
    (environment.folder / ".env").write_text("\n".join(LINES), encoding="utf-8")
    lines = environment.all_refused(**dict.fromkeys(REQUIRED))
    assert [line.partition(":")[0] for line in lines] == [PREFIX + name for name in REQUIRED]
