"""Normalise typed text: the same text in the characters that people, keyboards and programs write it with."""

import re
import unicodedata
from functools import lru_cache

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\u02d7\u30fc\u058a\ufe63\uff0d\u00ad"
_APOSTROPHES = "\u2018\u2019\u201b\u02bc\u2032\u00b4\u0060\uff07\u02b9\u055a"
_CHARACTERS = str.maketrans(
    dict.fromkeys(_DASHES, "-")
    | dict.fromkeys(_APOSTROPHES, "'")
    | {"º": "° ", "°": "° ", "№": "n° "}  # NFKC makes "no" of these, which may also be the beginning of a number
    | {"\u2044": "/", "\u2215": "/", "\u29f8": "/", "\u3002": "."}
    | dict.fromkeys("\u00a0\u202f\u2009", " ")
    | dict.fromkeys("\ufe0e\ufe0f\u20e3")  # 1️⃣ is the digit 1
)
_PRINTABLE_ASCII = re.compile("[ -_a-~\n]*")  # without the grave accent, which stands for an apostrophe
# Characters that NFKC leaves alone, of which most texts consist.
_USUAL = re.compile("[ -~\n\u00a1-\u00a7\u00a9\u00ab\u00ac\u00ae\u00b1\u00b6\u00bb\u00bf-\u0131\u201c-\u201e€•]*")
EDGES = " .,;:!?…'\"«»‹›“”„()[]{}<>*_~|•·¿¡=&"
"""Characters around a word that do not belong to it."""


@lru_cache(maxsize=1)
def plain_text(text: str) -> str:
    """Return the text with ASCII dashes, apostrophes, spaces and digits, in NFKC, without invisible characters.

    Line breaks stay. ``１２３`` and ``١٢٣`` become ``123``, ``INV‑7`` (U+2011) ``INV-7``, and ``nº 7`` ``n°  7``.
    """
    if _PRINTABLE_ASCII.fullmatch(text):
        return text
    translated = text.translate(_CHARACTERS)
    if _USUAL.fullmatch(translated):
        return translated
    normal = unicodedata.normalize("NFKC", translated).translate(_CHARACTERS)
    return "".join(map(_plain_character, normal))


def _plain_character(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() else _space(character)
    if character.isdecimal():
        return str(unicodedata.digit(character))
    category = unicodedata.category(character)
    if category in ("Cf", "Cs", "Co", "Cn"):
        return ""
    return _space(character) if category[0] in "CZ" else character


def _space(character: str) -> str:
    return "\n" if character in "\n\r\v\f\u0085\u2028\u2029" else " "


def folded(text: str) -> str:
    """Return plain text in lower case, without accents: ``Paramètres`` becomes ``parametres``."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def trimmed(text: str) -> str:
    """Return the text without the punctuation around it."""
    return text.strip(EDGES)
