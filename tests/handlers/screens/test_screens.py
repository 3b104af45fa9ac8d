"""Screens: facts in, one message out, complete in both languages."""

import datetime
import inspect
import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st
from msgspec.structs import replace
from pydantic import ValidationError

from handlers.actions import (
    Action,
    AnswerNoticeOffer,
    AskSearch,
    ChooseAccount,
    ListInvoices,
    ListOrders,
    SendPdf,
    ShowBalance,
    ShowInvoice,
    ShowOrder,
    ShowStatement,
    Start,
)
from handlers.screens import (
    account,
    balance,
    calendar,
    copies,
    failures,
    home,
    invitations,
    invoices,
    linking,
    notice_settings,
    notice_summary,
    notices,
    operator_alerts,
    orders,
    packs,
    questions,
    search,
    settings,
    support,
)
from handlers.screens.copies import AwaitedCode, CopyState
from handlers.screens.notice_summary import MOST_LINES, SummaryLine
from handlers.screens.orders import LINES_A_PAGE
from handlers.screens.screen import Button, Keyboard, Screen
from handlers.screens.support import Subject
from handlers.telegram.callback_data import encode
from handlers.telegram.render import render
from portal.models import Invoice, InvoiceSummary, MenuLink, Order, OrderLine, Page, Part
from sandbox.telegram.text.html_entities import parse_html
from services.account.balance import Balance
from services.account.changes import Changes
from services.account.paper_filters import InvoiceFilter, OrderFilter
from services.company import Company
from services.features import ALL_FEATURES, Feature
from services.linking.code_limits import TooOften
from services.linking.code_results import (
    CheckResult,
    CodeExpired,
    CodeRequested,
    CodeWithdrawn,
    OlderCode,
    OtherCodeKind,
    WrongCode,
)
from services.linking.invitations import Offer
from services.mailing.copy_letters import MissingPdf
from services.operator_alerts.alerts import Alert, Change
from services.packs.reports import Finished, Missing, Reason, Stage, Stopped, Working
from services.packs.selection import PackFormat, Selection
from services.packs.totals import Totals, totals_of
from services.papers import Hit, SearchPage
from services.understanding.payloads import PaperOpened
from services.understanding.questions.questions import Intent, Question, State
from storage.chats import ChatState, LinkState
from storage.linking.shared_addresses import OtherChat
from storage.notices.delivery_preferences import DeliveryPreferences, Quiet
from storage.personal_data import StoredPersonalData
from storage.support import EndReason
from storage.tables import Awaited, Kind
from texts.catalogue import Texts, texts_in
from texts.language import Language

NBSP = "\u00a0"
FR, EN = texts_in(Language.FR), texts_in(Language.EN)
NOW = datetime.datetime(2026, 10, 15, 14, 30, tzinfo=datetime.UTC)
TODAY = NOW.date()
NAME = "Transport Boréal inc."


def a_link(link_id: int = 1, name: str = NAME, *parts: Part) -> LinkState:
    access: frozenset[str] = frozenset(parts or Part)
    ids = f"contact-{link_id}", f"account-{link_id}"
    return LinkState(link_id, *ids, name, access, subscriptions=None, attaches_pdf=False, linked_at=NOW)


def an_invoice(number: str = "212380", **facts: Any) -> Invoice:
    given = {"number": number, "date": "2020-09-28", "amount": "293.08", "balance": "0.00"} | facts
    return Invoice.model_validate(given)


def an_order(number: str = "26387", lines: int = 0, **facts: Any) -> Order:
    made = [OrderLine(quantity=Decimal(n), description=f"Appareil {n}") for n in range(1, lines + 1)]
    return Order.model_validate({"number": number, "lines": made} | facts)


def a_summary(currency: str = "CAD") -> InvoiceSummary:
    return InvoiceSummary(
        currency=currency,
        open_balance=Decimal("4271.64"),
        open_count=4,
        overdue_balance=Decimal("2385.48"),
        overdue_count=2,
        next_due_date=TODAY,
    )


def a_page(items: list[Any], page: int = 1, page_size: int = 5, total: int | None = None) -> Page[Any]:
    return Page[Any](items=tuple(items), page=page, page_size=page_size, total=len(items) if total is None else total)


def read(screen: Screen) -> str:
    """Return the message as a person reads it, after asserting that it was not cut."""
    text, _ = parse_html(render(screen).html)
    assert not text.endswith("\n…")
    return text


def labels(screen: Screen) -> list[list[str]]:
    return [[button["text"] for button in row] for row in render(screen).buttons]


def does(screen: Screen) -> list[Any]:
    return [button.action for row in screen.keyboard for button in row]


