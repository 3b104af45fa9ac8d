"""Read amounts and numbers in words: ``two hundred and fifty dollars``, « 75 piasses »."""

from collections.abc import Sequence
from decimal import Decimal

from services.understanding.questions.catalogue import Catalogue
from services.understanding.questions.sentences import Kind, Token

_LEAST_SPELLED_NUMBER = 1000
"""Smaller numbers in words are left to dates, and to how many of the latest are meant."""


def with_spelled_amounts(tokens: Sequence[Token], words: Catalogue) -> list[Token]:
    """Replace ``88 dollars``, ``forty dollars and nineteen cents`` by amounts, thousands in words by numbers."""
    currencies = words.lists["currency"]
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        value, end = _spelled(tokens, at, words)
        is_repeated = tokens[at].text in currencies and bool(found) and found[-1].kind is Kind.AMOUNT  # "$40.19 cad"
        if value is None:
            found += [] if is_repeated else [tokens[at]]
            at += 1
            continue
        if end < len(tokens) and tokens[end].text in currencies:
            cents, end = _cents(tokens, end + 1, words)
            found.append(Token(Kind.AMOUNT, "{amount}", Decimal(value * 100 + cents).scaleb(-2)))
        elif end - at > 1 and value >= _LEAST_SPELLED_NUMBER and tokens[at].kind is Kind.WORD:
            found.append(Token(Kind.INTEGER, str(value), value))
        else:
            found += tokens[at:end]
        at = end
    return found


def _cents(tokens: Sequence[Token], at: int, words: Catalogue) -> tuple[int, int]:
    """Return what follows the dollars, ``and nineteen cents``, and the position after it; 0 for nothing."""
    has_joint = at < len(tokens) and tokens[at].text in ("et", "and")
    value, end = _spelled(tokens, at + has_joint, words, words.lists["cent"])
    has_unit = end < len(tokens) and tokens[end].text in words.lists["cent"]
    if value is None or value >= 100 or not (has_joint or has_unit):
        return 0, at
    return value, end + has_unit


def _spelled(
    tokens: Sequence[Token], at: int, words: Catalogue, end_words: frozenset[str] = frozenset()
) -> tuple[int | None, int]:
    """Return a whole number in digits or in words, ``two hundred and fifty``, and the position after it."""
    if at < len(tokens) and tokens[at].kind is Kind.INTEGER and isinstance(tokens[at].value, int):
        return int(tokens[at].value or 0), at + 1
    total = group = 0
    end, begin = at, at
    while end < len(tokens):
        text = tokens[end].text
        value = words.numbers.get(text) if tokens[end].kind is Kind.WORD and text not in end_words else None
        is_joint = text in ("et", "and", "-") and end > begin and end + 1 < len(tokens)
        if value is None and is_joint and tokens[end + 1].text in words.numbers:
            end += 1
            continue
        if value is None:
            break
        if value == 1000:
            total, group = total + max(group, 1) * 1000, 0
        elif value == 100 or (value == 20 and 0 < group % 100 < 10 and group % 100 == 4):
            group = (group - group % 100) + max(group % 100, 1) * value
        else:
            group += value
        end += 1
    return (total + group, end) if end > begin else (None, at)
