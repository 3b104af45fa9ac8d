"""The settings: each is validated; an invalid one is reported in one line without its value."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from bot.logs import Redactor
from bot.settings import PREFIX, Settings, SettingsError, load_settings
from texts.language import Language

# Fixed: a parameter that differs from one worker to the next cannot be collected by two.
KEY, OTHER_KEY = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
TOKEN = "123456789:AAhZ-secret-telegram-token"
PORTAL_TOKEN = "portal-token-very-secret"
PASSWORD = "hunter2-very-secret"
REQUIRED = {
    "COMPANY": "Odotrack",
    "TELEGRAM_TOKEN": TOKEN,
    "PORTAL_URL": "https://portal.odotrack.test",
    "PORTAL_TOKEN": PORTAL_TOKEN,
    "SMTP_URL": f"smtp://me:{PASSWORD}@mail.odotrack.test",
    "MAIL_FROM": "Odotrack <odobot@odotrack.test>",
    "SECRET_KEYS": KEY,
    "PRIVACY_CONTACT": "Privacy officer, privacy@odotrack.test",
}


class Environment:
    """The process's environment with only the test's settings, and a new working folder."""

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
        """Return the line that reports the only invalid setting."""
        (line,) = (each for each in self.all_refused(**values) if not each.startswith("There is no .env"))
        return line

    def all_refused(self, **values: str | None) -> list[str]:
        """Return the lines that report the invalid settings."""
        with pytest.raises(SettingsError) as raised:
            self.load(**values)
        assert raised.value.__cause__ is None
        lines = str(raised.value)
        assert [secret for secret in (TOKEN, PORTAL_TOKEN, PASSWORD, KEY) if secret in lines] == []
        return lines.split("\n")


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    monkeypatch.chdir(tmp_path)
    return Environment(tmp_path, monkeypatch)


def test_required_settings_suffice_and_defaults_hold(environment: Environment) -> None:
    """The required settings are enough; each other setting has its documented default."""
    read = environment.load()
    assert read.telegram_api_url == "https://api.telegram.org"
    assert read.company == "Odotrack"
    assert read.support == ""
    assert read.zone.key == "America/Toronto"
    assert read.database_url == "sqlite+aiosqlite:///odobot.db"
    assert read.language is Language.FR
    assert (read.log_format, read.log_level) == ("auto", "INFO")
    assert read.keys == [KEY]


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, "", " "])
def test_missing_required_setting_is_named(environment: Environment, name: str, value: str | None) -> None:
    line = environment.refused(**{name: value})
    assert line.startswith(f"{PREFIX}{name}: ")
    assert value is not None or "required" in line


def test_every_wrong_setting_is_named_at_once(environment: Environment) -> None:
    """Each setting that is missing, wrong or misspelt has its line; the last one says that there is no ``.env``."""
    *lines, last = environment.all_refused(**dict.fromkeys(REQUIRED), LOG_LEVEL="LOUD", SUPORT="aide@acme.test")
    assert [line.partition(":")[0].removeprefix(PREFIX) for line in lines[:-1]] == [*REQUIRED, "LOG_LEVEL"]
    assert lines[-1] == "ODOBOT_SUPORT: no setting has this name, did you mean ODOBOT_SUPPORT?"
    assert last == f"There is no .env in {environment.folder}, so the settings were read from the environment only."


def test_missing_env_file_is_only_said_where_settings_miss(environment: Environment) -> None:
    assert len(environment.all_refused(LOG_LEVEL="LOUD")) == 1
    (environment.folder / ".env").write_text("ODOBOT_COMPANY=Acme\n")
    assert len(environment.all_refused(PORTAL_TOKEN=None)) == 1


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("SUPORT", "did you mean ODOBOT_SUPPORT?"),
        ("WEBHOOK_URI", "did you mean ODOBOT_WEBHOOK_URL?"),
        ("XYZ", "see .env"),
    ],
)
def test_misspelt_name_stops_the_start(environment: Environment, name: str, nearest: str) -> None:
    assert nearest in environment.refused(**{name: ""})
    (environment.folder / ".env").write_text(f"{PREFIX.lower()}{name}=x\n")
    assert nearest in environment.refused()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SERVICE_HOST", "10.0.0.7"), ("SERVICE_PORT", "80"), ("SERVICE_PORT_HTTP", "80"), ("PORT", "tcp://10.0.0.7:80"),
        ("PORT_80_TCP", "tcp://10.0.0.7:80"), ("PORT_80_TCP_ADDR", "10.0.0.7"), ("WEB_SERVICE_HOST", "10.0.0.7"),
    ],
)  # fmt: skip
def test_variables_of_a_kubernetes_service_are_ignored(environment: Environment, name: str, value: str) -> None:
    """Kubernetes sets these beside a service that is named ``odobot`` or ``odobot-web``."""
    environment.load(**{name: value})


QUOTED = [
    '"Acme"', "'Acme'", ' "Acme" ', '"Acme" # ours', '"Acme \\"Nord\\""', "'L\\'Acme'", '"Acme" Inc', '"', "''Acme",
    '"A', "Acme", '"A$B"', '"${HOME}"',
]  # fmt: skip


@pytest.mark.parametrize("value", QUOTED)
def test_quotes_kept_by_env_file_are_read_as_in_the_file(environment: Environment, value: str) -> None:
    """A value with its quotes, as ``docker run --env-file`` passes it, is the value that ``.env`` gives."""
    from_environment = environment.load(COMPANY=value).company
    (environment.folder / ".env").write_text(f"ODOBOT_COMPANY={value}\n")
    try:
        from_file = environment.load(COMPANY=None).company
    except SettingsError:
        from_file = None
    assert from_environment == (from_file or value.strip())  # a line that cannot be parsed is left out


def test_quoted_environment_holds_every_setting(environment: Environment) -> None:
    plain = environment.load()
    assert environment.load(**{name: f'"{value}"' for name, value in REQUIRED.items()}) == plain


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quoted_path_of_a_secret_file(environment: Environment, quote: str) -> None:
    path = environment.folder / "keys"
    path.write_text(f"{REQUIRED['SECRET_KEYS']}\n")
    plain = environment.load()
    assert environment.load(SECRET_KEYS=None, SECRET_KEYS_FILE=f"{quote}{path}{quote}") == plain


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
def test_invalid_setting_is_named_without_its_value(environment: Environment, name: str, value: str) -> None:
    """An invalid setting is reported in one line that names it and does not repeat its value."""
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
        ("PORTAL_URL", ["tryton+https://erp.test/db", "tryton+https://erp.test/db?company=2"]),
        ("SECRET_KEYS", [f"{KEY},{OTHER_KEY}", f" {KEY} , {OTHER_KEY} ", f"{KEY},"]),
        ("DEFAULT_LANGUAGE", ["fr", "en"]),
        ("TEXTS", ["", "texts", "/etc/odobot/texts"]),
        ("LOG_LEVEL", ["debug", "Warning", "CRITICAL"]),
        ("LOG_FORMAT", ["auto", "console", "json"]),
        ("TIMEZONE", ["UTC", "America/Vancouver"]),
        ("SUPPORT", ["", "aide@odotrack.test", "+1 514 555-1234"]),
        ("COMPANY", ["Odo & fils"]),
    ],
)  # fmt: skip
def test_valid_setting_is_accepted(environment: Environment, name: str, values: list[str]) -> None:
    for value in values:
        environment.load(**{name: value})


def test_trailing_slash_of_a_url_is_ignored(environment: Environment) -> None:
    read = environment.load(PORTAL_URL="https://portal.test/", TELEGRAM_API_URL="http://127.0.0.1:1/")
    assert (read.portal_url, read.telegram_api_url) == ("https://portal.test", "http://127.0.0.1:1")


def test_keys_are_ordered_newest_first(environment: Environment) -> None:
    assert environment.load(SECRET_KEYS=f" {KEY} , {OTHER_KEY}, ").keys == [KEY, OTHER_KEY]


def test_environment_overrides_the_file(environment: Environment) -> None:
    """The environment overrides the file; names without the prefix are ignored."""
    (environment.folder / ".env").write_text("ODOBOT_COMPANY=File\nODOBOT_SUPPORT=aide\nPATHS=x\n")
    read = environment.load(COMPANY="Environment")
    assert (read.company, read.support) == ("Environment", "aide")


SECRETS = {
    "TELEGRAM_TOKEN": TOKEN,
    "PORTAL_TOKEN": PORTAL_TOKEN,
    "SMTP_URL": f"smtps://me:{PASSWORD}%2F@mail.test",
    "SECRET_KEYS": f"{KEY},{OTHER_KEY}",
    "DATABASE_URL": "postgresql+asyncpg://odobot:data-base%2Fpass@db.test/odobot",
}


def test_secrets_are_hidden_in_repr_and_known_to_the_logs(environment: Environment) -> None:
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


def test_url_login_without_password_adds_no_secret(environment: Environment) -> None:
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
def test_any_value_is_accepted_or_reported_in_one_line(environment: Environment, name: str, value: str) -> None:
    try:
        read: Any = environment.load(**{name.upper(): value})
    except SettingsError as error:
        line = str(error)
        assert line.startswith(f"{PREFIX}{name.upper()}: ")
        assert len(line.splitlines()) == 1
    else:
        assert isinstance(read, Settings)


OF_FILES = {
    "TELEGRAM_TOKEN": TOKEN,
    "WEBHOOK_SECRET": "a-webhook-secret",
    "PORTAL_TOKEN": PORTAL_TOKEN,
    "PORTAL_WEBHOOK_SECRET": "whsec_" + "A" * 32,
    "DATABASE_URL": f"postgresql+asyncpg://odobot:{PASSWORD}@db/odobot",
    "SMTP_URL": f"smtp://me:{PASSWORD}@mail.odotrack.test",
    "SECRET_KEYS": f"{KEY},{OTHER_KEY}",
}


@pytest.mark.parametrize("name", OF_FILES)
def test_secret_from_a_file_is_as_from_the_environment(environment: Environment, name: str) -> None:
    file = environment.folder / "secret"
    file.write_text(OF_FILES[name] + "\n", encoding="utf-8")
    field = name.lower()

    from_file = environment.load(**{name: None, f"{name}_FILE": str(file)})

    assert getattr(from_file, field) == getattr(environment.load(**{name: OF_FILES[name]}), field)
    assert PASSWORD not in repr(from_file)


def test_secret_file_named_in_env_file(environment: Environment) -> None:
    (environment.folder / "token").write_text(TOKEN, encoding="utf-8")
    (environment.folder / ".env").write_text(
        "ODOBOT_TELEGRAM_TOKEN=\nODOBOT_TELEGRAM_TOKEN_FILE=token\n", encoding="utf-8"
    )
    assert environment.load(TELEGRAM_TOKEN=None).telegram_token.get_secret_value() == TOKEN


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), (b"", "empty"), (b"\xff\xfe", "UTF-8"), (b"a" * 70_000, "64 KiB")]
)
def test_unusable_secret_file_is_named(environment: Environment, content: bytes | None, said: str) -> None:
    file = environment.folder / "secret"
    if content is not None:
        file.write_bytes(content)
    line = environment.refused(PORTAL_TOKEN=None, PORTAL_TOKEN_FILE=str(file))
    assert line.startswith("ODOBOT_PORTAL_TOKEN_FILE: ")
    assert said in line


def test_wrong_content_of_a_secret_file_names_the_setting(environment: Environment) -> None:
    file = environment.folder / "secret"
    file.write_text("not a key", encoding="utf-8")
    line = environment.refused(SECRET_KEYS=None, SECRET_KEYS_FILE=str(file))
    assert line.startswith("ODOBOT_SECRET_KEYS: expected Fernet keys")


def test_secret_and_its_file_together_are_refused(environment: Environment) -> None:
    file = environment.folder / "secret"
    file.write_text(PORTAL_TOKEN, encoding="utf-8")
    line = environment.refused(PORTAL_TOKEN_FILE=str(file))
    assert line == "ODOBOT_PORTAL_TOKEN_FILE: ODOBOT_PORTAL_TOKEN is set, too; remove one of them"


def test_only_secrets_are_read_from_files(environment: Environment) -> None:
    assert environment.refused(COMPANY_FILE="/etc/hostname").startswith("ODOBOT_COMPANY_FILE: no setting has this name")
