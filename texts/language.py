"""The languages of the bot: two that it is shipped with, and those that the company adds."""

from collections.abc import Iterable
from enum import StrEnum


class Language(StrEnum):
    """A language of the chat, with its CLDR locale.

    The members are the shipped languages. ``Language("es")`` is valid, too, once ``offer`` added it.
    """

    FR = "fr"
    EN = "en"

    @classmethod
    def _missing_(cls, value: object) -> "Language | None":
        return next((language for language in _added if language == value), None)

    @classmethod
    def offered(cls) -> tuple["Language", ...]:
        """Return every language that a person can choose: the shipped ones first."""
        return _offered

    @classmethod
    def of_client(cls, language_code: str | None, default: "Language") -> "Language":
        """Guess the language from a Telegram client's ``language_code``: an IETF tag such as ``fr-CA``, or None."""
        primary = (language_code or "").lower().replace("_", "-").split("-")[0]
        return next((language for language in _offered if language == primary), default)

    @classmethod
    def stored(cls, code: str) -> "Language":
        """Read a language from the database; the substitute for one that the company offers no longer."""
        return next((language for language in _offered if language == code), _substitute)

    @property
    def locale(self) -> str:
        """Return the CLDR name. The formats of plain ``fr`` and ``en`` differ from the Canadian ones."""
        return _locales[self]

    @property
    def shipped(self) -> "Language":
        """Return itself; for an added language, its substitute where only the shipped ones will do.

        These are the portal's answers, the names of commands, and messages that the added catalogue lacks.
        """
        return self if self in _SHIPPED else _substitute

    @property
    def other(self) -> "Language":
        """Return the second language of bilingual mails: the other shipped one, or the substitute of an added one."""
        if self in _SHIPPED:
            return Language.EN if self is Language.FR else Language.FR
        return _substitute


_SHIPPED = frozenset(Language)
_locales = {language: f"{language}_CA" for language in Language}
_added: tuple[Language, ...] = ()
_offered: tuple[Language, ...] = tuple(Language)
_substitute = Language.FR


def offer(locales: Iterable[str], default: str) -> None:
    """Add languages for the whole process, in place of those that were added before.

    Args:
        locales: Their CLDR names, such as ``es_MX``, one of each language.
        default: The code of the company's language, which is the substitute if it is a shipped one, else French is.
    """
    global _added, _offered, _substitute
    _added = tuple(_member(locale) for locale in locales)
    _offered = (*Language, *_added)
    _substitute = next((language for language in Language if language == default), Language.FR)


def _member(locale: str) -> Language:
    """Return the member of an added language, always the same object."""
    code = locale.partition("_")[0]
    member = next((language for language in _locales if language == code), None)
    if member is None:
        member = str.__new__(Language, code)
        member._name_, member._value_ = code.upper(), code
    _locales[member] = locale
    return member
