"""Split a text into words, numbers and signs, and correct typing errors."""

import re
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from functools import cache, lru_cache

from babel.numbers import get_currency_symbol, get_decimal_symbol, get_group_symbol
from msgspec import Struct
from rapidfuzz import process
from rapidfuzz.distance import OSA

from services.understanding.normalising import plain_text
from services.understanding.questions.catalogue import catalogue
from services.understanding.questions.templates import key
from services.understanding.words import INVOICES, ORDERS
from texts.language import Language

_CURRENCIES = ("CAD", "USD", "EUR", "GBP")
_ELISION = re.compile(r"(l|d|j|s|n|c|m|t|qu|jusqu|lorsqu|puisqu)'(?=\w)")
_PREFIX = re.compile(r"\b(un|over|dis)-(?=[a-z]{3})")
"""``un-paid`` is not « un » and ``paid``."""
_GLUED = re.compile(r"(?:qu|[ldnmtsc])(?=[aeiouyh]\w{2})|j(?=\w{3})")
"""A French word that lost its apostrophe: ``doctobre``, ``jveux``."""
_SHORTEST_CORRECTED = 4
_SHORTEST_WITH_ANY_ERROR = 5
"""Letters from which a word may have any one error; a shorter one only swapped letters or a missing one."""
_SHORTEST_WITH_TWO_ERRORS = 7
_SHORTEST_WITH_OTHER_FIRST_LETTER = 7
_SHORTEST_GLUED_WITH_ERROR = 6
_LONGEST_WORD = 24
_SHORTEST_GLUED_NOUN = 5
"""Letters of a noun to which a number may be glued: ``facture212380``; INV2026 is a number."""
_OPPOSITES = ("de", "dis", "unl", "uns")


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    INTEGER = "integer"
    ORDINAL = "ordinal"
    AMOUNT = "amount"
    CODE = "code"
    DATE = "date"
    QUARTER = "quarter"
    SHORT_YEAR = "short year"
    SIGN = "sign"
    DASH = "dash"
    TIME = "time"
    STOP = "stop"
    OTHER = "other"


class Token(Struct, frozen=True):
    """A word, number or sign of a text.

    Args:
        kind: What it is.
        text: In ``folded`` form.
        value: The amount of an ``AMOUNT``; the number of an ``INTEGER``, ``ORDINAL``, ``QUARTER`` or ``SHORT_YEAR``.
    """

    kind: Kind
    text: str
    value: Decimal | int | None = None