STATES = {
    "paid": ({"balance": "0.00", "paid_on": "2020-09-28"}, "payée", "paid"),
    "paid, nobody knows when": ({"balance": "0.00"}, "payée", "paid"),
    "unpaid without a due date": ({"balance": "293.08"}, "à payer", "to pay"),
    "due": ({"balance": "293.08", "due_date": "2026-11-01"}, "à payer le 1er novembre", "due November 1"),
    "due today": ({"balance": "293.08", "due_date": "2026-10-15"}, "à payer le 15 octobre", "due October 15"),
    "due in another year": (
        {"balance": "293.08", "due_date": "2027-01-01"},
        "à payer le 1er janvier 2027",
        "due January 1, 2027",
    ),
    "overdue": ({"balance": "293.08", "due_date": "2026-10-14"}, "échue le 14 octobre", "October 14"),
    "partial": ({"balance": "93.08"}, f"reste 93,08{NBSP}$", "$93.08 left"),
    "partial, due": ({"balance": "93.08", "due_date": "2026-11-01"}, f"93,08{NBSP}$", "$93.08"),
    "partial, overdue": ({"balance": "93.08", "due_date": "2026-10-01"}, f"93,08{NBSP}$", "$93.08"),
    "credit note": ({"amount": "-40.19", "balance": "0.00"}, "crédit", "credit"),
    "open credit note": ({"amount": "-40.19", "balance": "-40.19"}, "crédit", "credit"),
    "nothing to pay for nothing": ({"amount": "0.00", "balance": "0.00"}, "payée", "paid"),
}


@pytest.mark.parametrize(("t", "words"), [(FR, "note de crédit"), (EN, "credit note")], ids=["fr", "en"])
def test_credit_note_is_called_one(t: Any, words: str) -> None:
    """Beside its button in another account, and while its PDF is prepared."""
    found = Hit(2, Part.INVOICES, "240204", an_invoice("240204", amount="-40.19"))
    ((label,),) = labels(search.several_found(t, "240204", [found], [], {1: NAME, 2: "Client"}, 1))
    assert label.lower() == f"{words} 240204 · client"
    preparing = invoices.pdf_in_progress(t, SendPdf(1, "240204", is_credit_note=True))
    assert words in read(preparing)


@pytest.mark.parametrize(("facts", "french", "english"), STATES.values(), ids=STATES)
def test_invoice_state_shows_the_amount_due(facts: dict[str, str], french: str, english: str) -> None:
    invoice = an_invoice(**facts)
    assert french in invoices.state(FR, invoice, TODAY)
    assert english in invoices.state(EN, invoice, TODAY)
    is_partial_with_date = 0 < invoice.balance < invoice.amount and invoice.due_date
    if is_partial_with_date:  # the balance and its due date belong together
        assert FR.formats.day(invoice.due_date, TODAY) in invoices.state(FR, invoice, TODAY)


@pytest.mark.parametrize("t", [FR, EN], ids=["fr", "en"])
@pytest.mark.parametrize("facts", [facts for facts, _, _ in STATES.values()], ids=STATES)
def test_invoice_detail_shows_amount_and_one_state(t: Any, facts: dict[str, str]) -> None:
    invoice = an_invoice(**facts)
    screen = invoices.invoice_detail(t, NAME, invoice, ShowInvoice(1, "212380"), TODAY, has_orders=True)
    text = read(screen)
    assert text.count(t.formats.money(invoice.amount, "CAD")) >= 1
    if 0 < invoice.balance < invoice.amount:
        assert t.formats.money(invoice.balance, "CAD") in text
    if invoice.due_date and invoice.is_unpaid:
        assert t.formats.long_date(invoice.due_date) in text
    assert "PDF" in labels(screen)[0][0]
    assert screen.keyboard[0][0].action == SendPdf(1, "212380", is_credit_note=invoice.is_credit_note)


def test_credit_note_asks_for_no_payment() -> None:
    credit = an_invoice(amount="-40.19", balance="-40.19", due_date="2020-10-01", url="https://portal.test/1")
    text = read(invoices.invoice_detail(FR, NAME, credit, ShowInvoice(1, "1"), TODAY, has_orders=True))
    assert f"-40,19{NBSP}$" in text
    assert "payer" not in text
    assert "retard" not in text


@pytest.mark.parametrize(
    ("order", "has_orders", "shown"),
    [("26387", True, True), ("26387", False, False), (None, True, False), ("", True, False)],
)
def test_order_button_needs_an_order_and_access_to_it(order: str | None, has_orders: bool, shown: bool) -> None:
    invoice = an_invoice(order_number=order)
    screen = invoices.invoice_detail(FR, NAME, invoice, ShowInvoice(1, "212380"), TODAY, has_orders=has_orders)
    assert (ShowOrder(1, "26387") in does(screen)) is shown


def test_invoice_list_of_the_specification() -> None:
    page = a_page(
        [
            an_invoice("212380", balance="0.00"),
            an_invoice("211967", date="2020-09-01", amount="1293.08", balance="1293.08", due_date="2020-10-01"),
        ],
        page_size=2,
        total=34,
    )
    screen = invoices.invoice_list(FR, NAME, page, ListInvoices(7), datetime.date(2020, 9, 30), has_orders=True)
    assert read(screen).splitlines() == [
        f"Factures · {NAME}",
        "1 à 2 de 34",
        "",
        f"2020-09-28 · nº{NBSP}212380 · 293,08{NBSP}$",
        "payée",
        "",
        f"2020-09-01 · nº{NBSP}211967 · 1{NBSP}293,08{NBSP}$",
        "à payer le 1er octobre",
    ]
    assert labels(screen)[:2] == [["212380", "211967"], ["1/17", "›"]]
    assert ShowInvoice(7, "211967") in does(screen)
    assert ListInvoices(7, page=2) in does(screen)


