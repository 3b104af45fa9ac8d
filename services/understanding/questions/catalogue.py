"""The sentences and words of both languages, from ``texts/*/questions.toml`` and CLDR, built at first use."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from babel import Locale
from msgspec import Struct

from services.understanding.normalising import folded
from services.understanding.questions.templates import compiled, key
from services.understanding.words import INVOICES, ORDERS, POLITE
from texts.language import Language

Phrases = Mapping[str, Sequence[tuple[str, ...]]]
"""By their first word: phrases as words, the longest first."""


class Cue(Struct, frozen=True):
    """Words of a text that a template of the catalogue fits.

    Args:
        name: The group of templates in the catalogue.
        start: The position of its first word.
        end: The position after its last word.
    """

    name: str
    start: int
    end: int


class Catalogue(Struct, frozen=True):
    """The words of both languages; every word is in ``folded`` form.

    Args:
        templates: By the first word: pairs of a group and the pattern of a template that begins so.
        corrected: Words in which typing errors are corrected.
        known: Words that are no typing errors.
        spellings: Other spellings, each with the words it stands for.
        ignored: Phrases in which a word does not mean what it means elsewhere.
        noise: Words without a meaning of their own.
        light: Words that only stand around a request.
        months: Names of months, 1 to 12.
        numbers: Words for numbers.
        calendar: The phrases around dates, by name.
        lists: The lists that are single words.
        only: The words that only one language has.
    """

    templates: Mapping[str, Sequence[tuple[str, str]]]
    corrected: tuple[str, ...]
    known: frozenset[str]
    spellings: Mapping[str, tuple[str, ...]]
    ignored: re.Pattern[str]
    noise: frozenset[str]
    light: frozenset[str]
    months: Mapping[str, int]
    numbers: Mapping[str, int]
    calendar: Mapping[str, Phrases]
    lists: Mapping[str, frozenset[str]]
    only: Mapping[Language, frozenset[str]]

    def cues(self, words: Sequence[str]) -> list[Cue]:
        """Return the longest match of every group at every word. ``words`` has no noise."""
        text = "".join(f" {word}" for word in words)
        found = []
        offset = 0
        for position, word in enumerate(words):
            longest: dict[str, int] = {}
            for name, pattern in self.templates.get(word, ()):
                if match := _compile(pattern).match(text, offset):
                    longest[name] = max(longest.get(name, 0), match[0].count(" "))
            found += [Cue(name, position, position + length) for name, length in longest.items()]
            offset += len(word) + 1
        return found


@cache
def catalogue() -> Catalogue:
    """Return the catalogue; the first call reads and compiles it."""
    data = {language: _read(language) for language in Language}
    noise = frozenset(word for each in data.values() for word in key(each["noise"]).split())
    lists = _merged_lists(data.values())
    months = {name: number for language in Language for name, number in _months(language, data[language]).items()}
    numbers = {word: value for each in data.values() for word, value in each["numbers"].items()}
    spellings = {
        folded(word): tuple(folded(to).split()) for each in data.values() for word, to in each["spellings"].items()
    }
    calendar: dict[str, set[tuple[str, ...]]] = {}
    for each in data.values():
        for name, phrases in each["calendar"].items():
            calendar.setdefault(name, set()).update(tuple(folded(phrase).split()) for phrase in phrases)
    by_first: dict[str, list[tuple[str, str]]] = {}
    template_words: dict[Language, set[str]] = {}
    for language, each in data.items():
        of_language = template_words[language] = set()
        for name, templates in each["cues"].items():
            for template in templates:
                result = compiled(template, lists, noise)
                if result.is_optional:
                    raise ValueError(f"a template that fits no words: {template!r}")
                of_language |= set(key(re.sub(r"<\w+>|[()\[\]|]", " ", template)).split())
                for word in result.first:
                    by_first.setdefault(word, []).append((name, result.pattern))
        for text in each["lists"].values():
            of_language |= set(key(text.replace("|", " ")).split())
    calendar_words = {word for phrases in calendar.values() for phrase in phrases for word in phrase}
    vocabulary = (
        set().union(*template_words.values()) - noise | calendar_words | months.keys() | numbers.keys()
    ) | _list_words(lists)
    known = frozenset(word for each in data.values() for word in key(each["known"]).split())
    for language, each in data.items():
        template_words[language] |= set(key(each["known"] + each["noise"]).split())
    french, english = template_words[Language.FR], template_words[Language.EN]
    return Catalogue(
        templates=by_first,
        corrected=tuple(sorted({word for each in data.values() for word in key(each["corrected"]).split()})),
        known=known | noise | POLITE | vocabulary,
        spellings=spellings,
        ignored=re.compile(
            rf"\b(?:{'|'.join(re.escape(key(phrase)) for each in data.values() for phrase in each['ignored'])})\b"
        ),
        noise=noise,
        light=frozenset(word for each in data.values() for word in key(each["light"]).split()),
        months=months,
        numbers=numbers,
        calendar={name: _by_first_word(phrases) for name, phrases in calendar.items()},
        lists={name: frozenset(text.split("|")) for name, text in lists.items() if not re.search(r"[\s<(\[]", text)},
        only={Language.FR: frozenset(french - english), Language.EN: frozenset(english - french)},
    )


def _list_words(lists: Mapping[str, str]) -> set[str]:
    """Return the words of all lists."""
    return {word for text in lists.values() for word in key(re.sub(r"<\w+>|[()\[\]|]", " ", text)).split()}


def _read(language: Language) -> dict[str, Any]:
    return tomllib.loads(files("texts").joinpath(language.locale, "questions.toml").read_text("utf-8"))


def _merged_lists(data: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the lists of both languages as one; the nouns come from ``words``."""
    merged: dict[str, list[str]] = {"invoice": sorted(INVOICES), "order": sorted(ORDERS)}
    for each in data:
        for name, text in each["lists"].items():
            merged.setdefault(name, []).append(text)
    merged["invoice"] += merged["invoice_more"]
    merged["order"] += merged["order_more"] + merged["orders_more"]
    return {name: key("|".join(texts)) for name, texts in merged.items()}


def _months(language: Language, data: Mapping[str, Any]) -> dict[str, int]:
    """Return the names of the months, whole and abbreviated, by CLDR and by the catalogue."""
    names: dict[str, int] = dict(data["months"])
    forms = Locale.parse(language.locale).months
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            names |= {folded(name).rstrip("."): number for number, name in forms[context][width].items()}
    return names


def _by_first_word(phrases: Iterable[tuple[str, ...]]) -> Phrases:
    found: dict[str, list[tuple[str, ...]]] = {}
    for phrase in sorted(phrases, key=len, reverse=True):
        found.setdefault(phrase[0], []).append(phrase)
    return found


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    """Compile a template at its first use: all of them take half a second."""
    return re.compile(pattern + "(?= |$)")
