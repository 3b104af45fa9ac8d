"""The languages Odobot speaks."""

from enum import StrEnum


class Language(StrEnum):
    """A language of the chat, with the CLDR locale whose money and dates Québec reads."""

    FR = "fr"
    EN = "en"

    @property
    def locale(self) -> str:
        """CLDR's name; never bare ``fr`` or ``en``, whose money and dates differ."""
        return f"{self}_CA"

    @property
    def other(self) -> "Language":
        """The second language of a bilingual mail."""
        return Language.EN if self is Language.FR else Language.FR

    @classmethod
    def of_client(cls, language_code: str | None, default: "Language") -> "Language":
        """A first guess from a Telegram client's ``language_code`` (IETF tag, optional), such as ``fr-CA``."""
        primary = (language_code or "").lower().replace("_", "-").split("-")[0]
        return cls(primary) if primary in set(cls) else default