@pytest.mark.parametrize(
    ("page", "shown", "total", "french", "english", "row"),
    [
        (1, 5, 34, "1 à 5 de 34", "1 to 5 of 34", ["1/7", "›"]),
        (2, 5, 34, "6 à 10 de 34", "6 to 10 of 34", ["‹", "2/7", "›"]),
        (7, 4, 34, "31 à 34 de 34", "31 to 34 of 34", ["‹", "7/7"]),
        (1, 5, 5, "1 à 5 de 5", "1 to 5 of 5", None),
        (1, 1, 1, "1 à 1 de 1", "1 to 1 of 1", None),
        (300, 5, 1500, f"1{NBSP}496 à 1{NBSP}500 de 1{NBSP}500", "1,496 to 1,500 of 1,500", ["‹", "300/300"]),
    ],
)
@pytest.mark.parametrize("what", ["orders", "invoices"])
def test_page_position_and_paging_buttons(
    what: str, page: int, shown: int, total: int, french: str, english: str, row: list[str] | None
) -> None:
    for t, where in ((FR, french), (EN, english)):
        if what == "orders":
            items = a_page([an_order(str(n)) for n in range(shown)], page, 5, total)
            screen = orders.order_list(t, NAME, items, ListOrders(1, page), has_invoices=True)
        else:
            items = a_page([an_invoice(str(n)) for n in range(shown)], page, 5, total)
            screen = invoices.invoice_list(t, NAME, items, ListInvoices(1, page), TODAY, has_orders=True)
        assert screen.position == where
        assert any("/" in label for labels_ in labels(screen) for label in labels_) is (row is not None)
        if row:
            assert row in labels(screen)


def test_paging_keeps_the_filter() -> None:
    asked = ListInvoices(3, 2, unpaid=True, order="26387", query="boréal")
    screen = invoices.invoice_list(FR, NAME, a_page([an_invoice()], 2, 1, 3), asked, TODAY, has_orders=True)
    assert replace(asked, page=1) in does(screen)
    assert replace(asked, page=3) in does(screen)


NOTHING = {
    "no invoice": (ListInvoices(1), "Aucune facture sur ce compte"),
    "none unpaid": (ListInvoices(1, unpaid=True), "Rien à payer"),
    "none of this order": (ListInvoices(1, order="26387"), "Aucune facture pour cette commande"),
    "none overdue": (ListInvoices(1, only=InvoiceFilter.OVERDUE), "Aucune facture n’est en retard"),
    "none cancelled": (ListInvoices(1, only=InvoiceFilter.CANCELLED), "Aucune facture annulée"),
    "no credit note": (ListInvoices(1, only=InvoiceFilter.CREDIT_NOTES), "Aucune note de crédit"),
    "none found": (ListInvoices(1, query="<b>"), f"«{NBSP}<b>{NBSP}»"),
}


@pytest.mark.parametrize(("action", "words"), NOTHING.values(), ids=NOTHING)
def test_empty_invoice_list_explains_and_offers_a_button(action: ListInvoices, words: str) -> None:
    screen = invoices.invoice_list(FR, NAME, a_page([]), action, TODAY, has_orders=True)
    assert words in read(screen)
    assert screen.position == ""
    assert labels(screen)


@pytest.mark.parametrize("has_orders", [True, False])
@pytest.mark.parametrize("action", [action for action, _ in NOTHING.values()], ids=NOTHING)
def test_no_button_leads_to_orders_without_access(action: ListInvoices, has_orders: bool) -> None:
    for items in ([], [an_invoice()]):
        screen = invoices.invoice_list(FR, NAME, a_page(items), action, TODAY, has_orders=has_orders)
        assert has_orders or not [did for did in does(screen) if isinstance(did, ListOrders | ShowOrder)]


@pytest.mark.parametrize("has_invoices", [True, False])
def test_no_button_leads_to_invoices_without_access(has_invoices: bool) -> None:
    order = an_order(lines=3, invoice_count=2)
    detail = orders.order_detail(FR, NAME, order, ShowOrder(1, "26387"), has_invoices=has_invoices)
    empty = orders.order_list(FR, NAME, a_page([]), ListOrders(1), has_invoices=has_invoices)
    for screen in (detail, empty):
        assert any(isinstance(did, ListInvoices) for did in does(screen)) is has_invoices


@pytest.mark.parametrize("part", Part)
def test_first_screens_offer_only_accessible_parts(part: Part) -> None:
    link = a_link(1, NAME, part)
    for screen in (linking.home(FR, link), linking.notice_answer(FR, link, yes=True, accounts=1)):
        seen = {type(did) for did in does(screen)} & {ListOrders, ListInvoices}
        assert seen == {ListOrders if part is Part.ORDERS else ListInvoices}


