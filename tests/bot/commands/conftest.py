"""The shell of an operator."""

import pytest

from tests.bot.test_cli import KEY, PORTAL_TOKEN, TOKEN, Shell


@pytest.fixture
def operator(database_url: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell whose settings name the test's database; nothing listens at the other addresses."""
    shell = Shell(tmp_path_factory.mktemp("operator"), monkeypatch)
    shell.settings = {
        "company": "Acme",
        "telegram_token": TOKEN,
        "telegram_api_url": "http://127.0.0.1:9",
        "portal_url": "http://127.0.0.1:9",
        "portal_token": PORTAL_TOKEN,
        "database_url": database_url,
        "smtp_url": "smtp://127.0.0.1:9",
        "mail_from": "odobot@odotrack.test",
        "secret_keys": KEY,
        "timezone": "America/Toronto",
    }
    return shell
