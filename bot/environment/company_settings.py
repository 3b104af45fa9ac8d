"""The settings that say whose bot it is: the company, its staff, its language and its words."""

import re
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from bot.environment.values import checked_chat_id, checked_forum_id, checked_postal_address
from services.features import Feature, parse_features
from texts.language import Language


class CompanySettings(BaseSettings):
    """The company's settings. Its name is required: it is in texts and mails."""

    company: str
    support: str = ""
    postal_address: Annotated[str, AfterValidator(checked_postal_address)] = ""
    support_chat: Annotated[str, AfterValidator(checked_forum_id)] = ""
    operator_chat: Annotated[str, AfterValidator(checked_chat_id)] = ""
    timezone: str = "America/Toronto"
    texts: str = ""
    features: str = ""
    default_language: str = "fr"

    @property
    def staff_chat(self) -> int | None:
        """The id of the staff's forum, to which people's messages are relayed; None where there is none."""
        return int(self.support_chat) if self.support_chat else None

    @property
    def alerts_chat(self) -> int | None:
        """The id of the chat that gets the operator's alerts; None where there is none."""
        return int(self.operator_chat) if self.operator_chat else None

    @property
    def language(self) -> Language:
        """The company's language, once ``use_company_texts`` offered it."""
        return Language(self.default_language)

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def features_on(self) -> frozenset[Feature]:
        """The features that are on."""
        return parse_features(self.features)

    @field_validator("features")
    @classmethod
    def _checked_features(cls, value: str) -> str:
        parse_features(value)
        return value

    @field_validator("company")
    @classmethod
    def _checked_name(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("expected the company's name")
        return value.strip()

    @field_validator("timezone")
    @classmethod
    def _checked_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("expected a name of the tz database, like America/Toronto") from None
        return value

    @field_validator("default_language")
    @classmethod
    def _checked_language(cls, value: str, info: ValidationInfo) -> str:
        """Accept any language where the company has texts of its own; ``use_company_texts`` looks for its catalogue."""
        is_shipped = value in [language.value for language in Language]
        if is_shipped or (info.data.get("texts") and re.fullmatch(r"[a-z]{2}", value)):
            return value
        raise ValueError("expected fr, en, or the language of a catalogue in ODOBOT_TEXTS")