DATES = {
    "both": ({"start_date": "2020-09-28", "end_date": "2023-09-27"}, "2020-09-28 → 2023-09-27"),
    "start": ({"start_date": "2020-09-28"}, "depuis le 2020-09-28"),
    "end": ({"end_date": "2023-09-27"}, "jusqu’au 2023-09-27"),
    "none": ({}, ""),
}


@pytest.mark.parametrize(("facts", "words"), DATES.values(), ids=DATES)
@pytest.mark.parametrize("progress", [None, 0, 95, 100])
@pytest.mark.parametrize("lines", [0, 2])
def test_order_shows_only_known_facts(facts: dict[str, str], words: str, progress: float | None, lines: int) -> None:
    order = an_order(lines=lines, progress=progress, **facts)
    assert orders.period(FR, order) == words
    both = a_page([order, replace_number(order, "26388")])
    text = read(orders.order_list(FR, NAME, both, ListOrders(1), has_invoices=True))
    assert words in text
    assert (f"{progress}{NBSP}%" in text) is (progress is not None)
    for shown in (text, read(orders.order_detail(FR, NAME, order, ShowOrder(1, "26387"), has_invoices=True))):
        assert "None" not in shown
        assert "\n\n\n" not in shown
        assert shown == shown.strip()
        assert "·  ·" not in shown


def replace_number(order: Order, number: str) -> Order:
    return order.model_copy(update={"number": number})


def test_line_without_a_quantity_shows_none() -> None:
    lines = (
        OrderLine(quantity=Decimal("34.000"), description="Plan Pro - 3 ans"),
        OrderLine(description="Escompte cable OBD2"),
        OrderLine(quantity=Decimal("1.5"), description="<b>Heures</b>"),
    )
    order = an_order().model_copy(update={"lines": lines})
    text = read(orders.order_detail(FR, NAME, order, ShowOrder(1, "26387"), has_invoices=True))
    assert text.splitlines()[-3:] == ["• 34 × Plan Pro - 3 ans", "• Escompte cable OBD2", "• 1,5 × <b>Heures</b>"]


@pytest.mark.parametrize(
    ("count", "label"), [(1, "Facture (1)"), (12, "Factures (12)"), (None, "Factures de cette commande")]
)
def test_button_to_an_orders_invoices_shows_their_number(count: int | None, label: str) -> None:
    screen = orders.order_detail(FR, NAME, an_order(invoice_count=count), ShowOrder(1, "26387"), has_invoices=True)
    assert labels(screen)[0] == [label]
    assert screen.keyboard[0][0].action == ListInvoices(1, order="26387")


@pytest.mark.parametrize("lines", [0, 1, LINES_A_PAGE, LINES_A_PAGE + 1, 60])
def test_paging_shows_each_agreement_line_once(lines: int) -> None:
    order = an_order(lines=lines)
    seen: list[str] = []
    action: ShowOrder | None = ShowOrder(1, "26387")
    while action:
        screen = orders.order_detail(FR, NAME, order, action, has_invoices=True)
        text = read(screen)
        assert len(text) <= 4096
        seen += [line for line in text.splitlines() if line.startswith("• ")]
        following = [b.action for row in screen.keyboard for b in row if b.label == "›"]
        action = following[0] if following else None  # type: ignore[assignment]
    assert seen == [f"• {n} × Appareil {n}" for n in range(1, lines + 1)]
    back = [b.action for row in screen.keyboard for b in row if b.label == "‹"]
    assert bool(back) is (lines > LINES_A_PAGE)


@pytest.mark.parametrize("page", [-5, 0, 99, 2**40])
def test_stale_agreement_page_is_clamped(page: int) -> None:
    screen = orders.order_detail(FR, NAME, an_order(lines=60), ShowOrder(1, "26387", page), has_invoices=True)
    assert ("• 1 ×" in read(screen)) is (page < 1)
    assert ("• 60 ×" in read(screen)) is (page > 1)


@pytest.mark.parametrize(
    ("end", "status", "renews"),
    [
        ("2026-10-15", None, True),
        ("2027-01-13", None, True),
        ("2027-01-14", None, False),
        ("2026-10-14", None, False),
        ("2026-11-01", "cancelled", False),
        (None, None, False),
    ],
)
def test_order_that_ends_soon_can_be_renewed(end: str | None, status: str | None, renews: bool) -> None:
    """An order that ends within 90 days leads to the portal by a button that says so."""
    order = an_order(end_date=end, status=status, url="https://portal.test/1")
    screen = orders.order_detail(FR, NAME, order, ShowOrder(1, "26387"), has_invoices=True, today=TODAY)
    label = "Renouveler sur le portail" if renews else "Voir sur le portail"
    assert [button.label for row in screen.keyboard for button in row if button.url] == [label]


def test_sixty_long_lines_are_paged_completely() -> None:
    lines = tuple(OrderLine(quantity=Decimal(n), description=f"{n} " + "é&<" * 200) for n in range(60))
    order = an_order().model_copy(update={"lines": lines})
    for page in (1, 2, 3):
        text = read(orders.order_detail(FR, "N" * 300, order, ShowOrder(1, "26387", page), has_invoices=True))
        assert sum(line.startswith("• ") for line in text.splitlines()) == LINES_A_PAGE


