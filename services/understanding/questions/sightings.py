"""Put what a text has together: its words with placeholders for what was found, and the slots."""

import datetime
from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from portal.models import Part
from services.understanding.questions.amounts import with_spelled_amounts
from services.understanding.questions.catalogue import Catalogue, Cue, catalogue
from services.understanding.questions.nouns import Nouns, Number
from services.understanding.questions.periods import Period, PeriodReader
from services.understanding.questions.questions import State
from services.understanding.questions.sentences import Kind, Token
from services.understanding.words import FILLERS
from texts.language import Language

_LEAST_DIGITS = 3
"""Digits of an integer that may be an amount, ``invoices over 500``; shorter ones are hours, days and ordinals."""

_PRIORITY = (
    State.CREDIT, State.OVERDUE, State.UNPAID, State.CANCELLED, State.ENDING, State.ENDED, State.ACTIVE, State.PAID,
)  # fmt: skip


class Sightings(Struct, frozen=True):
    """What was found in a text.

    Args:
        words: Its words without noise; ``{number}`` and the like stand for what was found.
        cues: What the templates found in ``words``.
        periods: Its periods, from left to right.
        today: The date from which they were counted.
        amounts: Its amounts.
        numbers: Its numbers of orders and invoices.
        latest: The newest so many, or None.
        parts: What its nouns name.
        is_plural: A noun is plural, so that a list is meant.
        asks_whether_paid: « est-elle payée », ``is it paid``; not « celles qui sont payées ».
    """

    words: tuple[str, ...]
    cues: tuple[Cue, ...]
    periods: tuple[Period, ...]
    today: datetime.date
    amounts: tuple[Decimal, ...]
    numbers: tuple[Number, ...]
    latest: int | None
    parts: tuple[Part, ...]
    is_plural: bool
    asks_whether_paid: bool

    def has_word(self, name: str) -> bool:
        """Whether it has a word of a list of the catalogue."""
        return not catalogue().lists[name].isdisjoint(self.words)

    @property
    def state(self) -> State | None:
        """The state that the words name, the more particular of several; None also for one that is denied."""
        found = {"paid" if cue.name == "paid_adjective" else cue.name for cue in self.cues}
        return next((state for state in _PRIORITY if state in found), None)

    @property
    def is_light(self) -> bool:
        """Whether the words outside of cues only stand around a request, so that nothing else is spoken of."""
        covered = {at for cue in self.cues for at in range(cue.start, cue.end)}
        light = FILLERS | catalogue().light
        return all(at in covered or word in light or not word.isalpha() for at, word in enumerate(self.words))

    def has(self, *names: str) -> bool:
        """Whether a cue has one of these names."""
        return any(cue.name in names for cue in self.cues)


def sighted(tokens: Sequence[Token], words: Catalogue, today: datetime.date, chat: Language) -> Sightings:
    """Find everything in the tokens of a text. ``chat``: the language of a text that could be of both."""
    language = _language(tokens, words) or chat
    tokens = with_spelled_amounts(tokens, words)
    nouns = Nouns(words)
    periods, numbers, left = [], [], []
    taken = {
        period.start: period
        for period in PeriodReader(tokens, words, today, is_day_first=language is not Language.EN).periods()
    }
    at = 0
    while at < len(tokens):
        period = taken.get(at)
        number = nouns.number(tokens, at, period)
        if number is not None and (period is None or number.year is not None):
            numbers.append(number)
            left.append("{number}")
            at += 1
            continue
        if period is not None:
            periods.append(period)
            left.append("{period}")
            at = period.end
            continue
        left += _word(tokens[at], words)
        at += 1
    latest, left = nouns.latest(left)
    parts = tuple(dict.fromkeys(part for word in left if (part := nouns.part(word))))
    amounts = tuple(token.value for token in tokens if token.kind is Kind.AMOUNT and isinstance(token.value, Decimal))
    return Sightings(
        tuple(left), tuple(words.cues(left)), tuple(periods), today, amounts, tuple(numbers), latest, parts,
        any(nouns.is_plural(word) for word in left), _asks_whether_paid(tokens, words),
    )  # fmt: skip


def _word(token: Token, words: Catalogue) -> list[str]:
    if token.kind is Kind.INTEGER and len(token.text) >= _LEAST_DIGITS:
        return ["{integer}"]
    if token.kind is Kind.WORD or token.kind is Kind.INTEGER:
        return [] if token.text in words.noise else [token.text]
    if token.kind is Kind.AMOUNT:
        return ["{amount}"]
    if token.kind is Kind.TIME:
        return ["{time}"]
    if token.kind is Kind.SIGN:
        return ["#"]
    return []


def _asks_whether_paid(tokens: Sequence[Token], words: Catalogue) -> bool:
    spoken = [token.text for token in tokens if token.kind is Kind.WORD]
    if not words.lists["selecting"].isdisjoint(spoken):
        return False
    for at, word in enumerate(spoken):
        if word not in words.lists["paid_word"]:
            continue
        before = at - 1
        while before >= 0 and spoken[before] in words.lists["after_be"]:
            before -= 1
        if before >= 0 and spoken[before] in words.lists["be"]:
            return True
    return bool(spoken) and spoken[0] in ("is", "are", "was", "were") and "paid" in spoken


def _language(tokens: Sequence[Token], words: Catalogue) -> Language | None:
    counts = {
        language: sum(token.text in only for token in tokens if token.kind is Kind.WORD)
        for language, only in words.only.items()
    }
    french, english = counts[Language.FR], counts[Language.EN]
    return None if french == english else Language.FR if french > english else Language.EN
