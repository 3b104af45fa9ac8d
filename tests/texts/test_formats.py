"""Money, dates, times, percentages and plurals, exactly as language.md has them."""

import datetime
import re
from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from texts.catalogue import texts_in
from texts.formats import Formats
from texts.language import Language

NBSP = "\u00a0"
NARROW = "\u202f"
FR, EN = Formats(Language.FR), Formats(Language.EN)
BOTH = pytest.mark.parametrize("formats", [FR, EN], ids=["fr", "en"])


@pytest.mark.parametrize(
    ("amount", "currency", "french", "english"),
    [
        ("1293.08", "CAD", f"1{NBSP}293,08{NBSP}$", "$1,293.08"),
        ("293.08", "CAD", f"293,08{NBSP}$", "$293.08"),
        ("0", "CAD", f"0,00{NBSP}$", "$0.00"),
        ("0.1", "CAD", f"0,10{NBSP}$", "$0.10"),
        ("-40.19", "CAD", f"-40,19{NBSP}$", "-$40.19"),
        ("1234567.89", "CAD", f"1{NBSP}234{NBSP}567,89{NBSP}$", "$1,234,567.89"),
        ("5", "USD", f"5,00{NBSP}${NBSP}US", "US$5.00"),
    ],
)
def test_money_format(amount: str, currency: str, french: str, english: str) -> None:
    assert FR.money(Decimal(amount), currency) == french
    assert EN.money(Decimal(amount), currency) == english


@settings(deadline=None)
@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_amount_keeps_cents_and_does_not_wrap(amount: Decimal) -> None:
    french, english = FR.money(amount, "CAD"), EN.money(amount, "CAD")
    assert Decimal(french.removesuffix(f"{NBSP}$").replace(NBSP, "").replace(",", ".")) == amount
    assert Decimal(english.replace("$", "").replace(",", "")) == amount
    assert " " not in french + english


@pytest.mark.parametrize(
    ("date", "french", "english"),
    [
        ("2020-09-28", "28 septembre 2020", "September 28, 2020"),
        ("2020-10-01", "1er octobre 2020", "October 1, 2020"),
        ("2020-10-11", "11 octobre 2020", "October 11, 2020"),
        ("2020-10-21", "21 octobre 2020", "October 21, 2020"),
        ("2020-10-31", "31 octobre 2020", "October 31, 2020"),
        ("2011-01-01", "1er janvier 2011", "January 1, 2011"),
        ("2015-08-07", "7 août 2015", "August 7, 2015"),
    ],
)
def test_long_date_format(date: str, french: str, english: str) -> None:
    day = datetime.date.fromisoformat(date)
    assert FR.long_date(day) == french
    assert EN.long_date(day) == english


@pytest.mark.parametrize(
    ("date", "french", "english"),
    [
        ("2026-10-01", "1er octobre", "October 1"),
        ("2026-02-11", "11 février", "February 11"),
        ("2025-12-31", "31 décembre 2025", "December 31, 2025"),
        ("2027-01-01", "1er janvier 2027", "January 1, 2027"),
    ],
)
def test_year_is_shown_where_it_differs_from_today(date: str, french: str, english: str) -> None:
    day, today = datetime.date.fromisoformat(date), datetime.date(2026, 10, 15)
    assert FR.day(day, today) == french
    assert EN.day(day, today) == english


@settings(deadline=None)
@given(st.dates())
def test_only_the_first_of_a_month_is_an_ordinal_in_french(date: datetime.date) -> None:
    for written in (FR.long_date(date), FR.day(date, date)):
        number = "1er" if date.day == 1 else str(date.day)
        assert written.split(" ")[0] == number
        assert len(re.findall(r"\der\b", written)) == (date.day == 1)


@BOTH
@settings(deadline=None)
@given(date=st.dates(min_value=datetime.date(1000, 1, 1)))
def test_short_dates_are_iso(formats: Formats, date: datetime.date) -> None:
    assert formats.short_date(date) == f"{date.year}-{date.month:02}-{date.day:02}"


@pytest.mark.parametrize(
    ("at", "french", "english"),
    [
        ("14:30", f"14{NBSP}h{NBSP}30", f"2:30{NARROW}p.m."),
        ("00:05", f"0{NBSP}h{NBSP}05", f"12:05{NARROW}a.m."),
        ("12:00", f"12{NBSP}h", f"12:00{NARROW}p.m."),
        ("23:59", f"23{NBSP}h{NBSP}59", f"11:59{NARROW}p.m."),
    ],
)
def test_time_format(at: str, french: str, english: str) -> None:
    moment = datetime.datetime.fromisoformat(f"2026-10-15T{at}:00+00:00")
    assert FR.time(moment) == french
    assert EN.time(moment) == english


def test_exact_time_has_seconds() -> None:
    """Two attempts within a minute show different times."""
    first, second = (datetime.datetime(2026, 10, 15, 14, 30, at, tzinfo=datetime.UTC) for at in (5, 6))
    assert FR.exact_time(first) == f"14{NBSP}h{NBSP}30{NBSP}min{NBSP}05{NBSP}s"
    assert EN.exact_time(first) == f"2:30:05{NARROW}p.m."
    assert FR.exact_time(first) != FR.exact_time(second)


def test_time_is_shown_in_the_given_zone() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=-4))
    assert FR.time(datetime.datetime(2026, 10, 15, 14, 30, tzinfo=zone)) == f"14{NBSP}h{NBSP}30"


@pytest.mark.parametrize(
    ("progress", "french", "english"),
    [
        (0, f"0{NBSP}%", "0%"),
        (95, f"95{NBSP}%", "95%"),
        (100, f"100{NBSP}%", "100%"),
        (33.333, f"33{NBSP}%", "33%"),
    ],
)
def test_percent_format(progress: float, french: str, english: str) -> None:
    assert FR.percent(progress) == french
    assert EN.percent(progress) == english


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (0, "0", "0"),
        (34, "34", "34"),
        (1234, f"1{NBSP}234", "1,234"),
        (Decimal("1.000"), "1", "1"),
        (Decimal("1234.5"), f"1{NBSP}234,5", "1,234.5"),
        (Decimal("-2"), "-2", "-2"),
    ],
)
def test_number_format(value: Decimal | int, french: str, english: str) -> None:
    assert FR.number(value) == french
    assert EN.number(value) == english


@pytest.mark.parametrize(
    ("n", "french", "english"),
    [
        (0, "Facture (0)", "Invoices (0)"),
        (1, "Facture (1)", "Invoice (1)"),
        (2, "Factures (2)", "Invoices (2)"),
        (1234, f"Factures (1{NBSP}234)", "Invoices (1,234)"),
    ],
)
def test_zero_is_singular_in_french_and_plural_in_english(n: int, french: str, english: str) -> None:
    assert texts_in(Language.FR).plural("button.order_invoices", n) == french
    assert texts_in(Language.EN).plural("button.order_invoices", n) == english


@pytest.mark.parametrize("language", Language)
def test_missing_message_or_value_raises_an_error(language: Language) -> None:
    t = texts_in(language)
    with pytest.raises(KeyError):
        t("no.such.message")
    with pytest.raises(KeyError):
        t.plural("no.such.message", 2)
    with pytest.raises(KeyError):
        t("orders.title")


@settings(deadline=None)
@given(st.text())
def test_value_is_not_read_as_a_template(value: str) -> None:
    braces = f"{{account}} {{0.__class__}} {value}"
    assert "{account} {0.__class__}" in texts_in(Language.FR)("orders.title", account=braces)