def test_ten_complete_orders_fit_into_one_message() -> None:
    ten = [an_order("9" * 20, lines=60, progress=50, start_date="2020-09-28", end_date="2023-09-27") for _ in range(10)]
    read(orders.order_list(FR, "N" * 300, a_page(ten, 1, 10, 1000), ListOrders(1, query="q" * 100), has_invoices=True))


def test_order_button_shows_the_order_number() -> None:
    for number in ("26387", "FA-2024/001", "9" * 30):
        screen = orders.order_list(FR, NAME, a_page([an_order(number)]), ListOrders(1), has_invoices=True)
        assert [(b.label, b.action) for b in screen.keyboard[0]] == [(number, ShowOrder(1, number))]
        assert [number] in labels(screen)


def test_account_buttons_show_account_names() -> None:
    links = (a_link(1), a_link(2, "Client Odotrack 2016"), a_link(3, "<b>&</b>"))
    screen = linking.linked(FR, links)
    assert [b.action for row in screen.keyboard for b in row] == [ChooseAccount(n) for n in (1, 2, 3)]
    assert labels(screen) == [[NAME], ["Client Odotrack 2016"], ["<b>&</b>"]]


def test_single_account_is_asked_about_notices_at_once() -> None:
    screen = linking.linked(FR, (a_link(4),))
    assert [(type(did), did.link, did.yes) for did in does(screen)[:2]] == [
        (AnswerNoticeOffer, 4, True),
        (AnswerNoticeOffer, 4, False),
    ]


def test_oversized_pdf_links_to_the_portal() -> None:
    """A PDF that is too large for Telegram leads to the portal, if the portal gave a link."""
    with_link = invoices.pdf_too_large(FR, an_invoice(url="https://portal.test/1"), 1)
    without = invoices.pdf_too_large(FR, an_invoice(), 1)
    assert [button.url for row in with_link.keyboard for button in row][0:1] == ["https://portal.test/1"]
    assert "/portail" in read(without)
    assert len(labels(without)) == 1


NASTY = "<b>O'Neil & fils</b> {x} \u202e🎉"
MODULES = (
    account,
    balance,
    calendar,
    copies,
    failures,
    home,
    invitations,
    invoices,
    linking,
    notice_settings,
    notice_summary,
    notices,
    operator_alerts,
    orders,
    packs,
    questions,
    search,
    settings,
    support,
)


