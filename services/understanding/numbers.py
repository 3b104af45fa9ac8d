"""Find what may be the number of an order or invoice in typed text. The portal decides what is one.

A number of any shape is left as it is: only the words and the punctuation around it are taken away.
"""

import re
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from portal.models import Part
from portal.numbers import MOST_CHARACTERS
from services.understanding.normalising import EDGES, plain_text, trimmed
from services.understanding.words import is_filler, is_small, key_of, part_of

MOST_SPELLINGS = 4
_SIGNS = frozenset({"n°", "no", "nr", "num", "numero", "numéro", "number", "#"})
_MOST_WORDS = 5
"""Words of a number with spaces in it; a text with more is a sentence."""
_MOST_WORDS_WITHOUT_DIGIT = 3
_LONGEST_WITHOUT_DIGIT = 40
_MOST_GROUPED = 4
"""Digits of the longest group of a number that is written in groups."""
_MOST_OF_SMALL = 2
"""Digits of a count or a day: in a sentence they are no number."""
_LONGEST_SENTENCE = 1_000
"""Characters of the longest text in which numbers are looked for."""
_SENTENCE = " .,;:!?…"
_FILE_NAME = re.compile(
    r"(?:(?:note[-_ ]de[-_ ]cr[eé]dit|credit[-_ ]note|[^\W\d]+)[-_ ])?(\S*\d\S*)\.pdf", re.IGNORECASE
)
"""The name of a PDF: ``Facture-212380.pdf``, ``Note-de-credit-240204.pdf``."""
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_MISTYPED = re.compile(r"(?=.*\d)(?=.*[OoIl])[\dOoIl]{5,}")
_LETTERS_AS_DIGITS = str.maketrans("OoIl", "0011")
_LEAST_OF_MISTYPED = 3
_PREFIXED = re.compile(r"(?:0+|[a-z]{1,4}[-_ ]?)([1-9]\d{4,})", re.IGNORECASE)
"""A number with more before it than the portal has: ``FA-240130``, ``0240130``."""
_GROUPS = re.compile(r"\d{1,4}(?:-\d{1,4})+")
_GLUED = re.compile(
    r"(?:(?:facture|invoice|commande|order|fact|inv|cmd|cde|po|bill|ref|num|numero|number|nr|no|n)\s*[:#=°]+|n[o°]?\.|#)"
    r"(?=[^\s.])",
    re.IGNORECASE,
)

_MEASURES = {word for line in (
    "jour jours day days semaine semaines week weeks mois month months an ans annee annees year years h heure",
    "heures hour hours am pm min minute minutes km kilometres miles litres % pourcent percent fois times net",
    "janvier janv fevrier fevr fev mars avril avr mai juin juillet juil aout septembre sept sep octobre oct",
    "novembre nov decembre dec january jan february feb march mar april apr may june jun july jul august aug",
    "september october november december",
) for word in line.split()}  # fmt: skip
"""Words that say that the number beside them is a date or a measure, as ``key_of`` returns them."""


class NumberText(Struct, frozen=True):
    """What may be a number.

    Args:
        text: One line of at most 100 characters, without the words around it.
        part: What the text calls it, or None.
        is_named: The text calls it an invoice, an order or a number.
        whole: With the noun or sign before it, which may be a part of the number: ``CMD 8``; empty if there is none.
    """

    text: str
    part: Part | None = None
    is_named: bool = False
    whole: str = ""

    @property
    def has_digit(self) -> bool:
        """Whether it has a digit."""
        return any(c.isdigit() for c in self.text)


def number_in(text: str) -> NumberText | None:
    """Find what may be a number: ``facture 212380 svp``, ``inv-2026-7.``, ``QWERT``.

    Returns:
        None for a text that cannot be one: nothing but other words, an address, a long sentence without a digit.
    """
    if len(text) > _LONGEST_SENTENCE:
        return None
    every = [segment for word in plain_text(text).split() if "@" not in word and (segment := _last_segment(word))]
    words = _core(every)
    before = every[every.index(words[0]) - 1] if words and every.index(words[0]) else ""
    whole = " ".join([before, *words]).strip(_SENTENCE) if before and not is_small(before) else ""
    around = [word for word in every if word not in words]
    is_named = part_of(around) is not None or any(word.strip(EDGES).lower() in _SIGNS for word in around)
    if words and (label := _GLUED.match(words[0].lstrip(EDGES))):
        whole = " ".join(words).strip(_SENTENCE)
        around.append(label.group().rstrip(":#=°. "))
        words[0], is_named = words[0].lstrip(EDGES)[label.end() :], True
    with_digit = [word for word in words if any(c.isdigit() for c in word)]
    if len(with_digit) < len(words):
        with_digit = _without_counts(words)
        if len(words) > _MOST_WORDS:
            with_digit = _in_sentence(words, with_digit, before)
    if len(words) > _MOST_WORDS or (not with_digit and len(words) > _MOST_WORDS_WITHOUT_DIGIT):
        words = [trimmed(word) for word in with_digit[: MOST_SPELLINGS - 1]]
    core = " ".join(words).strip(_SENTENCE)
    if with_digit and len(core) > MOST_CHARACTERS:
        core = trimmed(with_digit[0])
    longest = MOST_CHARACTERS if with_digit else _LONGEST_WITHOUT_DIGIT
    if not core or len(core) > longest or (not with_digit and "'" in core):
        return None
    typed = " ".join(text.split()).strip(_SENTENCE)
    if len(typed.split()) == len(whole.split()):
        whole = typed  # as it was written: a number may have a sign that is normalised, such as №
    return NumberText(core, part_of(around), is_named, whole if with_digit and len(whole) <= MOST_CHARACTERS else "")


