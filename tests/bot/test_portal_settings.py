"""The settings that only the adapter of the portal has: read like the others, from the environment and files."""

from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError, load_settings
from tests.bot.test_settings import KEY, PREFIX, REQUIRED
from tests.portal.adapters.packages import install

PASSWORD = "acme-password-very-secret"
ADAPTER = """
from portal.adapters.adapter import Adapter, AdapterSetting

def region(value):
    if value not in ("east", "west"):
        raise ValueError("expected east or west")

ADAPTER = Adapter(
    expected="acme+https://host",
    check_url=str.lower,
    open=lambda connection: connection,
    settings=(
        AdapterSetting("ODOBOT_PORTAL_REGION", "the region of the server", check=region, is_required=True),
        AdapterSetting("ODOBOT_PORTAL_PASSWORD", "the password of the server", is_secret=True),
    ),
)
"""


@pytest.fixture(autouse=True)
def _acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the package, and set what every bot needs."""
    install(tmp_path, "acme_adapter", module=ADAPTER)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name, value in (REQUIRED | {"PORTAL_URL": "acme+https://portal.test"}).items():
        monkeypatch.setenv(PREFIX + name, value)
    monkeypatch.delenv(f"{PREFIX}PORTAL_TOKEN")


def refused() -> list[str]:
    """Return the lines that refuse the settings."""
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert PASSWORD not in str(raised.value)
    return [line for line in str(raised.value).splitlines() if not line.startswith("There is no .env")]


def settings_given(settings: Settings) -> dict[str, str]:
    """Return the settings that the adapter gets."""
    return dict(settings.connection().settings)


def test_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODOBOT_PORTAL_REGION", "east")
    monkeypatch.setenv("ODOBOT_PORTAL_PASSWORD", PASSWORD)
    settings = load_settings()
    assert settings_given(settings) == {"ODOBOT_PORTAL_REGION": "east", "ODOBOT_PORTAL_PASSWORD": PASSWORD}
    assert PASSWORD in settings.secrets
    assert PASSWORD not in repr(settings)
    assert settings.connection().token == ""


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotes_kept_by_env_file_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quote: str) -> None:
    """Of a setting, of a secret, and of the path of a secret's file."""
    (tmp_path / "password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    monkeypatch.setenv("ODOBOT_PORTAL_REGION", f"{quote}east{quote}")
    monkeypatch.setenv("ODOBOT_PORTAL_PASSWORD_FILE", f"{quote}{tmp_path / 'password'}{quote}")
    expected = {"ODOBOT_PORTAL_REGION": "east", "ODOBOT_PORTAL_PASSWORD": PASSWORD}
    assert settings_given(load_settings()) == expected
    monkeypatch.delenv("ODOBOT_PORTAL_PASSWORD_FILE")
    monkeypatch.setenv("ODOBOT_PORTAL_PASSWORD", f"{quote}{PASSWORD}{quote}")
    assert settings_given(load_settings()) == expected


def test_read_from_files_which_the_environment_overrides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    (tmp_path / ".env").write_text(
        f"ODOBOT_PORTAL_REGION=east\nODOBOT_PORTAL_PASSWORD_FILE={tmp_path / 'password'}\n", encoding="utf-8"
    )
    monkeypatch.setenv("ODOBOT_PORTAL_REGION", "west")
    assert settings_given(load_settings()) == {"ODOBOT_PORTAL_REGION": "west", "ODOBOT_PORTAL_PASSWORD": PASSWORD}
    named = tmp_path / "odobot.env"
    named.write_text("ODOBOT_PORTAL_REGION=east\n", encoding="utf-8")
    monkeypatch.delenv("ODOBOT_PORTAL_REGION")
    assert settings_given(load_settings([named])) == {"ODOBOT_PORTAL_REGION": "east"}


def test_missing_wrong_and_misspelt_ones_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused() == ["ODOBOT_PORTAL_REGION: is required but not set: the region of the server"]
    monkeypatch.setenv("ODOBOT_PORTAL_REGION", "north")
    assert refused() == ["ODOBOT_PORTAL_REGION: expected east or west"]
    monkeypatch.setenv("ODOBOT_PORTAL_REGION", "east")
    monkeypatch.setenv("ODOBOT_PORTAL_PASWORD", PASSWORD)
    assert refused() == ["ODOBOT_PORTAL_PASWORD: no setting has this name, did you mean ODOBOT_PORTAL_PASSWORD?"]


def test_another_portal_does_not_have_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODOBOT_PORTAL_URL", "https://portal.test")
    monkeypatch.setenv("ODOBOT_PORTAL_TOKEN", "token")
    monkeypatch.setenv("ODOBOT_PORTAL_REGION", "east")
    (line,) = refused()
    assert line.startswith("ODOBOT_PORTAL_REGION: no setting has this name")


def test_url_with_a_password_is_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL may come from a file, and its password is neither shown nor logged."""
    monkeypatch.setenv("ODOBOT_PORTAL_REGION", "east")
    monkeypatch.delenv("ODOBOT_PORTAL_URL")
    (tmp_path / "url").write_text(f"acme+https://me:{PASSWORD}@portal.test", encoding="utf-8")
    monkeypatch.setenv("ODOBOT_PORTAL_URL_FILE", str(tmp_path / "url"))
    settings = load_settings()
    assert settings.connection().url == f"acme+https://me:{PASSWORD}@portal.test"
    assert PASSWORD in settings.secrets
    assert PASSWORD not in repr(settings)
    assert KEY not in repr(settings)


def test_misspelt_scheme_is_the_only_complaint(monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows from it, such as settings of the adapter that was meant, is not reported."""
    monkeypatch.setenv("ODOBOT_PORTAL_URL", "acne+https://portal.test")
    monkeypatch.setenv("ODOBOT_PORTAL_TOKEN", "token")
    monkeypatch.setenv("ODOBOT_PORTAL_REGION", "east")
    monkeypatch.setenv("ODOBOT_TELEGRAM_API_URL", "http://127.0.0.1:1")
    monkeypatch.delenv("ODOBOT_PRIVACY_CONTACT")
    lines = refused()
    assert len(lines) == 1, lines
    [line] = lines
    assert line.startswith("ODOBOT_PORTAL_URL: expected https://host")
    assert "acme+https" in line
