"""Money, dates and numbers as CLDR writes them in Québec's French and Canada's English."""

import datetime
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_currency, format_decimal, format_percent

from texts.language import Language

_KEPT = 4096  # one formatting costs 10 to 40 µs, and a list shows the same dates again and again


class Formats:
    """The formats of one language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._locale = Locale.parse(language.locale)
        self.money = lru_cache(_KEPT)(self._money)
        self.long_date = lru_cache(_KEPT)(self._long_date)
        self.day = lru_cache(_KEPT)(self._day)
        self.number = lru_cache(_KEPT)(self._number)

    def warm(self) -> None:
        """Reads what CLDR keeps in files: the first amount takes 27 ms, and nobody should wait for it."""
        now = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
        self.money(Decimal(1), "CAD"), self.long_date(now.date()), self.day(now.date(), now.date()), self.time(now)

    def _money(self, amount: Decimal, currency: str) -> str:
        """``1 293,08 $`` (no-break spaces) or ``$1,293.08``."""
        return format_currency(amount, currency, locale=self._locale)

    def short_date(self, date: datetime.date) -> str:
        """``2020-09-28``, in lists."""
        return date.isoformat()

    def _long_date(self, date: datetime.date) -> str:
        """``28 septembre 2020``, ``September 28, 2020``."""
        return self._first(date, format_date(date, "long", locale=self._locale))

    def _day(self, date: datetime.date, today: datetime.date) -> str:
        """``28 septembre``, with the year where it is another than today's."""
        if date.year != today.year:
            return self.long_date(date)
        return self._first(date, format_skeleton("MMMMd", date, locale=self._locale))

    def _first(self, date: datetime.date, written: str) -> str:
        """French says 1er for the first of a month; CLDR writes 1."""
        if self._language is Language.FR and date.day == 1:
            return written.replace("1", "1er", 1)
        return written

    def time(self, at: datetime.datetime) -> str:
        """``14 h 30``, ``2:30 p.m.``, in the datetime's own zone."""
        return format_time(at, "short", locale=self._locale)

    def exact_time(self, at: datetime.datetime) -> str:
        """``14 h 30 min 05 s``, ``2:30:05 p.m.``: two tries within a minute are told apart."""
        return format_time(at, "medium", locale=self._locale)

    def percent(self, progress: float) -> str:
        """A percentage from 0 to 100: ``95 %``, ``95%``."""
        return format_percent(progress / 100, locale=self._locale)

    def _number(self, value: Decimal | int) -> str:
        """``1 234,5``, ``1,234.5``."""
        return format_decimal(value, locale=self._locale)