def odd_values(t: Any) -> dict[Any, list[Any]]:
    """Return unusual values for each parameter type of a screen, or by parameter name."""
    link, other, closed = a_link(1, NASTY), a_link(2, "x" * 200, Part.ORDERS), a_link(3, "שלום")
    links = [(link, other), (link,), (link, link, closed)]
    people = OtherChat(99, NASTY, NOW), OtherChat(98, "", NOW)
    bills = [an_invoice(str(n), **facts) for n, (facts, _, _) in enumerate(STATES.values())]
    some = [an_order(str(n), lines=60, **facts) for n, (facts, _) in enumerate(DATES.values())]
    menu = (
        MenuLink(key="login", title="?", url="https://p.test/"),
        MenuLink(key="new", title=NASTY, url="javascript:x"),
    )
    return {
        Texts: [t],
        str: [NASTY],
        "support": ["", NASTY],
        "address": ["", "https://odobot.test/calendar/x.ics"],
        "title": [t("link.done")],
        "reason": [t("link.expired_code")],
        "number": ["212380", "9" * 100],
        "username": ["odobot"],
        "planned": ["", t("plan.no_ending")],
        "marked.screen": [Screen(facts=("x",), keyboard=((Button("x", Start()),),))],
        "zone": ["America/Toronto", "Asia/Tokyo"],
        "company_zone": ["America/Halifax", "Asia/Tokyo"],
        "subscription": list(notice_settings.SUBSCRIPTION_NAMES),
        "repeated": [(True,), (True, True), (True, False)],
        "invoice_notice.kind": [Kind.INVOICE_ISSUED, Kind.INVOICE_PAID, Kind.REMINDER_BEFORE, Kind.REMINDER_DUE],
        "order_notice.kind": [Kind.ORDER_CREATED, Kind.ORDER_ENDING],
        "about_copy.kind": [Kind.COPY_STOPPED, Kind.COPY_PAUSED, Kind.COPY_WITHOUT_PDF],
        str | None: ["212380"],
        Quiet | None: [Quiet(20 * 60, 7 * 60), Quiet(5, 1439), None],
        Sequence[SummaryLine]: [
            [SummaryLine(Kind.INVOICE_ISSUED, str(n), 1, bills[0], NASTY) for n in range(MOST_LINES + 9)],
            [
                SummaryLine(Kind.ORDER_ENDING, "9" * 100, 2, some[0]),
                SummaryLine(Kind.INVOICE_PAID, "7", 1, bills[0], NASTY),
            ],
        ],
        Offer: [Offer((NASTY,)), Offer((NASTY, "x" * 200) * 20)],
        PaperOpened: [PaperOpened(Part.INVOICES, "212380"), PaperOpened(Part.ORDERS, NASTY)],
        "readings": [
            [
                (Question(Intent.LIST, Part.INVOICES, start=TODAY, end=TODAY), ListInvoices(1, since="2026-10-01")),
                (Question(Intent.PDF, number="9" * 100), SendPdf(1, "875")),
            ],
            [
                (Question(Intent.OPEN, Part.INVOICES, amount=Decimal("1293.08")), ListInvoices(1)),
                (Question(Intent.LIST, Part.INVOICES, end=TODAY), ListInvoices(1, until="2026-10-01")),
            ],
            [
                (Question(Intent.LIST, Part.ORDERS, State.CANCELLED), ListOrders(1)),
                (Question(Intent.LIST, Part.INVOICES, State.UNPAID), ListInvoices(1, unpaid=True)),
            ],
        ],
        ShowStatement: [
            ShowStatement(1, since="2026-01-01", until="2026-12-31"),
            ShowStatement(1, since="2025-03-01", pick="t"),
            ShowStatement(1, unpaid=True, order="9" * 100, search=NASTY, pick="f"),
        ],
        Selection: [Selection(TODAY, TODAY), Selection(unpaid=True), Selection(order="7", query=NASTY), Selection()],
        Sequence[Totals]: [totals_of(bills, TODAY), ()],
        Sequence[Change]: [
            [Change(alert, is_held, datetime.timedelta(minutes=7)) for alert in Alert for is_held in (True, False)],
            [Change(Alert.PORTAL, False, datetime.timedelta())],
        ],
        Working: [Working(stage, 12, 48) for stage in Stage] + [Working(Stage.PACKING)],
        Finished: [
            Finished(
                PackFormat.ZIP, Selection(), 48, tuple(("9" * 100, why) for why in Missing for _ in range(12)), 1, 2
            ),
            Finished(PackFormat.STATEMENT, Selection(), 1),
            Finished(PackFormat.CSV, Selection(), 0),
        ],
        Stopped: [Stopped(reason) for reason in Reason],
        "pack_id": [1, 2**40],
        int | None: [1, None],
        int: [1, 0, 2, 59],
        "page_size": [5, 10],
        bool: [True, False],
        bool | None: [None, True, False],
        datetime.datetime: [NOW],
        datetime.date: [TODAY],
        datetime.date | None: [TODAY, None],
        LinkState: [link, other],
        LinkState | None: [link, None],
        Sequence[LinkState]: links,
        tuple[LinkState, ...]: links,
        OtherChat: list(people),
        AwaitedCode: [AwaitedCode("client@example.test", NOW)],
        CopyState: [
            CopyState(),
            CopyState(stopped_on=TODAY, awaited=AwaitedCode("client@example.test", NOW)),
            CopyState("client@example.test", is_paused=True, sent=(("212380", TODAY, None),)),
            CopyState(
                "client@example.test", sent=tuple((str(n), TODAY, reason) for n, reason in enumerate(MissingPdf))
            ),
        ],
        CodeRequested: [
            CodeRequested(1, 1, "client@example.test", "123456"),
            CodeRequested(1, 1, "client@example.test", "K7QM2XVP", 120, is_long=True),
            CodeRequested(1, 1, "client@example.test", "", 120, is_long=True, is_mailed=False),
        ],
        CheckResult: [
            WrongCode(4),
            WrongCode(0),
            OtherCodeKind(True),
            OtherCodeKind(False),
            CodeWithdrawn(),
            CodeExpired(),
            OlderCode(),
            TooOften(NOW, "cap"),
        ],
        Subject: [Subject(), Subject(NASTY * 5, Part.INVOICES, "212380"), Subject("x", Part.ORDERS, NASTY)],
        EndReason: list(EndReason),
        Language: list(Language),
        Collection[Feature]: [ALL_FEATURES, frozenset()],
        "help_page.company": [
            Company(NASTY, support, ZoneInfo("America/Toronto"), Language.FR, features=features)
            for support in ("", NASTY)
            for features in (ALL_FEATURES, frozenset[Feature]())
        ],
        "message": ["staff.over"],
        Screen: [Screen(facts=("x",)), Screen("x", note="y")],
        Sequence[Hit]: [(Hit(1, Part.ORDERS, "5"), Hit(1, Part.INVOICES, "5")), (Hit(2, Part.INVOICES, NASTY),), ()],
        Sequence[SearchPage]: [
            (
                SearchPage(1, Part.INVOICES, a_page(bills, 1, 13, 99)),
                SearchPage(2, Part.ORDERS, a_page(some, 1, 4, 99)),
            ),
            (SearchPage(2, Part.INVOICES, a_page(bills[:1], 1, 1, 1)),),
        ],
        Awaited | None: [*Awaited, None],
        datetime.datetime | None: [NOW, None],
        Sequence[OtherChat]: [people, ()],
        Mapping[int, str]: [{1: "a@b.test", 2: "c@d.test"}, {}],
        ChatState: [ChatState(1, True, "fr", 10, None, links[0]), ChatState(1, True)],
        StoredPersonalData | None: [
            StoredPersonalData(NASTY, ("client@example.test",), NOW),
            None,
            StoredPersonalData("", (), NOW),
        ],
        Invoice: [*bills, an_invoice(url="https://p.test/1", order_number="26387", balance="1.00")],
        Order: some,
        Page[Invoice]: [a_page(bills, 2, 13, 99), a_page([])],
        Page[Order]: [a_page(some, 2, 4, 99), a_page([])],
        ListInvoices: [action for action, _ in NOTHING.values()],
        ListOrders: [
            ListOrders(1),
            ListOrders(1, 2, NASTY),
            ListOrders(1, since="2026-01-01"),
            *(ListOrders(1, only=each) for each in OrderFilter),
            ListOrders(1, until="2026-01-01", only=OrderFilter.ENDING),
        ],
        ShowInvoice: [ShowInvoice(1, "212380")],
        ShowOrder: [ShowOrder(1, "26387"), ShowOrder(1, "26387", 2)],
        SendPdf: [SendPdf(1, "212380", again=True), SendPdf(1, "240204", is_credit_note=True)],
        ShowBalance: [ShowBalance(1)],
        Balance: [Balance(tuple(map(a_summary, ("CAD", "USD"))), is_complete=False), Balance(())],
        Sequence[tuple[LinkState, Balance]]: [[(other, Balance((a_summary(),)))], []],
        Sequence[tuple[LinkState, Action]]: [[(other, ShowBalance(1)), (other, ChooseAccount(2))], []],
        Balance | None: [Balance((a_summary(),)), None],
        Changes: [
            Changes(tuple(bills), tuple(bills[:1]), (an_invoice(status="credited"), an_invoice(status="cancelled"))),
            Changes(ending=(an_order("9", end_date="2027-01-18"),)),
            Changes(),
        ],
        Order | None: [None, an_order("9", end_date="2027-01-18")],
        AskSearch: [AskSearch(1, invoices=True), AskSearch(1, invoices=False)],
        Action: [ListInvoices(1, 2, query="q" * 40)],
        Action | None: [ListInvoices(1), None],
        Keyboard: [((Button("x", Start()),),)],
        Sequence[tuple[Kind, str]]: [
            ((Kind.ADDRESS_CHANGED, NASTY), (Kind.ACCESS_ENDED, "")),
            ((Kind.CONTACT_REMOVED, "x"),),
        ],
        Sequence[MenuLink]: [menu, ()],
        Sequence[str]: [("bookkeeper@example.test", NASTY), ()],
        DeliveryPreferences: [
            DeliveryPreferences(None, None, None),
            DeliveryPreferences("America/Vancouver", None, NOW),
        ],
    }