@cache
def _lexer() -> re.Pattern[str]:
    locales = [language.locale for language in Language]
    groups = re.escape("".join({plain_text(get_group_symbol(locale)) for locale in locales} | set(" ,.'")))
    decimals = re.escape("".join({get_decimal_symbol(locale) for locale in locales}))
    symbols = {key(plain_text(get_currency_symbol(code, locale))) for code in _CURRENCIES for locale in locales}
    currency = "|".join(
        map(re.escape, sorted(symbols | {"ca$", "us$", "$ ca", "$ us", "cad", "usd", "eur"}, key=len, reverse=True))
    )
    digits = rf"(?:\d{{1,3}}(?:[{groups}]\d{{3}})+|\d{{1,12}})"
    return re.compile(
        rf"""
        (?P<link>\S+://\S+|\S+@\S+)
        |(?P<phone>(?:\+?1[ .-]?)?\(?\d{{3}}\)?[ .-]\d{{3}}[ .-]\d{{4}}(?!\d))
        |(?P<date>(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.](?:\d{{4}}|\d{{2}})
            |\d{{4}}[-/]\d{{1,2}}|\d{{1,2}}[-/]\d{{4}}|\d{{1,2}}/\d{{1,2}})(?![\w/-]|[.,]\d))
        |(?P<time>\d{{1,2}}\s?(?:h\s?\d{{2}}|:\d{{2}})\b|\d{{1,2}}\s?(?:am|pm|h)\b)
        |(?P<amount>-?(?:{currency})\s?-?{digits}(?:[{decimals}]\d{{1,2}})?(?!\d)
            |-?{digits}(?:[{decimals}]\d{{1,2}})?\s?(?:{currency})(?!\w)
            |-?{digits}[{decimals}]\d{{2}}(?![\d]|[./-]\d)|\d{{1,3}}(?:[{groups}]\d{{3}})+(?![\w-]))
        |(?P<code>\d+(?:[-/_][a-z0-9]+)+|[a-z][a-z0-9]*(?:[-/_][a-z0-9]+)+|[a-z]+\d[a-z0-9]*)
        |(?P<ordinal>\d{{1,2}}(?:ers?|res?|emes?|e|st|nd|rd|th|d)\b)
        |(?P<quarter_after>[1-4][tq]\b)
        |(?P<year2>'\d{{2}}\b)
        |(?P<integer>\d+)
        |(?P<sign>\#|n°|°)
        |(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)
        |(?P<dash>[-–/])|(?P<also>[&+])|(?P<stop>[,;.:!?()])|(?P<other>[^\s])
        """,
        re.VERBOSE,
    )


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a text, with typing errors corrected. A « du » before a stop or « quand » is « dû »."""
    plain = key(plain_text(text)).replace("s.v.p", "svp").replace("s.t.p", "stp").replace("c.-a-d", "")
    plain = _PREFIX.sub(r"\1", plain)
    plain = catalogue().ignored.sub(" ", re.sub(r"\bp\.d\.f\b\.?", "pdf", plain))
    found: list[Token] = []
    for match in _lexer().finditer(plain):
        found += _tokens(match.lastgroup or "", match[0])
    for position, token in enumerate(found):
        following = [each.text for each in found[position + 1 : position + 3]]
        is_last = not following or found[position + 1].kind in (Kind.STOP, Kind.OTHER, Kind.TIME)
        if token.text == "du" and (is_last or following[0] == "quand" or following == ["pour", "quand"]):
            found[position] = Token(Kind.WORD, "due")
    return found


def _tokens(group: str, text: str) -> Iterator[Token]:
    if group == "word":
        yield from _words(text)
    elif group == "code":
        yield from _code(text)
    elif group == "amount":
        yield _amount(text)
    elif group == "integer":
        yield Token(Kind.INTEGER, text, int(text) if len(text) < 20 else None)
    elif group == "ordinal":
        yield Token(Kind.ORDINAL, text, int(re.sub(r"\D", "", text)))
    elif group == "quarter_after":
        yield Token(Kind.QUARTER, text, int(text[0]))
    elif group == "year2":
        yield Token(Kind.SHORT_YEAR, text, 2000 + int(text[1:]))
    elif group == "also":
        yield Token(Kind.WORD, "and")
    else:
        kinds = {
            "date": Kind.DATE,
            "time": Kind.TIME,
            "sign": Kind.SIGN,
            "dash": Kind.DASH,
            "stop": Kind.STOP,
            "phone": Kind.OTHER,
        }
        yield Token(kinds.get(group, Kind.OTHER), text)


def _amount(text: str) -> Token:
    """Return an amount; digits in groups of three without decimals may be a number in groups: ``212 380``."""
    number = re.sub(r"[^\d.,' ]", "", text).strip(" .,'")
    has_decimals = re.search(r"[.,]\d{1,2}$", number)
    if not has_decimals and re.fullmatch(r"\d{3}(?: \d{3})+", text):
        return Token(Kind.CODE, number.replace(" ", ""))
    whole, fraction = (
        (number[: has_decimals.start()], number[has_decimals.start() + 1 :]) if has_decimals else (number, "")
    )
    value = Decimal(f"{re.sub(r'[^0-9]', '', whole) or '0'}.{fraction:0<2}")
    return Token(Kind.AMOUNT, "{amount}", -value if "-" in text else value)


def _code(text: str) -> Iterator[Token]:
    """Split words with a dash (``aide-moi``), months with a year (``oct-2025``), quarters (``t3-2025``)."""
    parts = re.split(r"([-/_])", text)
    quarter = re.fullmatch(r"[tq]([1-4])", parts[0])
    month = re.fullmatch(r"([a-z]{3,})(\d{2,})?", parts[0])
    is_month = month is not None and month[1] in catalogue().months
    is_noun = month is not None and len(month[1]) >= _SHORTEST_GLUED_NOUN and month[1] in INVOICES | ORDERS
    are_short_numbers = all(part.isdigit() and len(part) in (1, 2, 4) for part in parts[::2]) and len(parts) == 3
    are_same_length = are_short_numbers and len(parts[0]) == len(parts[2])
    if quarter and len(parts) == 1:
        yield Token(Kind.QUARTER, text, int(quarter[1]))
    elif len(parts) == 1 and (is_month or is_noun) and month and month[2]:
        yield from (*_words(month[1]), Token(Kind.INTEGER, month[2], int(month[2])))
    elif len(parts) == 1 and re.fullmatch(r"(?:ca|cad|usd)\d+", text):
        yield Token(Kind.AMOUNT, "{amount}", Decimal(re.sub(r"\D", "", text)).quantize(Decimal("0.01")))
    elif len(parts) > 1 and (quarter or is_month or are_same_length or not any(c.isdigit() for c in text)):
        for part in parts:
            if part in "-/_":
                yield Token(Kind.DASH, part)
            elif part:
                yield from (
                    token for match in _lexer().finditer(part) for token in _tokens(match.lastgroup or "", match[0])
                )
    else:
        yield Token(Kind.CODE, text)


def _words(text: str) -> Iterator[Token]:
    """Return a word without apostrophes: ``d'octobre`` is two words, ``month's`` and ``i'm`` lose their ends."""
    if text.startswith(("aujourd'hui", "quelqu'un")):
        text = text.replace("'", "")
    while match := _ELISION.match(text):
        yield Token(Kind.WORD, match[1])
        text = text[match.end() :]
    base, _, ending = text.partition("'")
    word = base + ending if ending == "t" or (ending and len(ending) > 2) else base
    for corrected in _corrected(word):
        yield Token(Kind.WORD, corrected)


