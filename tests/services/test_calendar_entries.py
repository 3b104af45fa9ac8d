"""Calendar files: valid by RFC 5545, and read back as they were meant."""

import datetime
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from icalendar import Calendar

from portal.models import Invoice, Order
from services.calendar.entries import Entry, calendar_of, etag_of, invoice_entry, order_entry
from texts.catalogue import texts_in
from texts.language import Language

FR, EN = texts_in(Language.FR), texts_in(Language.EN)
AT = datetime.datetime(2026, 10, 15, 14, 30, 5, 123, tzinfo=datetime.UTC)
DAY = datetime.date(2026, 11, 1)


def invoice(**facts: Any) -> Invoice:
    given = {"number": "212380", "date": "2026-10-01", "due_date": DAY, "amount": "293.08", "balance": "293.08"}
    return Invoice.model_validate(given | facts)


def order(**facts: Any) -> Order:
    return Order.model_validate({"number": "26387", "end_date": DAY} | facts)


def only_event(written: bytes) -> Any:
    calendar = Calendar.from_ical(written)
    [event] = calendar.walk("VEVENT")
    assert calendar.errors == event.errors == []
    return event


def file_of(entry: Entry | None, t: Any = FR, **chosen: Any) -> bytes:
    assert entry is not None
    return calendar_of([entry], AT, t, **chosen)


@pytest.mark.parametrize(
    ("t", "summary"), [(FR, "Facture nº\u00a0212380 à payer\u00a0: 293,08\u00a0$"), (EN, "$293.08")]
)
def test_unpaid_invoice(t: Any, summary: str) -> None:
    event = only_event(file_of(invoice_entry(t, "a-1", "Boréal", invoice()), t, has_alarm=True))
    assert summary in event["SUMMARY"]
    assert event.decoded("DTSTART") == DAY
    assert event["DTSTART"].params["VALUE"] == "DATE"
    assert "DTEND" not in event
    assert event.decoded("DTSTAMP") == AT.replace(microsecond=0)
    assert (event["STATUS"], int(event["SEQUENCE"]), event["TRANSP"]) == ("CONFIRMED", 0, "TRANSPARENT")
    [alarm] = event.walk("VALARM")
    assert alarm.decoded("TRIGGER") == datetime.timedelta(hours=-15)


@pytest.mark.parametrize("facts", [{"balance": "0.00"}, {"status": "cancelled"}, {"status": "credited"}])
def test_settled_invoice_cancels_the_same_entry(facts: dict[str, str]) -> None:
    before = only_event(file_of(invoice_entry(FR, "a-1", "Boréal", invoice())))
    after = only_event(file_of(invoice_entry(FR, "a-1", "Boréal", invoice(**facts)), has_alarm=True))
    assert after["UID"] == before["UID"]
    assert after["STATUS"] == "CANCELLED"
    assert int(after["SEQUENCE"]) > int(before["SEQUENCE"])
    assert not after.walk("VALARM")


def test_order_and_invoice_of_one_number_are_two_entries() -> None:
    entries = [order_entry(FR, "a-1", "B", order(number="1")), invoice_entry(FR, "a-1", "B", invoice(number="1")),
               order_entry(FR, "a-2", "B", order(number="1"))]  # fmt: skip
    assert len({entry.uid for entry in entries if entry}) == 3


def test_what_has_no_entry() -> None:
    assert invoice_entry(FR, "a-1", "B", invoice(due_date=None)) is None
    assert invoice_entry(FR, "a-1", "B", invoice(amount="-5.00", balance="-5.00")) is None
    assert order_entry(FR, "a-1", "B", order(end_date=None)) is None
    cancelled = order_entry(FR, "a-1", "B", order(status="cancelled"))
    assert cancelled is not None
    assert not cancelled.is_open


@settings(max_examples=60)
@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300), st.text(max_size=60))
def test_any_text_is_escaped_and_folded(account: str, title: str, url: str, name: str) -> None:
    entry = order_entry(FR, "a-1", account, order(title=title, url=url))
    assert entry is not None
    written = file_of(entry, name=name or "x")
    event = only_event(written)
    assert event["DESCRIPTION"] == entry.description
    assert event["SUMMARY"] == entry.summary
    assert str(event.get("URL", "")) == entry.url
    lines = written.split(b"\r\n")
    assert written.endswith(b"END:VCALENDAR\r\n")
    assert max(map(len, lines)) <= 75
    assert not any(b"\n" in line or b"\r" in line for line in lines)


def test_feed_says_how_often_to_read_it() -> None:
    entry = invoice_entry(FR, "a-1", "Boréal", invoice())
    written = file_of(entry, name="Odotrack · Boréal; inc.").decode()
    calendar = Calendar.from_ical(written)
    assert "\r\nNAME:Odotrack · Boréal\\; inc.\r\n" in written
    assert "\r\nX-WR-CALNAME:Odotrack · Boréal\\; inc.\r\n" in written
    assert calendar.decoded("REFRESH-INTERVAL") == datetime.timedelta(hours=6)
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT6H" in file_of(entry, name="x")
    assert calendar["VERSION"] == "2.0"
    assert "METHOD" not in calendar, "RFC 5546 wants an ORGANIZER with each method"


def test_etag_changes_with_the_facts_only() -> None:
    entries = [
        invoice_entry(FR, "a-1", "Boréal", each) for each in (invoice(), invoice(), invoice(due_date="2026-11-02"))
    ]
    first, same, other = (etag_of([entry], "n") for entry in entries if entry)
    assert first == same != other
