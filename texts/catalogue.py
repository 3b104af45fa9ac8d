"""Message catalogues: every sentence is one message with an id, in each language."""

from collections.abc import Collection, Mapping
from functools import cache
from gettext import GNUTranslations
from importlib.resources import files
from io import BytesIO

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from texts.escaping import safe_text
from texts.formats import Formats
from texts.language import Language, offer

_ELIDED = frozenset("aàâeéèêëiîïoôuùûœæ")
_WITHOUT = ".without_"
"""In a message id, before the name of a feature: the message's text where that feature is switched off."""


def message_id(key: str) -> str:
    """Mark a message id outside a call of ``Texts``, so that the test of the catalogues finds it. Returns: the key."""
    return key


def key_of(message: Message) -> str:
    """Return the id of a message of a catalogue."""
    return message.id if isinstance(message.id, str) else message.id[0]


def base_of(key: str) -> str:
    """Return the id that a variant for a feature that is switched off replaces; any other id unchanged."""
    return key.partition(_WITHOUT)[0]


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
        texts = {}
        for name, value in values.items():
            texts[name] = text = safe_text(value)
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


_company_catalogues: Mapping[str, Catalog] = {}
_features_off: tuple[str, ...] = ()


def use_texts(catalogues: Mapping[str, Catalog], default: str, features_off: Collection[str] = ()) -> None:
    """Set what every later call of ``texts_in`` returns, for the whole process.

    Args:
        catalogues: The company's catalogues by locale, checked. Their messages replace the shipped ones; one of another
            language adds it.
        default: The code of the company's language.
        features_off: Names of features that are switched off, whose variants of messages are used.
    """
    global _company_catalogues, _features_off
    shipped = {language.locale for language in Language}
    offer((locale for locale in catalogues if locale not in shipped), default)
    if catalogues or _company_catalogues or _features_off != tuple(features_off):
        _company_catalogues, _features_off = catalogues, tuple(features_off)
        texts_in.cache_clear()


@cache
def texts_in(language: Language) -> Texts:
    """Return the texts of a language: the company's messages, and the shipped ones for the rest.

    The ``.po`` files are read and compiled once per process, without a build step.
    """
    translations = compiled(_with_variants(shipped_catalogue(language.shipped)))
    if company := _company_catalogues.get(language.locale):
        own = compiled(_with_variants(company))
        own.add_fallback(translations)
        translations = own
    texts = Texts(language, translations)
    texts.formats.warm_up()
    return texts


def shipped_catalogue(language: Language) -> Catalog:
    """Read the catalogue of a shipped language."""
    with files("texts").joinpath(language.locale, "odobot.po").open("rb") as po:
        return read_po(po, locale=language.locale)


def compiled(catalogue: Catalog) -> GNUTranslations:
    """Compile a catalogue. Raises ``ValueError`` if its header has a rule of plural forms that is none."""
    file = BytesIO()
    write_mo(file, catalogue)
    file.seek(0)
    return GNUTranslations(file)


def _with_variants(catalogue: Catalog) -> Catalog:
    """Put the variants for the features that are switched off in place of their messages. Returns: the catalogue."""
    messages = {key_of(message): message for message in catalogue if message.id}
    for feature in reversed(_features_off):  # the first has the last word
        for key, message in list(messages.items()):
            if key.endswith(_WITHOUT + feature):
                base = base_of(key)
                catalogue.delete(base)
                catalogue.add((base, base) if message.pluralizable else base, message.string)
    return catalogue


def bilingual_texts(language: Language) -> tuple[Texts, Texts]:
    """Return the texts of the reader's language, and those of the other one."""
    return texts_in(language), texts_in(language.other)


def all_texts() -> tuple[Texts, ...]:
    """Return the texts of every language that is offered, French first, for a page that anybody may read."""
    return tuple(texts_in(language) for language in Language.offered())
