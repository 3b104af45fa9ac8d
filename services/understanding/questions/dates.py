"""Read one date, month, quarter or year from tokens, as people write it in both languages."""

import datetime
import re
from collections.abc import Sequence

from services.understanding.questions.catalogue import Catalogue
from services.understanding.questions.points import SEASONS, UNITS, Point, back, relative, shifted
from services.understanding.questions.sentences import Kind, Token

Found = tuple[list[Point], int]
"""The points that the tokens may mean, one or two, and the position after them."""
_YEARS = range(2000, 2100)
_MOST_UNITS = 240
MOST_LEADS = 6
"""Articles and prepositions before a date: more of them are no text, and reading them takes time."""
_LAST_DAY = 31
_DECEMBER = 12
_MODAL_MAY = frozenset(
    {"i", "you", "we", "u", "it", "one", "that", "who", "he", "she", "they", "have", "be", "not", "ask"}
)


class DateReader:
    """Reads points from the tokens of one text."""

    def __init__(self, tokens: Sequence[Token], words: Catalogue, today: datetime.date, *, is_day_first: bool) -> None:
        self._tokens = tokens
        self._words = words
        self._today = today
        self._is_day_first = is_day_first

    def phrase(self, name: str, at: int) -> int | None:
        """Return the position after a phrase of the calendar that begins at a token; None if none does."""
        first = self.word(at)
        for phrase in self._words.calendar[name].get(first, ()) if first else ():
            if all(self.word(at + offset) == word for offset, word in enumerate(phrase)):
                return at + len(phrase)
        return None

    def word(self, at: int) -> str:
        """Return the word at a position; empty for what is no word."""
        return self._tokens[at].text if 0 <= at < len(self._tokens) and self._tokens[at].kind is Kind.WORD else ""

    def kind(self, at: int) -> Kind | None:
        """Return the kind of the token at a position; None beyond the end."""
        return self._tokens[at].kind if 0 <= at < len(self._tokens) else None

    def without_lead(self, at: int) -> int:
        """Return the position after articles, prepositions and « mois de »."""
        for _ in range(MOST_LEADS):
            end = self.phrase("lead", at)
            if end is None:
                break
            at = end
        return at

    def count(self, at: int) -> tuple[int, int] | None:
        """Return a small number, in digits or as a word, and the position after it."""
        if self.kind(at) is Kind.INTEGER and self._tokens[at].value is not None:
            return int(self._tokens[at].value or 0), at + 1
        value = self._words.numbers.get(self.word(at))
        if value is None:
            return None
        end = at + 1
        more = self._words.numbers.get(self.word(end + 1 if self.word(end) in ("and", "et") else end))
        if value >= 20 and more and more < 10 and value % 10 == 0:  # twenty five, vingt et un
            return value + more, end + (2 if self.word(end) in ("and", "et") else 1)
        return value, end + 1 if self.word(end) == "of" and self.word(at) == "couple" else end

    def point(self, at: int) -> Found | None:
        """Return what begins at a token, without the words that lead to it."""
        start = self.phrase("start_of", at)
        if start is not None and (unit := self._relative(self.without_lead(start), is_bare=True)):
            first = unit[0][0].fixed
            if first and first.start:
                return [Point(fixed=relative("day", (first.start - self._today).days, self._today))], unit[1]
        return (
            self._numeric(at) or self._relative(at) or self._quarter(at) or self._season(at)
            or self._day_and_month(at) or self._month(at) or self._year(at)
        )  # fmt: skip

    def _numeric(self, at: int) -> Found | None:
        if self.kind(at) is not Kind.DATE:
            return None
        numbers = [int(part) for part in re.split(r"[-/.]", self._tokens[at].text)]
        if len(numbers) == 2 and max(numbers) in _YEARS:
            month = min(numbers)
            return ([Point(max(numbers), month)], at + 1) if 1 <= month <= 12 else None
        if numbers[0] in _YEARS and len(numbers) == 3:
            return self._valid([(numbers[0], numbers[1], numbers[2])], at)
        year = None if len(numbers) == 2 else numbers[2] if numbers[2] in _YEARS else 2000 + numbers[2] % 100
        day_first, month_first = (year, numbers[1], numbers[0]), (year, numbers[0], numbers[1])
        if self._is_day_first and numbers[1] <= 12:
            return self._valid([day_first], at)
        return self._valid(list(dict.fromkeys((month_first, day_first))), at)

    def _valid(self, dates: list[tuple[int | None, int, int]], at: int) -> Found | None:
        points = [Point(year, month, day) for year, month, day in dates if 1 <= month <= 12 and 1 <= day <= _LAST_DAY]
        return (points, at + 1) if points else None

    def _relative(self, at: int, *, is_bare: bool = False) -> Found | None:
        """Read ``last month``, « les 3 derniers mois », « il y a deux mois », ``this week``, ``yesterday``."""
        for name, offset in (("before_yesterday", -2), ("yesterday", -1), ("today", 0)):
            if (end := self.phrase(name, at)) is not None:
                return [Point(fixed=relative("day", offset, self._today))], end
        if (ago := self.phrase("ago", at)) is not None and (number := self.count(ago)):
            unit, end = self._unit(number[1])
            if unit and number[0] <= _MOST_UNITS:
                return [Point(fixed=relative(unit, -number[0], self._today))], end
        if (number := self.count(at)) is not None and number[0] <= _MOST_UNITS:
            last = self.phrase("last", number[1])
            unit, end = self._unit(last if last is not None else number[1])
            if unit and last is None:
                last = self.phrase("last", end)
                end = last if last is not None else end
                if last is None and (ago := self.phrase("ago_after", end)) is not None:
                    return [Point(fixed=relative(unit, -number[0], self._today))], ago
            if unit and last is not None:
                return [Point(fixed=back(unit, number[0], self._today))], end
        for name, offset in (("last", -1), ("this", 0), ("next", 1)):
            if (before := self.phrase(name, at)) is None:
                continue
            number = self.count(before) if name == "last" else None
            unit, end = self._unit(number[1] if number else before)
            if unit and number and 1 <= number[0] <= _MOST_UNITS:
                return [Point(fixed=back(unit, number[0], self._today))], end
            if unit:
                behind = self.phrase("this_after", end) if name == "this" else None
                return [Point(fixed=relative(unit, offset, self._today))], behind if behind is not None else end
            if name == "last" and (month := self._month(before)) and month[0][0].year is None:
                return self._last_month_named(month[0][0], month[1])
        unit, end = self._unit(at)
        if unit:
            for name, offset in (("last", -1), ("this_after", 0), ("next", 1)):
                if (behind := self.phrase(name, end)) is not None:
                    return [Point(fixed=relative(unit, offset, self._today))], behind
            if is_bare:
                return [Point(fixed=relative(unit, 0, self._today))], end
        return None

    def units_back(self, at: int) -> Found | None:
        """Read ``3 months``, as after « depuis »."""
        number = (1, at) if self.word(at - 1) in ("a", "an") else self.count(at)
        unit, end = self._unit(number[1]) if number else (None, at)
        if number is None or unit is None or not 1 <= number[0] <= _MOST_UNITS:
            return None
        return [Point(fixed=back(unit, number[0], self._today))], end

    def _unit(self, at: int) -> tuple[str | None, int]:
        for unit in UNITS:
            if (end := self.phrase(unit, at)) is not None:
                return unit, end
        return None, at

    def _quarter(self, at: int) -> Found | None:
        """Read ``T3 2025``, ``third quarter of 2025``, « premier semestre », ``2025 Q3``."""
        leading_year = self._plain_year(at)
        begin = leading_year[1] if leading_year else at
        value: int | None = None
        months, end = 3, begin
        if self.kind(begin) is Kind.QUARTER:
            value, end = int(self._tokens[begin].value or 0), begin + 1
        elif (unit := self._unit(begin))[0] in ("quarter", "half") and (number := self.count(unit[1])):
            value, end, months = number[0], number[1], 3 if unit[0] == "quarter" else 6
        else:
            number = (
                (int(self._tokens[begin].value or 0), begin + 1)
                if self.kind(begin) is Kind.ORDINAL
                else self.count(begin)
            )
            unit = self._unit(number[1]) if number else (None, begin)
            if number and unit[0] in ("quarter", "half"):
                value, end, months = number[0], unit[1], 3 if unit[0] == "quarter" else 6
        if value is None or not 1 <= value <= 12 // months:
            return None
        if leading_year:
            year: int | None = leading_year[0]
        else:
            year, end = self._following_year(end)
        return [Point(year, (value - 1) * months + 1, months=months)], end

    def _season(self, at: int) -> Found | None:
        """Read « l'hiver passé », ``fall 2025``, ``this summer``. « été » and ``fall`` alone are verbs."""
        before = self.phrase("last", at)
        begin = before if before is not None else self.phrase("this", at) or at
        found = next(((first, end) for name, first in SEASONS.items() if (end := self.phrase(name, begin))), None)
        if found is None:
            return None
        month, end = found
        year, after_year = self._following_year(end)
        if year is not None:
            first_year = year - 1 if month == _DECEMBER else year  # a winter is named after its end
            return [Point(first_year, month, months=3)], after_year
        behind = self.phrase("last", end)
        if before is not None or behind is not None:
            first = shifted(self._today.replace(day=1), -2)  # one that began later is not over
            year = first.year if month < first.month else first.year - 1
            return [Point(year, month, months=3)], behind or end
        is_noun = begin > at or self.word(begin) not in ("ete", "fall") or self.word(at - 1) in ("l", "the")
        return ([Point(month=month, months=3)], end) if is_noun else None

    def _day_and_month(self, at: int) -> Found | None:
        """Read « 12 mars 2026 », ``the 14th of october``; without a month only « le 1er »."""
        day = self.day(at)
        if day is None:
            return None
        value, end = day
        month = self.month_name(self.without_lead(end))
        if month is None:
            is_named = self.kind(at) is Kind.ORDINAL and self.word(at - 1) in ("le", "du", "the", "au", "on")
            return ([Point(day=value)], end) if is_named else None
        year, end = self._following_year(month[1], may_be_short=True)
        return [Point(year, month[0], value)], end

    def day(self, at: int) -> tuple[int, int] | None:
        """Return a day of a month, in digits or as a word, and the position after it."""
        if self.kind(at) is Kind.ORDINAL:
            found: tuple[int, int] | None = (int(self._tokens[at].value or 0), at + 1)
        else:
            found = self.count(at)
        return found if found and 1 <= found[0] <= _LAST_DAY else None

    def month_name(self, at: int) -> tuple[int, int] | None:
        """Return the month of a name and the position after it. ``may`` beside a pronoun is a verb."""
        name = self.word(at)
        if name not in self._words.months:
            return None
        if name == "may" and (self.word(at - 1) in _MODAL_MAY or self.word(at + 1) in _MODAL_MAY):
            return None
        end = at + 1
        if self.kind(end) is Kind.STOP and self._tokens[end].text == "." and len(name) <= 5:
            end += 1
        return self._words.months[name], end

    def _month(self, at: int) -> Found | None:
        """Read ``march``, ``march 12``, ``october 1st 2025``, ``oct '25``, « octobre dernier »."""
        month = self.month_name(at)
        if month is None:
            return None
        value, end = month
        year, after_year = self._following_year(end)
        if year is not None:
            return [Point(year, value)], after_year
        if (last := self.phrase("last", end)) is not None and self._unit(last)[0] is None:
            return self._last_month_named(Point(month=value), last)
        day = self.day(self.phrase("lead", end) or end if self.word(end) == "the" else end)
        if day is None:
            return [Point(month=value)], end
        year, after_year = self._following_year(day[1])
        if year is not None or self.kind(end) is not Kind.INTEGER:
            return [Point(year, value, day[0])], after_year
        short = Point(2000 + day[0], value)  # "sept. 25"
        if self._is_day_first:
            return [short], day[1]
        is_year_likely = len(self._tokens[end].text) == 2 and abs(2000 + day[0] - self._today.year) <= 2
        return [Point(None, value, day[0]), *([short] if is_year_likely else [])], day[1]

    def _last_month_named(self, point: Point, end: int) -> Found:
        """Return ``last october``: the latest one that is over."""
        year = self._today.year if point.month and point.month < self._today.month else self._today.year - 1
        return [Point(year, point.month)], end

    def _following_year(self, at: int, *, may_be_short: bool = False) -> tuple[int | None, int]:
        """Return the year after a month or a quarter, with what stands between them; None without one."""
        begin = at + 1 if self.kind(at) is Kind.STOP and self._tokens[at].text in ",." else at
        begin = self.without_lead(begin)
        if (plain := self._plain_year(begin)) is not None:
            return plain
        if may_be_short and self.kind(begin) is Kind.INTEGER and begin == at and len(self._tokens[begin].text) == 2:
            return 2000 + int(self._tokens[begin].value or 0), begin + 1
        relative_year = self._relative(begin)
        if relative_year and (span := relative_year[0][0].fixed) and span.start and span.end:
            is_year = (span.start.month, span.start.day, span.end.month) == (1, 1, 12)
            return (span.start.year, relative_year[1]) if is_year and begin > at else (None, at)
        return None, at

    def _plain_year(self, at: int) -> tuple[int, int] | None:
        value = self._tokens[at].value if self.kind(at) in (Kind.INTEGER, Kind.SHORT_YEAR) else None
        return (int(value), at + 1) if value is not None and int(value) in _YEARS else None

    def _year(self, at: int) -> Found | None:
        named = self.phrase("year", at)
        year = self._plain_year(self.without_lead(named) if named is not None else at)
        return ([Point(year[0])], year[1]) if year else None
