"""Read amounts and numbers in words: ``two hundred and fifty dollars``, « 75 piasses »."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from services.understanding.questions.catalogue import Catalogue
from services.understanding.questions.sentences import Kind, Token

_CURRENCY_WORDS = frozenset(
    {"dollar", "dollars", "piastre", "piastres", "piasse", "piasses", "buck", "bucks", "cad", "usd", "$"}
)
_CENTS = frozenset({"cent", "cents", "sou", "sous", "cenne", "cennes"})


def with_spelled_amounts(tokens: list[Token], words: Catalogue) -> list[Token]:
    """Replace ``88 dollars``, ``forty dollars and nineteen cents`` by amounts, thousands in words by numbers."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        value, end = _spelled(tokens, at, words)
        if value is None:
            found.append(tokens[at])
            at += 1
            continue
        currency = tokens[end].text if end < len(tokens) else ""
        if currency in _CURRENCY_WORDS:
            amount, end = Decimal(value), end + 1
            joint = end + 1 if end < len(tokens) and tokens[end].text in ("et", "and") else end
            cents, after = _spelled(tokens, joint, words, _CENTS)
            if (
                cents is not None
                and cents < 100
                and (joint > end or (after < len(tokens) and tokens[after].text in _CENTS))
            ):
                amount += Decimal(cents) / 100
                end = after + (after < len(tokens) and tokens[after].text in _CENTS)
            found.append(Token(Kind.AMOUNT, "{amount}", amount.quantize(Decimal("0.01"))))
        elif end - at > 1 and value >= 1000 and tokens[at].kind is Kind.WORD:
            found.append(Token(Kind.INTEGER, str(value), value))
        else:
            found += tokens[at:end]
        at = end
    return [
        replace(token, text="{amount}") if token.kind is Kind.AMOUNT else token
        for position, token in enumerate(found)
        if not (token.text in _CURRENCY_WORDS and position and found[position - 1].kind is Kind.AMOUNT)
    ]


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