def spellings(text: str) -> tuple[str, ...]:
    """Return the numbers to look up for ``NumberText.text``, the likeliest first, at most ``MOST_SPELLINGS``.

    ``240 934`` may be ``240 934`` or ``240934``; of ``240934 et 240935`` each word may be one.
    """
    line = " ".join(text.split())
    words = [trimmed(word) for word in line.split()]
    found = [trimmed(line)]
    if len(words) > 1 and all(word.isdigit() and len(word) <= _MOST_GROUPED for word in words):
        found.insert(0, "".join(words))
    elif len(words) > 1:
        found += _with_joined_groups(words)
    elif _THOUSANDS.fullmatch(found[0]):
        found.append(re.sub("[.,]", "", found[0]))
    elif _MISTYPED.fullmatch(found[0]) and sum(map(str.isdigit, found[0])) >= _LEAST_OF_MISTYPED:
        found.append(found[0].translate(_LETTERS_AS_DIGITS))
    elif prefixed := _PREFIXED.fullmatch(found[0]):
        found.append(prefixed[1])
    elif _GROUPS.fullmatch(found[0]):
        found.append(found[0].replace("-", ""))
    if line != found[-1]:
        found.append(line)
    unique = dict.fromkeys(each for each in found if len(each) <= MOST_CHARACTERS and any(map(str.isalnum, each)))
    return tuple(unique)[:MOST_SPELLINGS]


def _with_joined_groups(words: list[str]) -> list[str]:
    """Return the words with a digit; groups side by side are one: ``240 128 et 240129`` has two numbers."""
    found: list[str] = []
    is_behind_group = False
    for word in words:
        is_group = word.isdigit() and len(word) <= _MOST_GROUPED
        if is_group and is_behind_group:
            found[-1] += word
        elif any(c.isdigit() for c in word):
            found.append(word)
        is_behind_group = is_group
    return found


def whole_spellings(whole: str) -> tuple[str, ...]:
    """Return the numbers to look up for ``NumberText.whole``: for ``INV 2026 7`` also with hyphens, and in one word."""
    words = whole.split()
    return tuple(dict.fromkeys((" ".join(words), "-".join(words), "".join(words)))) if words else ()


def is_several(text: str) -> bool:
    """Whether ``NumberText.text`` has several words that may each be a number: ``240934 et 240935``."""
    words = [trimmed(word) for word in text.split()]
    is_grouped = all(word.isdigit() and len(word) <= _MOST_GROUPED for word in words)
    return not is_grouped and sum(any(c.isdigit() for c in word) for word in words) > 1


def skeleton(number: str) -> str:
    """Return a number without punctuation and case: ``INV-2026/7`` and ``inv 2026 7`` have the same."""
    return "".join(c for c in plain_text(number).casefold() if c.isalnum())


def _core(words: list[str]) -> list[str]:
    """Return the words without fillers at either end."""
    first, last = 0, len(words)
    while first < last and is_filler(words[first]):
        first += 1
    while last > first and is_filler(words[last - 1]):
        last -= 1
    return words[first:last]


def _without_counts(words: list[str]) -> list[str]:
    """Return the words with a digit, without those of dates and measures: ``90 days``, « 31 mars 2026 », ``Dec 1``."""
    keys = [trimmed(word) for word in words]
    found = []
    for at, word in enumerate(words):
        is_count = keys[at].isdigit() and len(keys[at]) <= _MOST_GROUPED
        near = [*keys[max(0, at - 1) : at], *keys[at + 1 : at + 2]]
        if any(c.isdigit() for c in word) and not (is_count and any(key_of(each) in _MEASURES for each in near)):
            found.append(word)
    return found


def _in_sentence(words: list[str], with_digit: list[str], before: str) -> list[str]:
    """Return the numbers of a sentence: groups that stand side by side are one, small ones need a noun before them.

    Args:
        before: The word before the first one.
    """
    found: list[str] = []
    last = -2
    for at, word in enumerate(words):
        if word not in with_digit:
            continue
        key = trimmed(word)
        is_group = key.isdigit() and len(key) <= _MOST_GROUPED
        if is_group and last == at - 1 and found and found[-1].isdigit():
            found[-1] += key
        elif not is_group or len(key) > _MOST_OF_SMALL or _names_number(words[at - 1] if at else before):
            found.append(key if is_group else word)
        last = at if is_group else -2
    are_short = all(word.isdigit() and len(word) <= _MOST_GROUPED for word in found)
    return found[:1] if are_short else found


def _names_number(word: str) -> bool:
    return part_of([word]) is not None or word.strip(EDGES).lower() in _SIGNS


def _last_segment(word: str) -> str:
    """Return the number in a link to the portal or in a file's name; any other word as it is."""
    if file := _FILE_NAME.fullmatch(word.strip(EDGES)):
        return file[1]
    if "://" not in word:
        return word
    try:
        path = unquote(urlsplit(word.strip(EDGES)).path)
    except ValueError:
        return ""
    return next((part for part in reversed(path.split("/")) if any(c.isdigit() for c in part)), "")
