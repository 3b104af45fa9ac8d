"""The languages of the bot."""

from enum import StrEnum


class Language(StrEnum):
    """A language of the chat, with its Canadian CLDR locale."""

    FR = "fr"
    EN = "en"

    @property
    def locale(self) -> str:
        """Return the CLDR name. The formats of plain ``fr`` and ``en`` differ."""
        return f"{self}_CA"

    @property
    def other(self) -> "Language":
        """Return the other language, for bilingual mails."""
        return Language.EN if self is Language.FR else Language.FR

    @classmethod
    def of_client(cls, language_code: str | None, default: "Language") -> "Language":
        """Guess the language from a Telegram client's ``language_code``: an IETF tag such as ``fr-CA``, or None."""
        primary = (language_code or "").lower().replace("_", "-").split("-")[0]
        return cls(primary) if primary in set(cls) else default