@lru_cache(4096)
def _corrected(word: str) -> tuple[str, ...]:
    """Return the words that a written word stands for: itself, unless it is another spelling or a typing error."""
    words = catalogue()
    if word in words.spellings:
        return words.spellings[word]
    if word in words.known or len(word) < _SHORTEST_CORRECTED:
        return (word,)
    if word.endswith("s") and word[:-1] in words.months:
        return (word[:-1],)
    if word.endswith(("s", "x")) and word[:-1] in words.known:
        return (word,)
    glued = _GLUED.match(word)
    rest = word[glued.end() :] if glued else ""
    if glued and rest in words.known:
        return glued[0], rest
    if (nearest := _nearest(word, 2 if len(word) >= _SHORTEST_WITH_TWO_ERRORS else 1)) is not None:
        return (nearest,)
    if glued and len(rest) >= _SHORTEST_GLUED_WITH_ERROR and (nearest := _nearest(rest, 1)) is not None:
        return glued[0], nearest
    return (word,)


def _nearest(word: str, most: int) -> str | None:
    """Return the word of the catalogue that a typing error was made in, by optimal string alignment; None for none.

    Args:
        word: In ``folded`` form.
        most: Errors; a second one is allowed in words of 8 letters or more.
    """
    if len(word) > _LONGEST_WORD:
        return None
    found = process.extract(word, catalogue().corrected, scorer=OSA.distance, score_cutoff=most, limit=8)
    allowed = [(name, distance) for name, distance, _ in found if _is_likely(word, name, distance)]

    def unlikeness(candidate: tuple[str, float]) -> tuple[float, bool, bool, bool]:
        name, distance = candidate
        return distance, name[0] != word[0], name[-1] != word[-1], len(name) <= len(word)

    return min(allowed, key=unlikeness)[0] if allowed else None


def _is_likely(word: str, name: str, distance: float) -> bool:
    """Whether a word is a typing error of a word of the catalogue, and no other word.

    The first letter is right in short words, in words with two errors, and in those that begin with a negation:
    « relier » and "connect" are no typing errors of the opposite. In 4 letters, some are swapped or one is missing.
    """
    is_swapped = sorted(word) == sorted(name)
    if name[0] != word[0]:
        may_differ = is_swapped or (distance < 2 and len(name) >= _SHORTEST_WITH_OTHER_FIRST_LETTER)
        return may_differ and not name.startswith(_OPPOSITES)
    if distance >= 2:
        return len(name) > _SHORTEST_WITH_TWO_ERRORS
    return len(word) >= _SHORTEST_WITH_ANY_ERROR or is_swapped or len(name) > len(word)