def every_screen(t: Any) -> dict[str, Screen]:
    """Return every screen of these modules with all of the unusual values."""
    values = odd_values(t)
    screens = {}
    for room in MODULES:
        for name, screen in vars(room).items():
            if not inspect.isfunction(screen) or screen.__module__ != room.__name__ or name.startswith("_"):
                continue
            hints = get_type_hints(screen)
            if hints.pop("return") is not Screen or Texts not in hints.values() or not values_for(values, name, hints):
                continue
            choices = {of: values.get(f"{name}.{of}") or values.get(of) or values[hint] for of, hint in hints.items()}
            for at, chosen in enumerate(itertools.islice(itertools.product(*choices.values()), 80)):
                screens[f"{name} {at}"] = screen(**dict(zip(choices, chosen, strict=True)))
    return screens


def values_for(values: dict[Any, list[Any]], screen: str, hints: dict[str, Any]) -> bool:
    return all({f"{screen}.{name}", name, hint} & set(values) for name, hint in hints.items())


@pytest.mark.parametrize("room", MODULES, ids=lambda room: room.__name__.split(".")[-1])
def test_every_screen_has_test_values(room: Any) -> None:
    for name, screen in vars(room).items():
        if inspect.isfunction(screen) and screen.__module__ == room.__name__ and not name.startswith("_"):
            hints = get_type_hints(screen)
            assert hints.pop("return") is not Screen or values_for(odd_values(FR), name, hints), (name, hints)


def first(t: Any, name: str) -> Screen:
    return every_screen(t)[f"{name} 0"]


@pytest.mark.parametrize("language", Language)
def test_every_screen_is_complete_in_both_languages(language: Language) -> None:
    for name, screen in every_screen(texts_in(language)).items():
        text = read(screen)
        none = texts_in(language)("quiet.none")  # in English it is the word that a forgotten value shows as
        shown = text.replace("{x}", "").replace(none, "")
        keys = [label.replace("{x}", "").replace(none, "-") for row in labels(screen) for label in row]
        assert len(text) <= 4096, name
        assert text.strip(), name
        assert not [part for part in (shown, *keys) if "{" in part or "}" in part or "None" in part], name
        assert "\u202e" not in text, name
        assert "\n\n\n" not in text, name
        assert all(label.strip() for label in keys), name
        for did in does(screen):
            data = encode(did) if did else None
            assert data is None or len(data.encode()) <= 64, name


