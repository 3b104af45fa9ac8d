"""Find the periods of a text: ``since january``, « entre le 1er et le 15 septembre », ``oct 2025 to mars``."""

import datetime
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from services.understanding.questions.catalogue import Catalogue
from services.understanding.questions.dates import MOST_LEADS, DateReader, Found
from services.understanding.questions.points import OPEN, Point, Span, range_of, since, span_of
from services.understanding.questions.sentences import Kind, Token


class Period(Struct, frozen=True):
    """A period of a text.

    Args:
        spans: What it may mean, one or two.
        start: The position of its first token.
        end: The position after its last token.
        is_bare_year: Only a year, without a word before it: it may be a number, too.
    """

    spans: tuple[Span, ...]
    start: int
    end: int
    is_bare_year: bool = False


class PeriodReader:
    """Finds the periods in the tokens of one text."""

    def __init__(self, tokens: Sequence[Token], words: Catalogue, today: datetime.date, *, is_day_first: bool) -> None:
        self._tokens = tokens
        self._today = today
        self._dates = DateReader(tokens, words, today, is_day_first=is_day_first)

    def periods(self) -> list[Period]:
        """Return the periods from left to right. Two open ones, since and until, are one."""
        found: list[Period] = []
        at = 0
        while at < len(self._tokens):
            period = self._period(at)
            if period is None:
                at += 1
                continue
            at = period.end
            if found and (merged := _between(found[-1], period)):
                found[-1] = merged
            else:
                found.append(period)
        return found

    def _period(self, at: int) -> Period | None:
        for name, opened in OPEN.items():
            after_word = self._dates.phrase(name, at)
            if after_word is None:
                continue
            point = self._point(after_word)
            back_from = self._dates.units_back(self._dates.without_lead(after_word))
            if name in ("older", "newer") or (back_from and name == "since"):
                point = back_from  # "under 2000" is no time
            if point is None or (
                name == "until" and self._dates.word(at) in ("a", "to", "through", "ending") and at == 0
            ):
                continue
            end = self._dates.phrase("to", point[1])
            last = self._point(end) if end is not None and name == "since" else None
            if last is not None:
                return self._range(at, point[0], last)
            spans = self._spans(point[0])
            return Period(tuple(opened(span) for span in spans), at, point[1]) if spans else None
        return self._closed(at)

    def _closed(self, at: int) -> Period | None:
        """Read a range, months that follow each other, or one point."""
        start = self._dates.phrase("from", at)
        first = self._point(start) if start is not None else None
        first = first or self._point(at)
        if first is None:
            day = self._day_of_range(at)
            return self._ranged(at, day) if day else None
        begin, middle = first[0], first[1]
        ranged = self._ranged(at, first)
        if ranged:
            return ranged
        joined = self._joined(at, first)
        if joined:
            return joined
        onwards = self._dates.phrase("onwards", middle)
        spans = self._spans(begin)
        if not spans:
            return None
        if onwards is not None and self._dates.word(at) in ("from", "starting", "de", "du", "depuis"):
            return Period(tuple(since(span) for span in spans), at, onwards)
        is_bare_year = len(begin) == 1 and replace(begin[0], year=None) == Point() and middle == at + 1
        return Period(spans, at, middle, is_bare_year)

    def _ranged(self, at: int, first: Found) -> Period | None:
        middle = first[1]
        to = middle + 1 if self._dates.kind(middle) is Kind.DASH else self._dates.phrase("to", middle)
        if to is None:
            return None
        last = self._point(to) or self._day_of_range(to)
        is_and = self._dates.word(middle) in ("et", "and")
        is_between = self._dates.word(at) in ("entre", "between")
        if last is None or (is_and and not is_between and not self._is_day_range(at, first, last)):
            return None
        return self._range(at, first[0], last)

    def _is_day_range(self, at: int, first: Found, last: Found) -> bool:
        return self._dates.word(at) in ("from", "du") and first[0][0].day is not None and last[0][0].day is not None

    def _range(self, at: int, firsts: list[Point], last: Found) -> Period | None:
        lasts, end = last
        if self._dates.phrase("last", end) is not None and lasts[0].fixed is None:
            end += 1
        most = max(len(firsts), len(lasts))
        pairs = [(firsts[min(i, len(firsts) - 1)], lasts[min(i, len(lasts) - 1)]) for i in range(most)]
        spans = [span for first, final in pairs if (span := range_of(first, final, self._today))]
        return Period(tuple(dict.fromkeys(spans)), at, end) if spans else None

    def _joined(self, at: int, first: Found) -> Period | None:
        """Read « août pis septembre »: one period if they touch, else two."""
        comma = self._dates.kind(first[1]) is Kind.STOP and self._tokens[first[1]].text == ","
        middle = first[1] + 1 if comma else self._dates.phrase("and", first[1])
        second = self._point(middle) if middle is not None else None
        if second is None or len(first[0]) > 1 or len(second[0]) > 1:
            return None
        one, other = range_of(first[0][0], second[0][0], self._today), self._spans(second[0])
        start = self._spans([replace(first[0][0], year=first[0][0].year or second[0][0].year)])
        if not one or not other or not start or not start[0].end or not other[0].start or first[0][0].fixed:
            return None
        third = self._joined(middle or 0, second)
        if third and len(third.spans) == 1 and self._touch(start[0], third.spans[0]):
            return Period((Span(start[0].start, third.spans[0].end),), at, third.end)
        if self._touch(start[0], other[0]) or (one.start and one.end and (one.end - one.start).days < 63):
            return Period((one,), at, second[1])
        return Period((start[0], other[0]), at, second[1])

    @staticmethod
    def _touch(first: Span, second: Span) -> bool:
        return bool(first.end and second.start and (second.start - first.end).days == 1)

    def _point(self, at: int) -> Found | None:
        """Read a point after articles, prepositions and « mois de », which may themselves begin it: « mois passé »."""
        begin: int | None = at
        for _ in range(MOST_LEADS):
            if begin is None:
                break
            if (point := self._dates.point(begin)) is not None:
                return point
            begin = self._dates.phrase("lead", begin)
        return None

    def _day_of_range(self, at: int) -> Found | None:
        """Read a day without a month, as in « du 1 au 15 septembre »."""
        begin = self._dates.without_lead(at)
        day = self._dates.day(begin)
        return ([Point(day=day[0])], day[1]) if day else None

    def _spans(self, points: Sequence[Point]) -> tuple[Span, ...]:
        return tuple(dict.fromkeys(span for point in points if (span := span_of(point, self._today))))


def _between(first: Period, second: Period) -> Period | None:
    """Return the period from an open beginning to an open end, in either order; None if they do not fit."""
    if len(first.spans) != 1 or len(second.spans) != 1:
        return None
    (one,), (other,) = first.spans, second.spans
    if one.end is None and other.start is None:
        return Period((Span(one.start, other.end),), first.start, second.end)
    if one.start is None and other.end is None:
        return Period((Span(other.start, one.end),), first.start, second.end)
    return None
