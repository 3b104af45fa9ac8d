"""Find mailed codes in typed text: six digits, or eight characters. Dates, prices, hours and telephones are none."""

import re

from msgspec import Struct

from services.codes import LONG_ALPHABET, LONG_LENGTH, SHORT_DIGITS
from services.understanding.normalising import plain_text

_TOKEN = re.compile(r"\S+")
_EDGES = " .,;!?…'\"«»‹›“”„()[]{}<>*_~|•·#-–"
_LABEL = re.compile(r"[^\W\d_][^\d\s]*[:=#°]+")
"""A word before a code, without a space between them: ``code:123456``."""
_OPENING, _CLOSING = '([{<«“"', ')]}>»”",;:.!?'
_INSIDE = re.compile(r"\d+(?:[-.,'·_~]\d+)*")
_MONEY = re.compile(r"[$€£¥]|(?:CA|US)\$")
_MONEY_WORDS = frozenset({"cad", "usd", "eur", "euro", "euros", "dollar", "dollars", "piastre", "piastres", "cents"})
_LONG = re.compile(rf"[{LONG_ALPHABET}]{{4}}[-.,_]?[{LONG_ALPHABET}]{{4}}")
_LONG_HALF = re.compile(rf"[{LONG_ALPHABET}]{{4}}")
_CODE_WORD = re.compile(r"\b(?:code|codes|nip|pin|otp)\b", re.IGNORECASE)


class Codes(Struct, frozen=True):
    """The codes in a text.

    Args:
        short: six digits; empty for none, and for several different ones.
        long: eight characters in upper case; empty as ``short``.
        is_ambiguous: the text has several different codes, and does not say which is meant.
        is_named: the word "code" is in the text.
    """

    short: str = ""
    long: str = ""
    is_ambiguous: bool = False
    is_named: bool = False

    def __bool__(self) -> bool:
        return bool(self.short or self.long)


class _Word(Struct, frozen=True):
    """A word of the text without punctuation, and what stands around it."""

    text: str
    is_money: bool = False
    is_after_code_word: bool = False
    is_apart: bool = False
    """Punctuation separates it from the word before."""


def codes_in(text: str) -> Codes:
    """Find the codes in a text: ``123456``, ``123 456``, ``1 2 3 4 5 6``, ``Votre code : 123-456.``, ``K7QM-2XVP``.

    Digits of a mail address or of a longer number are ignored. Of several codes, one right after the word "code" wins.
    """
    plain = plain_text(text)
    words = _words(plain)
    short, long = _short_codes(words), _long_codes(words)
    one_short, one_long = _only(short), _only(long)
    return Codes(
        one_short,
        one_long,
        is_ambiguous=(bool(short) and not one_short) or (bool(long) and not one_long),
        is_named=_CODE_WORD.search(plain) is not None,
    )


def _words(plain: str) -> list[_Word]:
    found = [token for token in _TOKEN.findall(plain) if "@" not in token and "://" not in token]
    words: list[_Word] = []
    is_after_code_word = False
    for position, token in enumerate(found):
        following = found[position + 1].strip(_EDGES).lower() if position + 1 < len(found) else ""
        is_money = bool(_MONEY.search(token)) or following in _MONEY_WORDS or bool(_MONEY.match(following))
        label = _LABEL.match(token)
        if label and label.end() < len(token):
            is_after_code_word = _CODE_WORD.match(token) is not None
            token = token[label.end() :]
        stripped = token.strip(_EDGES)
        # A price's currency may be glued to it; "+1" before digits begins a telephone number.
        if stripped and not token.startswith("+"):
            is_apart = token[0] in _OPENING or (position > 0 and found[position - 1][-1] in _CLOSING)
            words.append(_Word(stripped, is_money, is_after_code_word, is_apart))
        if any(c.isalpha() for c in token):
            is_after_code_word = _CODE_WORD.fullmatch(stripped.rstrip(":=")) is not None
        elif stripped.rstrip(":="):
            is_after_code_word = False
    return words


def _short_codes(words: list[_Word]) -> dict[str, bool]:
    """Return the six-digit codes, each with whether it stands right after the word "code"."""
    found: dict[str, bool] = {}
    run: list[_Word] = []
    for word in [*words, _Word("")]:
        is_part = word.text.isdigit() and len(word.text) != SHORT_DIGITS
        if is_part and not (run and word.is_apart):
            run.append(word)
            continue
        if (code := _grouped(run, is_whole=len(run) == len(words))) is not None:
            found[code] = found.get(code, False) or run[0].is_after_code_word
        run = [word] if is_part else []
        if not word.is_money and (code := _single(word.text)) is not None:
            found[code] = found.get(code, False) or word.is_after_code_word
    return found


def _single(word: str) -> str | None:
    """Return the code that is one word: solid, in two halves, digit by digit, or in pairs that are no date."""
    if not _INSIDE.fullmatch(word):
        return None
    groups = re.split(r"\D", word)
    lengths = [len(group) for group in groups]
    if lengths in ([6], [3, 3], [1] * 6) or (lengths == [2, 2, 2] and not _is_date(groups)):
        return "".join(groups)
    return None


def _grouped(run: list[_Word], *, is_whole: bool) -> str | None:
    """Return the code of adjacent words of digits only; ``is_whole`` if the text has no other word."""
    if not run or any(word.is_money for word in run):
        return None
    groups = [word.text for word in run]
    lengths = [len(group) for group in groups]
    if lengths in ([3, 3], [1] * 6) or (lengths == [2, 2, 2] and (is_whole or not _is_date(groups))):
        return "".join(groups)
    return None


def _is_date(groups: list[str]) -> bool:
    """Whether three pairs are a day, a month and a year in any usual order, or an hour with seconds."""
    first, second, third = map(int, groups)
    orders = ((first, second), (second, first), (third, second))
    return any(1 <= day <= 31 and 1 <= month <= 12 for day, month in orders)


def _long_codes(words: list[_Word]) -> dict[str, bool]:
    """Return the codes of eight characters, as ``_short_codes`` does. Words and numbers never match."""
    found: dict[str, bool] = {}
    upper = [word.text.upper() for word in words]
    for position, word in enumerate(upper):
        if _LONG.fullmatch(word):
            code = "".join(c for c in word if c.isalnum())
        elif _LONG_HALF.fullmatch(word) and position + 1 < len(upper) and _LONG_HALF.fullmatch(upper[position + 1]):
            code = word + upper[position + 1]
        else:
            continue
        if 2 <= sum(c.isdigit() for c in code) <= LONG_LENGTH - 2:
            found[code] = found.get(code, False) or words[position].is_after_code_word
    return found


def _only(found: dict[str, bool]) -> str:
    """Return the only code, or the only one right after the word "code"; else an empty text."""
    named = [code for code, is_named in found.items() if is_named]
    if len(named) == 1:
        return named[0]
    return next(iter(found)) if len(found) == 1 else ""