WITHOUT_A_BUTTON = {
    "below_file": "a caption below the file; the screen above it keeps its buttons",
    "saved_pdf": "a caption, as below_file",
    "csv_caption": "a caption, as below_file",
    "json_caption": "a caption, as below_file",
    "pdf_in_progress": "the PDF or a screen with buttons replaces it",
    "topic_header": "the staff answer in its topic",
    "staff_told_of_end": "as topic_header",
    "staff_not_relayed": "as topic_header",
    "staff_message": "as topic_header",
    "alerts_screen": "what is to be done is not done in the chat",
}
"""Screens that may have no button, and why."""


@pytest.mark.parametrize("language", Language)
def test_no_screen_is_a_dead_end(language: Language) -> None:
    """Each screen has a button that does something or opens a page, except those listed with a reason."""
    dead = set()
    for name, screen in every_screen(texts_in(language)).items():
        keys = [key for row in render(screen).buttons for key in row if {"callback_data", "url"} & set(key)]
        if not keys:
            dead.add(name.split()[0])
    assert dead == set(WITHOUT_A_BUTTON)


@pytest.mark.parametrize("language", Language)
def test_every_screen_writes_hours_of_its_language(language: Language) -> None:
    """Code fills messages with hours: no screen has 20 h 00, or a space where a line may break."""
    for name, screen in every_screen(texts_in(language)).items():
        assert not re.search(r"\d h\b|\bh\s00\b|\b0\d\sh\b|\b(?:nº|no\.) ", read(screen)), name


def test_no_screen_is_the_same_in_both_languages() -> None:
    french, english = every_screen(FR), every_screen(EN)
    for name in french:
        assert read(french[name]) != read(english[name]), name
        buttons = [sum(map(len, labels(screen))) for screen in (french[name], english[name])]
        assert buttons[0] == buttons[1], name  # the rows may differ: English hours are longer


@pytest.mark.parametrize(
    "name",
    ["portal_down", "portal_broken", "not_ready", "internal_error", "code_not_sent", "portal_down_after_code"],
)
def test_first_button_retries_after_a_temporary_failure(name: str) -> None:
    assert labels(first(FR, name))[0][0] == "Réessayer"
    assert labels(first(EN, name))[0][0] == "Try again"


@pytest.mark.parametrize("name", ["confirm_revoke", "confirm_unlink", "confirm_forget", "offer_notices"])
def test_question_has_yes_and_no_buttons(name: str) -> None:
    french, english = labels(first(FR, name))[0], labels(first(EN, name))[0]
    assert [french[0][:3], french[1][:3]] == ["Oui", "Non"]
    assert [english[0][:3], english[1][:2]] == ["Yes", "No"]


AMOUNTS = st.from_regex(r"-?[0-9]{1,40}(\.[0-9]{1,40})?(E[+-]?[0-9]{1,3})?", fullmatch=True)


@hypothesis_settings(deadline=None)
@given(AMOUNTS, AMOUNTS, st.dates(), st.none() | st.dates())
def test_any_valid_amount_can_be_shown(
    amount: str, balance: str, date: datetime.date, due: datetime.date | None
) -> None:
    try:
        invoice = an_invoice(amount=amount, balance=balance, date=date, due_date=due)
        order = an_order(lines=0).model_copy(
            update={"lines": (OrderLine.model_validate({"quantity": amount, "description": "x"}),)}
        )
    except ValidationError:
        return
    for t in (FR, EN):
        read(invoices.invoice_list(t, NAME, a_page([invoice]), ListInvoices(1), TODAY, has_orders=True))
        read(invoices.invoice_detail(t, NAME, invoice, ShowInvoice(1, "1"), TODAY, has_orders=True))
        read(orders.order_list(t, NAME, a_page([order]), ListOrders(1), has_invoices=True))


@hypothesis_settings(deadline=None)
@given(st.text(min_size=1, max_size=100).filter(str.strip), st.text(max_size=80), st.text(max_size=80))
def test_any_portal_text_gives_a_valid_screen(number: str, name: str, words: str) -> None:
    invoice, order = an_invoice(number, order_number=words), an_order(number)
    line = OrderLine(quantity=None, description=words)
    order = order.model_copy(update={"lines": (line,)})
    for screen in (
        invoices.invoice_list(FR, name, a_page([invoice]), ListInvoices(1, query=words), TODAY, has_orders=True),
        invoices.invoice_detail(FR, name, invoice, ShowInvoice(1, number), TODAY, has_orders=True),
        orders.order_list(FR, name, a_page([order]), ListOrders(1), has_invoices=True),
        orders.order_detail(FR, name, order, ShowOrder(1, number), has_invoices=True),
        failures.not_found(FR, a_link(1, name), number),
        account.accounts(FR, (a_link(1, name), a_link(2, words)), {}, (OtherChat(9, words, NOW),)),
        linking.linked(FR, (a_link(1, name), a_link(2, words))),
    ):
        assert read(screen).strip()
        assert all(label.strip() for row in labels(screen) for label in row)
