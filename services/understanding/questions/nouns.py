"""The nouns for orders and invoices, and what stands beside them: numbers, and how many of the latest are meant."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from portal.models import Part
from services.understanding.questions.catalogue import Catalogue
from services.understanding.questions.periods import Period
from services.understanding.questions.sentences import Kind, Token
from services.understanding.words import INVOICES, ORDERS

_LEAST_CERTAIN_NUMBER = 5
"""Digits of a number that is understood without the word "invoice" or "order"."""
_LONGEST_NUMBER = 40
_MOST_LATEST = 100
_UNITS = frozenset(
    {
        "km",
        "kilometres",
        "kilometers",
        "litres",
        "liters",
        "heures",
        "hours",
        "minutes",
        "jours",
        "days",
        "fois",
        "times",
    }
)
_NAMED = frozenset({"no", "numero", "number", "num", "nr", "nos", "reference", "ref"})
_BETWEEN = _NAMED | frozenset(
    {
        "de",
        "du",
        "des",
        "la",
        "le",
        "les",
        "l",
        "d",
        "of",
        "the",
        "for",
        "portant",
        "is",
        "with",
        "pour",
        "facture",
        "bill",
        "a",
        "about",
    }
)
_AMOUNT_WORDS = frozenset({"de", "a", "for", "of", "montant", "total", "amount", "pour"})


@dataclass(frozen=True, slots=True)
class Number:
    """The number of an order or invoice.

    Args:
        text: In upper case.
        part: What the noun beside it names, or None.
        amount: It may as well be this amount.
        year: It may as well be this year.
    """

    text: str = field(repr=False)
    part: Part | None
    amount: Decimal | None = field(default=None, repr=False)
    year: Period | None = None


class Nouns:
    """The nouns for orders and invoices, and the numbers beside them."""

    def __init__(self, words: Catalogue) -> None:
        self._invoices = INVOICES | words.nouns["invoice_more"]
        self._orders = ORDERS | words.nouns["order_more"] | words.nouns["orders_more"]
        self._latest = words.nouns["latest"]
        self._numbers = words.numbers

    def part(self, word: str) -> Part | None:
        """Return what a word names."""
        if word in self._invoices:
            return Part.INVOICES
        return Part.ORDERS if word in self._orders else None

    def is_plural(self, word: str) -> bool:
        """Whether a word is a noun in the plural."""
        return self.part(word) is not None and word.endswith("s")

    def number(self, tokens: Sequence[Token], at: int, period: Period | None) -> Number | None:
        """Return the number that a token is, or None."""
        token = tokens[at]
        if token.kind not in (Kind.CODE, Kind.INTEGER) or len(token.text) > _LONGEST_NUMBER:
            return None
        before = at - 1
        is_named = is_direct = False
        while before >= 0 and (
            tokens[before].kind is Kind.SIGN
            or tokens[before].text in _BETWEEN
            or (tokens[before].text == "." and before and tokens[before - 1].text in _NAMED)
        ):
            is_named = is_named or tokens[before].kind is Kind.SIGN or tokens[before].text in _NAMED
            if self.part(tokens[before].text) is not None:
                break
            before -= 1
        is_direct = before == at - 1
        noun = tokens[before].text if before >= 0 else ""
        part = self.part(noun) or (self.part(tokens[at + 1].text) if at + 1 < len(tokens) else None)
        follows_noun = before >= 0 and (self.part(noun) is not None or noun in ("pdf", "pdfs"))
        if token.kind is Kind.CODE:
            digits = sum(c.isdigit() for c in token.text)
            return Number(token.text.upper(), part) if digits >= 4 or "-" in token.text or follows_noun else None
        following = tokens[at + 1].text if at + 1 < len(tokens) else ""
        if following in _UNITS:
            return None
        if period is not None and not period.is_bare_year:
            return None
        if period is not None:  # a year, or the number 2025
            if is_named and follows_noun:
                return Number(token.text, part)
            is_single = follows_noun and is_direct and not noun.endswith("s")
            return Number(token.text, part, year=period) if is_single else None
        if len(token.text) >= _LEAST_CERTAIN_NUMBER:
            return Number(token.text, part)
        if not (follows_noun or (is_named and len(tokens) <= 4)) or (self.part(following) and not follows_noun):
            return None
        if is_named:
            return Number(token.text, part)
        return Number(token.text, part, amount=Decimal(token.text).quantize(Decimal("0.01")))

    def latest(self, words: list[str]) -> tuple[int | None, list[str]]:
        """Find « les 3 dernières factures », ``my latest invoice``, « le contrat le plus récent ».

        Returns: How many, or None; and the words without what was found.
        """
        for at, word in enumerate(words):
            length = (
                2
                if " ".join(words[at : at + 2])
                in ("most recent", "plus recent", "plus recente", "plus recents", "plus recentes")
                else 1
            )
            if length == 1 and word not in self._latest:
                continue
            behind = at + length
            count_before = self._count(words[at - 1]) if at else None
            count_after = self._count(words[behind]) if behind < len(words) else None
            first_noun = behind + (count_after is not None)
            near = [*words[first_noun : first_noun + 2], *(words[max(0, at - 2) : at] if length == 2 else [])]
            near_nouns = [each for each in near if self.part(each) or each in ("pdf", "pdfs")]
            if not near_nouns:
                continue
            count = count_before or count_after
            start = at - 1 if count_before is not None else at
            end = first_noun
            left = [*words[:start], "{latest}", *words[end:]]
            if count is None:
                is_list = near_nouns[0].endswith("s") and near_nouns[0] != "pdfs"
                return (None, [*words[:at], *words[behind:]]) if is_list else (1, left)
            return (count if count <= _MOST_LATEST else None), left
        return None, words

    def _count(self, word: str) -> int | None:
        if word.isdigit() and len(word) <= 3:
            return int(word) or None
        return self._numbers.get(word)
