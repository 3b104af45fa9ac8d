"""The nouns for orders and invoices, and what stands beside them: numbers, and how many of the latest are meant."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
_LEAST_DIGITS_OF_CODE = 5
_MOST_TOKENS_OF_NUMBER = 4
_PDF = frozenset({"pdf", "pdfs"})
_RECENT = frozenset({("most", "recent"), *(("plus", word) for word in ("recent", "recente", "recents", "recentes"))})


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
    year: Period | None = field(default=None, repr=False)


class Nouns:
    """The nouns for orders and invoices, and the numbers beside them."""

    def __init__(self, words: Catalogue) -> None:
        self._invoices = INVOICES | words.lists["invoice_more"]
        self._orders = ORDERS | words.lists["order_more"] | words.lists["orders_more"]
        self._latest = words.lists["latest"]
        self._numbers = words.numbers
        self._units = words.lists["unit"]
        self._number_words = words.lists["number_word"]
        self._between = words.lists["between"] | self._number_words

    def part(self, word: str) -> Part | None:
        """Return what a word names."""
        if word in self._invoices:
            return Part.INVOICES
        return Part.ORDERS if word in self._orders else None

    def is_plural(self, word: str) -> bool:
        """Whether a word is a noun in the plural."""
        return self.part(word) is not None and word.endswith("s")

    def number(self, tokens: Sequence[Token], at: int, period: Period | None) -> Number | None:
        """Return the number that a token is, or None.

        Args:
            tokens: All of a text.
            at: The position of the token.
            period: What begins there, if it may be a date: a year after a noun is both.
        """
        token = tokens[at]
        following = tokens[at + 1].text if at + 1 < len(tokens) else ""
        is_of_another_kind = token.kind not in (Kind.CODE, Kind.INTEGER) or following in self._units
        if is_of_another_kind or len(token.text) > _LONGEST_NUMBER or (period and not period.is_bare_year):
            return None
        noun, is_named = self._before(tokens, at)
        follows_noun = self.part(noun) is not None or noun in _PDF
        number = Number(token.text.upper(), self.part(noun) or self.part(following))
        if is_named and follows_noun:
            return number
        if period is not None:
            is_single = follows_noun and tokens[at - 1].text == noun and not noun.endswith("s")
            return replace(number, year=period) if is_single else None
        if token.kind is Kind.CODE:
            has_prefix = "-" in token.text and not token.text[0].isdigit()
            is_shaped = has_prefix or sum(map(str.isdigit, token.text)) >= _LEAST_DIGITS_OF_CODE
            return number if is_shaped or follows_noun else None
        if len(token.text) >= _LEAST_CERTAIN_NUMBER or (is_named and len(tokens) <= _MOST_TOKENS_OF_NUMBER):
            return number
        return replace(number, amount=Decimal(token.text).quantize(Decimal("0.01"))) if follows_noun else None

    def _before(self, tokens: Sequence[Token], at: int) -> tuple[str, bool]:
        """Return the noun before a number, and whether a word between them says that it is a number.

        Returns: « facture » of « la facture no. 212380 », with True; another word where there is no noun.
        """
        is_named = False
        for before in range(at - 1, -1, -1):
            token = tokens[before]
            is_sign = token.kind is Kind.SIGN or token.text in self._number_words
            is_named = is_named or is_sign
            is_stop = token.text in (".", ":") and before > 0
            if self.part(token.text) is not None or not (is_sign or is_stop or token.text in self._between):
                return token.text, is_named
        return "", is_named

    def latest(self, words: list[str]) -> tuple[int | None, list[str]]:
        """Find « les 3 dernières factures », ``my latest invoice``, « le contrat le plus récent ».

        Returns: How many, or None; and the words without what was found.
        """
        for at, word in enumerate(words):
            length = 2 if tuple(words[at : at + 2]) in _RECENT else 1
            if length == 1 and word not in self._latest:
                continue
            behind = at + length
            count_before = self._count(words[at - 1]) if at else None
            count_after = self._count(words[behind]) if behind < len(words) else None
            first_noun = behind + (count_after is not None)
            near = [*words[first_noun : first_noun + 2], *(words[max(0, at - 2) : at] if length == 2 else [])]
            near_nouns = [each for each in near if self.part(each) or each in _PDF]
            count = count_before or count_after
            if not near_nouns and not (count and behind + (count_after is not None) == len(words)):
                continue  # « les 10 dernières » ends the text, and means those of the list before
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
