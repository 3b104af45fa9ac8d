"""The settings of the privacy policy."""

import datetime
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from portal.adapters.urls import is_loopback
from services.privacy.policy import PolicyFacts


class PolicySettings(BaseSettings):
    """What the policy says of the operator. Each text may be ``French | English``, or one text for both.

    ``Settings`` has ``privacy_contact``, whose validator needs settings that are declared before it, and
    ``postal_address``.
    """

    privacy_hosting: str = ""
    privacy_mail_host: str = ""
    privacy_regulator: str = ""
    privacy_backup_days: int = Field(default=0, ge=0, le=36_500)
    privacy_date: str = ""

    def policy_facts(self, contact: str, postal_address: str) -> PolicyFacts:
        """Return the facts of the privacy policy, with the person in charge and the company's address."""
        return PolicyFacts(
            address=postal_address,
            contact=contact,
            hosting=self.privacy_hosting,
            mail_host=self.privacy_mail_host,
            regulator=self.privacy_regulator,
            backup_days=self.privacy_backup_days,
            changed_on=datetime.date.fromisoformat(self.privacy_date) if self.privacy_date else None,
        )

    @field_validator("privacy_hosting", "privacy_mail_host", "privacy_regulator")
    @classmethod
    def _stripped(cls, value: str) -> str:
        return value.strip()

    @field_validator("privacy_date")
    @classmethod
    def _checked_date(cls, value: str) -> str:
        try:
            return str(datetime.date.fromisoformat(value)) if value else ""
        except ValueError:
            raise ValueError("expected a date, like 2026-11-27") from None

    @field_validator("privacy_contact", check_fields=False)
    @classmethod
    def _checked_contact(cls, value: str, info: ValidationInfo) -> str:
        """Require the person in charge, except in the sandbox, where Telegram and the portal are on this machine."""
        # A portal's URL that is wrong is not among the data; that line is enough.
        given = [info.data[name] for name in ("telegram_api_url", "portal_url") if name in info.data]
        if not value.strip() and not all(map(_is_local, given)):
            raise ValueError("the title and the contact of the person in charge of personal information are required")
        return value.strip()


def _is_local(url: object) -> bool:
    return isinstance(url, str) and is_loopback(urlsplit(url).hostname or "")
