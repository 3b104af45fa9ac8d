"""The settings: each checked, a wrong one told by one line that names it and repeats nothing."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.logs import Redactor
from bot.settings import PREFIX, Settings, SettingsError, load_settings
from texts.language import Language

# Fixed: a parameter that differs from one worker to the next cannot be collected by two.
KEY, OTHER_KEY = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
TOKEN = "123456789:AAhZ-secret-telegram-token"
PORTAL_TOKEN = "portal-token-very-secret"
PASSWORD = "hunter2-very-secret"
REQUIRED = {
    "TELEGRAM_TOKEN": TOKEN,
    "PORTAL_URL": "https://portal.odotrack.test",
    "PORTAL_TOKEN": PORTAL_TOKEN,
    "SMTP_URL": f"smtp://me:{PASSWORD}@mail.odotrack.test",
    "MAIL_FROM": "Odotrack <odobot@odotrack.test>",
    "SECRET_KEYS": KEY,
}


class Environment:
    """The process's environment, with nothing of ours in it but what a test puts there; and a folder of one's own."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._patch = patch

    def load(self, **values: str | None) -> Settings:
        for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
            self._patch.delenv(name)
        for name, value in (REQUIRED | values).items():
            if value is not None:
                self._patch.setenv(PREFIX + name, value)
        return load_settings()

    def refused(self, **values: str | None) -> str:
        """The line that a wrong setting is told by."""
        with pytest.raises(SettingsError) as raised:
            self.load(**values)
        assert raised.value.__cause__ is None
        line = str(raised.value)
        assert "\n" not in line
        assert [secret for secret in (TOKEN, PORTAL_TOKEN, PASSWORD, KEY) if secret in line] == []
        return line


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    monkeypatch.chdir(tmp_path)
    return Environment(tmp_path, monkeypatch)


def test_what_is_required_is_enough_and_the_defaults_are_those_of_the_design(environment: Environment) -> None:
    read = environment.load()
    assert read.telegram_api_url == "https://api.telegram.org"
    assert read.company == "Odotrack"
    assert read.support == ""
    assert read.zone.key == "America/Toronto"
    assert read.database_url == "sqlite+aiosqlite:///odobot.db"
    assert read.default_language is Language.FR
    assert (read.log_format, read.log_level) == ("auto", "INFO")
    assert read.keys == [KEY]


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, "", " "])
def test_a_required_setting_that_is_missing_is_named(environment: Environment, name: str, value: str | None) -> None:
    line = environment.refused(**{name: value})
    assert line.startswith(f"{PREFIX}{name}: ")
    assert value is not None or "required" in line


def test_with_nothing_set_the_first_one_is_named(environment: Environment) -> None:
    line = environment.refused(**dict.fromkeys(REQUIRED))
    assert line.startswith(f"{PREFIX}TELEGRAM_TOKEN: ")


URLS = [
    "portal.test",
    "ftp://portal.test",
    "http://portal.test",
    "http://10.0.0.1",
    "http://0.0.0.0:8080",
    "http://127.0.0.1.evil.test",
    "http://127.0.0.1@evil.test",
    "http://localhost.evil.test",
    "https://",
    "https:///path",
    "https://[",
    "https://[marked]/",
    "https://portal.test:99999",
    "https://portal.test:marked",
    "https://portal marked.test",
    "https://portal\n.test",
    "https://portal.test/?q=marked",
    "https://portal.test/#marked",
    "https://marked:marked@portal.test",
]
WRONG = {
    "TELEGRAM_TOKEN": [
        "marked", "123456789", "123456789:marked", "x:AAhZ-marked-secret-token", "1:AAhZ/marked/../token",
        "1:AAhZ marked token",
    ],
    "TELEGRAM_API_URL": URLS,
    "PORTAL_URL": URLS,
    "PORTAL_TOKEN": ["mar ked", "markéd", "marked\n", "mar\tked"],
    "TIMEZONE": ["Mars/Marked", "../../etc/marked", "America", "/etc/localtime", "marked\x01"],
    "DATABASE_URL": [
        "marked", "sqlite:///marked.db", "postgresql://marked@h/x", "mysql+aiomysql://marked@h/x", "odobot.db",
        f"postgresql+asyncpg://u:{PASSWORD}@h:marked/x",
    ],
    "SMTP_URL": ["marked", "http://marked.test", "smtp://", "smtp://mail.test?tls=off", f"smtp://me:{PASSWORD}@h.test:marked"],
    "MAIL_FROM": ["marked", "Marked <marked>", "a@b.test\nBcc: marked@b.test", "<>"],
    "SECRET_KEYS": ["marked", ",", f"{KEY},marked", KEY[:-4], f"{KEY} {OTHER_KEY}", KEY + OTHER_KEY, "é" * 44],
    "DEFAULT_LANGUAGE": ["marked", "FR_CA", "de"],
    "LOG_FORMAT": ["marked", "JSON5"],
    "LOG_LEVEL": ["marked", "TRACE", "10"],
    "COMPANY": ["", "  "],
}  # fmt: skip
CASES = [(name, value) for name, values in WRONG.items() for value in values]


