"""Compile templates of sentences: ``(stop|cease) [sending] <notice>`` becomes a regular expression over words.

``(a|b)``: one of them; ``[a|b]``: one of them or nothing; ``<name>``: a list of the catalogue; ``...``: up to three
words, none of them a negation.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from services.understanding.normalising import folded

_PART = re.compile(r"\.\.\.|[()\[\]|]|<\w+>|[^\s()\[\]|<>]+")
_GAP = r"(?: (?!(?:pas|jamais|dont|not|never|ne|n)(?= |$))\S+){0,3}?"
"""Words between others; a negation among them would say the opposite."""
_OWED = re.compile(r"\bd[ûÛ](?:e|s|es)?\b", re.IGNORECASE)
_PARTICIPLE = re.compile(r"\b(termin|achev|expir|complét)[éÉ](s?)\b", re.IGNORECASE)
_CLOSING = {"(": ")", "[": "]"}


class Compiled(Struct, frozen=True):
    """A template as a pattern over words that each have a space before them.

    Args:
        pattern: The source of the regular expression.
        first: The words that can begin a match.
        is_optional: The pattern matches no word, too.
        words: Every word of the template.
    """

    pattern: str
    first: frozenset[str]
    is_optional: bool
    words: frozenset[str]


def key(text: str) -> str:
    """Return text in the form in which templates are compared: ``folded``.

    « dû » stays different from the article « du », and « terminé » from « termine ».
    """
    return folded(_PARTICIPLE.sub(r"\1ée\2", _OWED.sub("due", text)))


def compiled(template: str, lists: Mapping[str, str], noise: frozenset[str]) -> Compiled:
    """Compile a template.

    Args:
        template: What a translator wrote.
        lists: The templates that ``<name>`` stands for.
        noise: Words to leave out.

    Raises:
        ValueError: A bracket has no partner, or a list is unknown.
    """
    parts = _PART.findall(key(template))
    result, end = _alternatives(parts, 0, lists, noise)
    if end != len(parts):
        raise ValueError(f"a closing bracket has no partner: {template!r}")
    return result


def _alternatives(parts: list[str], at: int, lists: Mapping[str, str], noise: frozenset[str]) -> tuple[Compiled, int]:
    found = []
    while True:
        sequence, at = _sequence(parts, at, lists, noise)
        found.append(sequence)
        if at == len(parts) or parts[at] != "|":
            break
        at += 1
    # An alternative of noise only would make its group optional.
    found = [each for each in found if each.pattern] or found[:1]
    if len(found) == 1:
        return found[0], at
    return (
        Compiled(
            "(?:" + "|".join(each.pattern for each in found) + ")",
            frozenset().union(*(each.first for each in found)),
            any(each.is_optional for each in found),
            frozenset().union(*(each.words for each in found)),
        ),
        at,
    )


def _sequence(parts: list[str], at: int, lists: Mapping[str, str], noise: frozenset[str]) -> tuple[Compiled, int]:
    pattern, is_optional = "", True
    first: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    while at < len(parts) and parts[at] not in ("|", ")", "]"):
        item, at = _item(parts, at, lists, noise)
        pattern += item.pattern
        words |= item.words
        if is_optional:
            first |= item.first
            is_optional = item.is_optional
    return Compiled(pattern, first, is_optional, words), at


def _item(parts: list[str], at: int, lists: Mapping[str, str], noise: frozenset[str]) -> tuple[Compiled, int]:
    part = parts[at]
    if part == "...":
        return Compiled(_GAP, frozenset(), True, frozenset()), at + 1
    if part[0] == "<":
        name = part[1:-1]
        if name not in lists:
            raise ValueError(f"the catalogue has no list {name!r}")
        inner = compiled(lists[name], lists, noise)
        return Compiled(f"(?:{inner.pattern})", inner.first, inner.is_optional, inner.words), at + 1
    if part in _CLOSING:
        inner, end = _alternatives(parts, at + 1, lists, noise)
        if end == len(parts) or parts[end] != _CLOSING[part]:
            raise ValueError(f"a bracket has no partner: {' '.join(parts)!r}")
        if part == "[":
            return Compiled(f"(?:{inner.pattern})?", inner.first, True, inner.words), end + 1
        return Compiled(f"(?:{inner.pattern})", inner.first, inner.is_optional, inner.words), end + 1
    if part in noise:
        return Compiled("", frozenset(), True, frozenset()), at + 1
    return Compiled(f" {re.escape(part)}", frozenset({part}), False, frozenset({part})), at + 1
