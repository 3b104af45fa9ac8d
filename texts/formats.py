"""Formats money, dates and numbers by CLDR: shipped are the French of Québec and the English of Canada."""

import datetime
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, get_timezone_location
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision, get_decimal_symbol

from texts.language import Language

_CITIES = {"America/Toronto": "Montréal, Toronto", "America/St_Johns": "St. John’s"}
"""Cities that CLDR names otherwise: Montréal has no zone of its own, and in French it has *Saint John’s*."""
_CACHE_SIZE = 4096  # formatting takes 10 to 40 µs, and lists repeat the same dates


class Formats:
    """The formats of one language."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._locale = Locale.parse(language.locale)
        self.money = lru_cache(_CACHE_SIZE)(self._money)
        self.long_date = lru_cache(_CACHE_SIZE)(self._long_date)
        self.day = lru_cache(_CACHE_SIZE)(self._day)
        self.number = lru_cache(_CACHE_SIZE)(self._number)

    def warm_up(self) -> None:
        """Load the CLDR files at start: the first amount takes 27 ms."""
        now = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
        self.money(Decimal(1), "CAD"), self.long_date(now.date()), self.day(now.date(), now.date()), self.time(now)

    def _money(self, amount: Decimal, currency: str) -> str:
        """Return ``1 293,08 $`` (no-break spaces) or ``$1,293.08``. ``currency`` is an ISO 4217 code."""
        return format_currency(amount, currency, locale=self._locale)

    def plain_amount(self, amount: Decimal, currency: str) -> str:
        """Return ``1293,08`` or ``1293.08``: as a bank's form takes it, with the currency's number of decimals."""
        digits = get_currency_precision(currency)
        return format_decimal(amount, format=f"0.{'0' * digits}" if digits else "0", locale=self._locale)

    @property
    def has_decimal_comma(self) -> bool:
        """Whether spreadsheets of the language expect decimal commas, and semicolons between cells."""
        return get_decimal_symbol(self._locale) == ","

    def short_date(self, date: datetime.date) -> str:
        """Return ``2020-09-28``, for lists."""
        return date.isoformat()

    def _long_date(self, date: datetime.date) -> str:
        """Return ``28 septembre 2020``, ``September 28, 2020``."""
        return self._with_ordinal(date, format_date(date, "long", locale=self._locale))

    def _day(self, date: datetime.date, today: datetime.date) -> str:
        """Return ``28 septembre``, with the year if it differs from today's."""
        if date.year != today.year:
            return self.long_date(date)
        return self._with_ordinal(date, format_skeleton("MMMMd", date, locale=self._locale))

    def _with_ordinal(self, date: datetime.date, written: str) -> str:
        """Replace 1 by 1er in French, where CLDR has 1 for the first of a month."""
        if self._language is Language.FR and date.day == 1:
            return written.replace("1", "1er", 1)
        return written

    def month(self, day: datetime.date) -> str:
        """Return the month of a day: ``mars 2026``, ``March 2026``."""
        return format_skeleton("yMMMM", day, locale=self._locale)

    def month_name(self, day: datetime.date) -> str:
        """Return the month of a day without its year: ``mars``, ``March``."""
        return format_date(day, "LLLL", locale=self._locale)

    def month_initial(self, day: datetime.date) -> str:
        """Return the first letter of the month of a day, for charts."""
        return format_date(day, "LLLLL", locale=self._locale)

    def whole_money(self, amount: Decimal, currency: str) -> str:
        """Return an amount without cents, for charts: ``1 300 $``, ``$1,300``."""
        return format_currency(
            amount, currency, locale=self._locale, currency_digits=False, format=self._whole_money_pattern
        )

    @property
    def _whole_money_pattern(self) -> str:
        return str(self._locale.currency_formats["standard"].pattern).replace(".00", "")

    def time(self, at: datetime.datetime) -> str:
        """Return ``14 h 30``, ``7 h`` (no-break spaces; CLDR has 07 h 00) or ``2:30 p.m.``, in the zone of ``at``."""
        if self._language is not Language.FR:
            return format_time(at, "short", locale=self._locale)
        return f"{at.hour}\u00a0h\u00a0{at.minute:02}" if at.minute else f"{at.hour}\u00a0h"

    def exact_time(self, at: datetime.datetime) -> str:
        """Return ``14 h 30 min 05 s`` (no-break spaces), ``2:30:05 p.m.``, in the time zone of ``at``."""
        written = format_time(at, "medium", locale=self._locale)
        return written.removeprefix("0").replace(" ", "\u00a0") if self._language is Language.FR else written

    def city(self, zone: str) -> str:
        """Return the city of an IANA time zone, such as ``St. John’s``; other zones keep their name."""
        return _CITIES.get(zone) or str(get_timezone_location(zone, locale=self._locale, return_city=True))

    def percent(self, progress: float) -> str:
        """Return ``95 %``, ``95%``. ``progress`` is from 0 to 100."""
        return format_percent(progress / 100, locale=self._locale)

    def _number(self, value: Decimal | int) -> str:
        """Return ``1 234,5``, ``1,234.5``."""
        return format_decimal(value, locale=self._locale)
