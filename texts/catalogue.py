"""The words: every sentence is one message in both catalogues, found by its id."""

from functools import cache
from gettext import GNUTranslations
from importlib.resources import files
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from texts.escaping import plain
from texts.formats import Formats
from texts.language import Language


def message_id(key: str) -> str:
    """Marks a message that is named in one place and said in another, so that the catalogue check sees it."""
    return key


class Texts:
    """One language's messages and formats. Somebody else's words go in as values, never as part of a message."""

    def __init__(self, language: Language, translations: GNUTranslations) -> None:
        self.language = language
        self.formats = Formats(language)
        self._translations = translations

    def __call__(self, key: str, **values: str) -> str:
        """The message with its values in place.

        Raises:
            KeyError: the catalogue has no such message, or a value is missing.
        """
        message = self._translations.gettext(key)
        if message == key:
            raise KeyError(f"{self.language} has no message {key!r}")
        return message.format_map({name: plain(value) for name, value in values.items()})

    def plural(self, key: str, n: int, **values: str) -> str:
        """The message's form for ``n``, which it may show as ``{n}``."""
        message = self._translations.ngettext(key, key, n)
        if message == key:
            raise KeyError(f"{self.language} has no message {key!r}")
        return message.format_map(
            {name: plain(value) for name, value in values.items()} | {"n": self.formats.number(n)}
        )


@cache
def texts_in(language: Language) -> Texts:
    """A language's words, read once. The ``.po`` is read as it stands: what cannot go stale needs no build step."""
    with files("texts").joinpath(language.locale, "odobot.po").open("rb") as po:
        catalogue = read_po(po, locale=language.locale)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    texts = Texts(language, GNUTranslations(compiled))
    texts.formats.warm()
    return texts


def both(language: Language) -> tuple[Texts, Texts]:
    """A reader's language first, then the other one."""
    return texts_in(language), texts_in(language.other)
