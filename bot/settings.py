"""The settings: ``ODOBOT_…`` in the environment, which overrides ``.env``. A wrong one stops the start, by its name."""

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from cryptography.fernet import Fernet
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from mail.smtp import parse_sender, parse_smtp_url
from texts.language import Language

PREFIX = "ODOBOT_"
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class SettingsError(Exception):
    """A setting is missing or wrong; the message is one line that names it, and repeats no value."""


class Settings(BaseSettings):
    """Every setting, checked. Secrets hide in a repr."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore", hide_input_in_errors=True)

    telegram_token: SecretStr
    telegram_api_url: str = "https://api.telegram.org"
    company: str = "Odotrack"
    support: str = ""
    timezone: str = "America/Toronto"
    portal_url: str
    portal_token: SecretStr
    database_url: str = Field(default="sqlite+aiosqlite:///odobot.db", repr=False)
    smtp_url: SecretStr
    mail_from: str
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(repr=False)
    default_language: Language = Language.FR
    log_format: str = "auto"
    log_level: str = "INFO"

    @property
    def keys(self) -> list[str]:
        """The Fernet keys, newest first."""
        return [key.get_secret_value() for key in self.secret_keys]

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def secrets(self) -> list[str]:
        """Every value that must never be printed."""
        smtp = self.smtp_url.get_secret_value()
        passwords = [parse_smtp_url(smtp).password, make_url(self.database_url).password]
        tokens = [self.telegram_token.get_secret_value(), self.portal_token.get_secret_value()]
        return [*tokens, smtp, *self.keys, *(password for password in passwords if password)]

    @field_validator("telegram_token")
    @classmethod
    def _is_token(cls, value: SecretStr) -> SecretStr:
        number, _, rest = value.get_secret_value().partition(":")
        if not number.isdigit() or len(rest) < 10 or not rest.isascii() or not rest.isprintable() or "/" in rest:
            raise ValueError("expected the token that BotFather gave, like 123456789:AA…")
        return value

    @field_validator("portal_token")
    @classmethod
    def _is_bearer(cls, value: SecretStr) -> SecretStr:
        token = value.get_secret_value()
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("expected the portal's bearer token, without spaces")
        return value

    @field_validator("telegram_api_url", "portal_url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        scheme, host = _address(value)
        if (scheme == "https" and host) or (scheme == "http" and _is_loopback(host)):
            return value.rstrip("/")
        raise ValueError("expected https://host (plain http:// only on this machine, 127.0.0.1)")

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("expected a name of the tz database, like America/Toronto") from None
        return value

    @field_validator("database_url")
    @classmethod
    def _is_database(cls, value: str) -> str:
        try:
            driver = make_url(value).drivername
        except (ArgumentError, ValueError):
            driver = ""
        if driver not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
            raise ValueError("expected sqlite+aiosqlite:///file.db or postgresql+asyncpg://user:password@host/name")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_smtp(cls, value: SecretStr) -> SecretStr:
        parse_smtp_url(value.get_secret_value())
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_sender(cls, value: str) -> str:
        parse_sender(value)
        return value

    @field_validator("secret_keys", mode="before")
    @classmethod
    def _are_keys(cls, value: object) -> object:
        keys = [key.strip() for key in value.split(",") if key.strip()] if isinstance(value, str) else value
        try:
            valid = isinstance(keys, list) and bool([Fernet(key) for key in keys])
        except ValueError:
            valid = False
        if not valid:
            raise ValueError("expected Fernet keys, comma-separated, newest first (make one with: odobot new-key)")
        return keys

    @field_validator("company")
    @classmethod
    def _is_name(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("expected the company's name")
        return value.strip()

    @field_validator("log_format")
    @classmethod
    def _is_format(cls, value: str) -> str:
        if value not in ("auto", "console", "json"):
            raise ValueError("expected auto, console or json")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _is_level(cls, value: object) -> str:
        level = str(value).upper()
        if level not in _LEVELS:
            raise ValueError(f"expected one of {', '.join(_LEVELS)}")
        return level


def load_settings() -> Settings:
    """Reads the environment and ``.env``.

    Raises:
        SettingsError: one line for the first setting that is missing or wrong.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        name = PREFIX + str(first["loc"][0]).upper()
        reason = "is missing: it is required, see .env.example" if first["type"] == "missing" else first["msg"]
        raise SettingsError(f"{name}: {reason.removeprefix('Value error, ')}") from None


def _address(url: str) -> tuple[str, str]:
    """Scheme and host of a URL that is nothing else than where something is; empty for any other."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:  # its own words would repeat the value
        return "", ""
    is_plain = url.isascii() and url.isprintable() and " " not in url and not parts.query and not parts.fragment
    is_anonymous = parts.username is None and parts.password is None
    return (parts.scheme, parts.hostname or "") if port_is_fine and is_plain and is_anonymous else ("", "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