@pytest.mark.parametrize(("name", "value"), CASES, ids=[f"{name}={value!r}" for name, value in CASES])
def test_a_wrong_setting_is_told_by_one_line_that_names_it_and_repeats_no_value(
    environment: Environment, name: str, value: str
) -> None:
    line = environment.refused(**{name: value})
    assert line.startswith(f"{PREFIX}{name}: ")
    assert "marked" not in line.lower()
    assert re.search("expect|should be|taken only", line), line


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("PORTAL_URL", ["https://portal.test:8443/api", "http://127.0.0.1:8000", "http://[::1]:1", "http://localhost"]),
        ("TELEGRAM_API_URL", ["http://127.9.9.9:8081", "https://bots.odotrack.test"]),
        ("DATABASE_URL", ["sqlite+aiosqlite:////var/lib/odobot.db", "postgresql+asyncpg://u:p@h:5432/odobot"]),
        ("SMTP_URL", ["smtps://mail.test", "smtp://127.0.0.1:1025?tls=off"]),
        ("MAIL_FROM", ["odobot@odotrack.test", "Odotrack <odobot@localhost>"]),
        ("SECRET_KEYS", [f"{KEY},{OTHER_KEY}", f" {KEY} , {OTHER_KEY} ", f"{KEY},"]),
        ("DEFAULT_LANGUAGE", ["fr", "en"]),
        ("LOG_LEVEL", ["debug", "Warning", "CRITICAL"]),
        ("LOG_FORMAT", ["auto", "console", "json"]),
        ("TIMEZONE", ["UTC", "America/Vancouver"]),
        ("SUPPORT", ["", "aide@odotrack.test", "+1 514 555-1234"]),
        ("COMPANY", ["Odo & fils"]),
    ],
)  # fmt: skip
def test_what_is_right_is_taken(environment: Environment, name: str, values: list[str]) -> None:
    for value in values:
        environment.load(**{name: value})


def test_a_slash_at_the_end_of_an_address_makes_no_difference(environment: Environment) -> None:
    read = environment.load(PORTAL_URL="https://portal.test/", TELEGRAM_API_URL="http://127.0.0.1:1/")
    assert (read.portal_url, read.telegram_api_url) == ("https://portal.test", "http://127.0.0.1:1")


def test_keys_are_taken_newest_first(environment: Environment) -> None:
    assert environment.load(SECRET_KEYS=f" {KEY} , {OTHER_KEY}, ").keys == [KEY, OTHER_KEY]


def test_the_environment_overrides_the_file_and_unknown_names_are_ignored(environment: Environment) -> None:
    (environment.folder / ".env").write_text("ODOBOT_COMPANY=File\nODOBOT_SUPPORT=aide\nODOBOT_NOTHING=1\nPATHS=x\n")
    read = environment.load(COMPANY="Environment")
    assert (read.company, read.support) == ("Environment", "aide")


SECRETS = {
    "TELEGRAM_TOKEN": TOKEN,
    "PORTAL_TOKEN": PORTAL_TOKEN,
    "SMTP_URL": f"smtps://me:{PASSWORD}%2F@mail.test",
    "SECRET_KEYS": f"{KEY},{OTHER_KEY}",
    "DATABASE_URL": "postgresql+asyncpg://odobot:data-base%2Fpass@db.test/odobot",
}


def test_no_secret_shows_and_the_logs_know_every_one(environment: Environment) -> None:
    read = environment.load(**SECRETS)
    shown = repr(read) + str(read) + f"{read!r:>1}" + repr([read]) + repr(read.secret_keys)
    hidden = [
        TOKEN,
        PORTAL_TOKEN,
        KEY,
        OTHER_KEY,
        f"{PASSWORD}/",
        f"{PASSWORD}%2F",
        "data-base/pass",
        "data-base%2Fpass",
    ]
    assert [secret for secret in hidden if secret in shown] == []
    for secret in (TOKEN, PORTAL_TOKEN, KEY, OTHER_KEY, f"{PASSWORD}/", "data-base/pass"):
        assert secret in read.secrets


def test_a_login_without_a_password_hides_nothing_by_accident(environment: Environment) -> None:
    read = environment.load(SMTP_URL="smtp://mail.test", DATABASE_URL="postgresql+asyncpg://odobot@db.test/odobot")
    assert Redactor(read.secrets).text("odobot.started at mail.test") == "odobot.started at mail.test"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(sorted(Settings.model_fields)),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
)
@example("portal_url", "https://[::1")
@example("database_url", "postgresql+asyncpg://h:x/y")
@example("timezone", "a" * 5000)
def test_no_value_ends_in_anything_but_settings_or_one_line(environment: Environment, name: str, value: str) -> None:
    try:
        read: Any = environment.load(**{name.upper(): value})
    except SettingsError as error:
        line = str(error)
        assert line.startswith(f"{PREFIX}{name.upper()}: ")
        assert len(line.splitlines()) == 1
    else:
        assert isinstance(read, Settings)
