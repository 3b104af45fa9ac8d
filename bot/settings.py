"""The settings: ``ODOBOT_…`` in the environment, or else in a file of settings. The error for a wrong one names it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy.engine import make_url

from bot.environment.addresses import split_address
from bot.environment.company_settings import CompanySettings
from bot.environment.env_files import EnvFileError
from bot.environment.policy_settings import PolicySettings
from bot.environment.secret_files import SUFFIX
from bot.environment.sources import lines_of, read_sources
from bot.environment.values import (
    check_database_url,
    check_webhook_secret,
    checked_imap_url,
    checked_mail_address,
    checked_portal_token,
    checked_telegram_token,
    fernet_keys,
)
from bot.environment.variables import ENV_FILE, unquoted
from mail.addresses import parse_sender
from mail.server import parse_imap_url, parse_smtp_url
from portal.adapters.adapter import Connection
from portal.adapters.links import parse_links
from portal.adapters.registry import find_adapter
from portal.adapters.urls import checked_web_url
from portal.breaker import PortalBreaker
from services.features import Feature

PREFIX = "ODOBOT_"
_TOKENS = ("telegram_token", "webhook_secret", "portal_token", "portal_webhook_secret")
_SECRETS = (*_TOKENS, "portal_url", "database_url", "smtp_url", "imap_url", "secret_keys")
"""The settings that may also be read from a file, named by ``ODOBOT_…_FILE``."""
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
COPIES_OFF = "new copies for bookkeepers are off: set ODOBOT_PUBLIC_URL, ODOBOT_STOP_ADDRESS or ODOBOT_IMAP_URL"


class SettingsError(Exception):
    """Settings are missing, wrong or misspelt. The message has a line for each, which names it without its value."""


class Settings(CompanySettings, PolicySettings):
    """All settings, validated. ``repr`` shows no secrets."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=ENV_FILE, extra="ignore", hide_input_in_errors=True)

    telegram_token: Annotated[SecretStr, AfterValidator(checked_telegram_token)]
    telegram_api_url: str = "https://api.telegram.org"
    webhook_url: str = ""
    webhook_secret: SecretStr = SecretStr("")
    portal_url: str = Field(repr=False)
    portal_token: SecretStr = Field(default=SecretStr(""), validate_default=True)
    portal_links: str = ""
    database_url: str = Field(default="sqlite+aiosqlite:///odobot.db", repr=False)
    smtp_url: SecretStr
    mail_from: str
    stop_address: Annotated[str, AfterValidator(checked_mail_address)] = ""
    imap_url: Annotated[SecretStr, AfterValidator(checked_imap_url)] = SecretStr("")
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(repr=False)
    privacy_contact: str = Field(default="", validate_default=True)
    link_idle_days: float = 180.0
    rich_tables: bool = False
    save_portal_answers: bool = True
    listen: str = "127.0.0.1:8080"
    admin_listen: str = "127.0.0.1:8081"
    public_url: str = ""
    portal_webhook_secret: SecretStr = SecretStr("")
    portal_poll_seconds: float = 60.0
    bulk_rate: float = 28.0
    chat_rate: float = 1.0
    mail_rate: float = 2.0
    inline: bool = False
    log_format: str = "auto"
    log_level: str = "INFO"
    _portal_settings: Mapping[str, str] = PrivateAttr(default={})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the values of the environment without the quotes that ``--env-file`` keeps."""
        if isinstance(env_settings, EnvSettingsSource):
            env_settings.env_vars = {
                name: unquoted(value) if value and name.upper().startswith(PREFIX) else value
                for name, value in env_settings.env_vars.items()
            }
        return init_settings, env_settings, dotenv_settings, file_secret_settings

    @property
    def keys(self) -> list[str]:
        """The Fernet keys, newest first."""
        return [key.get_secret_value() for key in self.secret_keys]

    @property
    def base_url(self) -> str:
        """The base URL of links in mails; empty if neither ``public_url`` nor ``webhook_url`` is set."""
        return self.public_url or self.webhook_url

    @property
    def offers_copies(self) -> bool:
        """Whether copies are on, and their mails have a way to stop them."""
        return Feature.COPIES in self.features_on and bool(self.base_url or self.stop_mail_address)

    @property
    def lacks_way_to_stop_copies(self) -> bool:
        """Whether copies are on, but bookkeepers could not stop them, so that no new ones are offered."""
        return Feature.COPIES in self.features_on and not self.offers_copies

    @property
    def serves_calendars(self) -> bool:
        """Whether calendar programs can subscribe to an address of the bot."""
        return Feature.CALENDAR in self.features_on and bool(self.base_url)

    @property
    def stop_mail_address(self) -> str:
        """The address to which bookkeepers write to stop copies; empty if nothing acts on such mails."""
        return self.stop_address or (parse_sender(self.mail_from).address if self.imap_url.get_secret_value() else "")

    @property
    def secrets(self) -> list[str]:
        """The values that must never be printed or logged."""
        smtp, imap = self.smtp_url.get_secret_value(), self.imap_url.get_secret_value()
        passwords = [parse_smtp_url(smtp).password, make_url(self.database_url).password]
        passwords += [imap, parse_imap_url(imap).password] if imap else []
        passwords += find_adapter(self.portal_url).secrets_of(self.connection())
        secrets = (self.telegram_token, self.portal_webhook_secret, self.webhook_secret)
        tokens = [secret.get_secret_value() for secret in secrets]
        return [*tokens, smtp, *self.keys, *(password for password in passwords if password)]

    def with_portal_settings(self, values: Mapping[str, str]) -> "Settings":
        """Return a copy with values of the settings that only the portal's adapter has, by name."""
        copy = self.model_copy()
        copy._portal_settings = values
        return copy

    def connection(self, breaker: PortalBreaker | None = None) -> Connection:
        """Return what the portal's adapter makes its portal from."""
        return Connection(
            url=self.portal_url,
            token=self.portal_token.get_secret_value(),
            links=parse_links(self.portal_links),
            settings=self._portal_settings,
            breaker=breaker,
        )

    @field_validator("portal_url")
    @classmethod
    def checked_portal_url(cls, value: str) -> str:
        """Return the portal's URL without a trailing slash; raise ``ValueError`` if it is not a valid one."""
        return find_adapter(value).check_url(value)

    @field_validator("portal_token")
    @classmethod
    def _checked_token(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        url = info.data.get("portal_url")
        return checked_portal_token(value, find_adapter(url).token if url else "a token")

    @field_validator("portal_links")
    @classmethod
    def _checked_links(cls, value: str) -> str:
        parse_links(value)
        return value

    @field_validator("telegram_api_url")
    @classmethod
    def _checked_url(cls, value: str) -> str:
        return checked_web_url(value)

    @field_validator("public_url", "webhook_url")
    @classmethod
    def _checked_public_url(cls, value: str) -> str:
        return cls._checked_url(value) if value else ""

    @field_validator("listen", "admin_listen")
    @classmethod
    def _checked_address(cls, value: str) -> str:
        split_address(value)
        return value

    @field_validator("portal_webhook_secret")
    @classmethod
    def _checked_webhook_secret(cls, value: SecretStr) -> SecretStr:
        check_webhook_secret(value.get_secret_value())
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _checked_telegram_secret(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", value.get_secret_value()):
            raise ValueError("expected 1 to 256 characters of A-Z, a-z, 0-9, _ and -")
        return value

    @field_validator("portal_poll_seconds", "bulk_rate", "chat_rate", "mail_rate", "link_idle_days")
    @classmethod
    def _checked_positive(cls, value: float) -> float:
        if not 0 < value < 1_000_000:
            raise ValueError("expected a number over 0")
        return value

    @field_validator("database_url")
    @classmethod
    def _checked_database(cls, value: str) -> str:
        check_database_url(value)
        return value

    @field_validator("smtp_url")
    @classmethod
    def _checked_smtp(cls, value: SecretStr) -> SecretStr:
        parse_smtp_url(value.get_secret_value())
        return value

    @field_validator("mail_from")
    @classmethod
    def _checked_sender(cls, value: str) -> str:
        parse_sender(value)
        return value

    @field_validator("secret_keys", mode="before")
    @classmethod
    def _checked_keys(cls, value: object) -> object:
        return fernet_keys(value)

    @field_validator("log_format")
    @classmethod
    def _checked_format(cls, value: str) -> str:
        if value not in ("auto", "console", "json"):
            raise ValueError("expected auto, console or json")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _checked_level(cls, value: object) -> str:
        level = str(value).upper()
        if level not in _LEVELS:
            raise ValueError(f"expected one of {', '.join(_LEVELS)}")
        return level


def load_settings(env_files: Sequence[Path] = ()) -> Settings:
    """Read the settings from the environment, from files of settings, and the secrets also from files of their own.

    Args:
        env_files: The files, read as systemd reads them; a later one overrides an earlier one. Empty: ``.env``.

    Raises:
        SettingsError: Settings are missing, wrong or misspelt; the message names all of them. Or a file of settings
            cannot be read.
    """
    try:
        sources = read_sources(PREFIX, list(Settings.model_fields), _SECRETS, env_files)
    except EnvFileError as error:
        raise SettingsError(f"--env-file: {error}") from None
    misspelt, unusable = sources.misspelt, sources.unusable
    try:
        settings = Settings(_env_file=None if env_files else ENV_FILE, **sources.values)  # type: ignore[arg-type]
    except ValidationError as error:
        wrong, is_missing = lines_of(error, PREFIX)
        named = {line.partition(":")[0].removesuffix(SUFFIX) for line in unusable}
        wrong = [line for line in wrong if line.partition(":")[0] not in named]
        no_file = f"There is no {ENV_FILE} in {Path.cwd()}, so the settings were read from the environment only."
        hint = [no_file] if is_missing and not env_files and not Path(ENV_FILE).is_file() else []
        raise SettingsError("\n".join([*wrong, *unusable, *misspelt, *hint])) from None
    if misspelt or unusable:
        raise SettingsError("\n".join([*unusable, *misspelt]))
    return settings.with_portal_settings(sources.portal_settings)
