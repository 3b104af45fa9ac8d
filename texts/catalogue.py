"""Message catalogues: every sentence is one message with an id, in both languages."""

from functools import cache
from gettext import GNUTranslations
from importlib.resources import files
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from texts.escaping import safe_text
from texts.formats import Formats
from texts.language import Language

_ELIDED = tuple("aàâeéèêëiîïoôuùûœæ")


def message_id(key: str) -> str:
    """Mark a message id outside a call of ``Texts``, so that the test of the catalogues finds it. Returns: the key."""
    return key


class Texts:
    """The messages and formats of one language. External text is passed as a value, never inside a message."""

    def __init__(self, language: Language, translations: GNUTranslations) -> None:
        self.language = language
        self.formats = Formats(language)
        self._translations = translations

    def __call__(self, key: str, **values: str) -> str:
        """Return a message with its values inserted, each through ``safe_text``.

        Raises:
            KeyError: The catalogue has no such message, or a value is missing.
        """
        message = self._translations.gettext(key)
        if message == key:
            raise KeyError(f"{self.language} has no message {key!r}")
        return self._filled(message, values)

    def _filled(self, message: str, values: dict[str, str]) -> str:
        """Insert values: a full stop at the end of one (``p.m.``) is not doubled, and *de* is elided in French."""
        texts = {name: safe_text(value) for name, value in values.items()}
        for name, text in texts.items():
            if text.endswith("."):
                message = message.replace(f"{{{name}}}.", f"{{{name}}}")
            if self.language is Language.FR and text[:1].lower() in _ELIDED:
                message = message.replace(f" de {{{name}}}", f" d’{{{name}}}")
        return message.format_map(texts)

    def plural(self, key: str, n: int, **values: str) -> str:
        """Return the plural form of a message for ``n``, which it may show as ``{n}``. Raises: as ``__call__``."""
        message = self._translations.ngettext(key, key, n)
        if message == key:
            raise KeyError(f"{self.language} has no message {key!r}")
        return self._filled(message, values | {"n": self.formats.number(n)})


@cache
def texts_in(language: Language) -> Texts:
    """Return the texts of a language. The ``.po`` file is read and compiled once per process, without a build step."""
    with files("texts").joinpath(language.locale, "odobot.po").open("rb") as po:
        catalogue = read_po(po, locale=language.locale)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    texts = Texts(language, GNUTranslations(compiled))
    texts.formats.warm_up()
    return texts


def bilingual_texts(language: Language) -> tuple[Texts, Texts]:
    """Return the texts of the reader's language, and those of the other one."""
    return texts_in(language), texts_in(language.other)
