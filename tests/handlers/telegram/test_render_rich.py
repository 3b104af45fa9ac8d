"""The second renderer: a rich message has the texts, numbers and button actions of the ordinary one."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st
from msgspec.structs import replace

from handlers.actions import Action, ListOrders, ShowInvoice, ShowOrder
from handlers.screens import invoices, notice_summary, notices, orders
from handlers.screens.notice_summary import SummaryLine
from handlers.screens.screen import Button, Screen, Section, Table
from handlers.telegram.render import render
from handlers.telegram.render_rich import TEXT_LIMIT, RichMessage, gains, render_rich
from sandbox.telegram.spec.methods import load_spec
from sandbox.telegram.text.html_entities import parse_html
from sandbox.telegram.text.rich import buttons_in, checked_blocks, plain_text
from storage.tables import Kind
from tests.handlers.screens.test_screens import (
    EN,
    FR,
    NAME,
    NASTY,
    STATES,
    TODAY,
    a_page,
    an_invoice,
    an_order,
    every_screen,
)
from tests.handlers.telegram.test_render import TEXTS

SEND = load_spec().methods["sendrichmessage"]


def rich(screen: Screen, *, is_notice: bool = False) -> RichMessage:
    """Render a screen, and check the message as the sandbox's Telegram does."""
    message = render_rich(screen, is_notice=is_notice)
    assert message is not None
    checked = SEND.check({"chat_id": 1, **message.content}, {})
    assert checked.lint == []
    assert checked_blocks(checked.values["rich_message"]) == message.blocks
    return message


def pieces(text: str) -> Counter[str]:
    """Return the texts between line ends and separators."""
    return Counter(piece.strip() for line in text.split("\n") for piece in line.split(" · ") if piece.strip())


def has_same_facts(screen: Screen, *, is_notice: bool = False) -> None:
    """Assert that both renderings have the same texts, actions and addresses, and the same labels below."""
    ordinary, other = render(screen, is_notice=is_notice), rich(screen, is_notice=is_notice)
    assert pieces(plain_text(other.blocks)) == pieces(parse_html(ordinary.html)[0])
    in_rows = [button["callback_data"] for button in buttons_in(other.blocks)]
    below = [button for row in other.buttons for button in row]
    keyboard = [button for row in ordinary.buttons for button in row]
    assert {*in_rows, *(_does(each) for each in below)} == {_does(each) for each in keyboard}
    assert below == [each for each in keyboard if each.get("callback_data") not in in_rows]


def _does(button: dict[str, str]) -> str:
    return button.get("callback_data") or button.get("url") or str(button["copy_text"])


@pytest.mark.parametrize("t", [FR, EN], ids=["fr", "en"])
def test_every_screen_has_the_same_facts(t: Any) -> None:
    screens = every_screen(t)
    assert sum(map(gains, screens.values())) > 20
    for screen in screens.values():
        has_same_facts(screen)


@pytest.mark.parametrize("t", [FR, EN], ids=["fr", "en"])
def test_every_notice_has_the_same_facts(t: Any) -> None:
    bills = [an_invoice(str(n), **facts, url="https://p.test/1") for n, (facts, _, _) in enumerate(STATES.values())]
    order = an_order(end_date="2026-10-15", url="https://p.test/2")
    screens = [notices.order_notice(t, kind, NASTY, order, 1) for kind in (Kind.ORDER_CREATED, Kind.ORDER_ENDING)]
    for kind in (Kind.INVOICE_ISSUED, Kind.INVOICE_PAID, Kind.REMINDER_DUE):
        screens += [notices.invoice_notice(t, kind, NASTY, bill, 1, TODAY) for bill in bills]
    lines = [SummaryLine(Kind.INVOICE_ISSUED, bill.number, 1, bill, NASTY) for bill in bills]
    lines += [SummaryLine(Kind.ORDER_ENDING, "26387", 2, order), SummaryLine(Kind.INVOICE_PAID, "9" * 80, 1, bills[0])]
    summaries = [notice_summary.summary(t, lines[:count]) for count in (1, 2, len(lines))]
    summaries.append(notice_summary.summary(t, lines * 3))
    assert all(map(gains, summaries))
    for screen in (*screens, *summaries):
        has_same_facts(screen, is_notice=True)
        has_same_facts(notices.marked(t, screen, [True]), is_notice=True)


def screens(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Screen]:
    actions: st.SearchStrategy[Action] = st.builds(ShowOrder, st.integers(1, 9), texts)
    rows = st.lists(st.tuples(st.tuples(texts, texts, texts, texts), texts, actions), min_size=1, max_size=5)
    tables = st.builds(
        lambda rows, opener: Table(
            tuple(cells for cells, _, _ in rows),
            tuple(below for _, below, _ in rows),
            tuple(a for _, _, a in rows),
            opener,
        ),
        rows,
        st.integers(0, 2),
    )
    return st.builds(
        lambda table, **parts: Screen(**parts, table=table, keyboard=_keyboard(table)),
        st.none() | tables,
        title=texts.filter(bool),
        position=texts,
        facts=st.lists(texts, max_size=5).map(tuple),
        section=st.none() | st.builds(Section, texts, st.lists(texts, min_size=1, max_size=5).map(tuple)),
        note=texts,
        lead=texts,
    )


def _keyboard(table: Table | None) -> tuple[tuple[Button, ...], ...]:
    opens = (tuple(Button("n", action) for action in table.actions),) if table else ()
    return (*opens, (Button("all", ListOrders(1)), Button("portal", url="https://p.test/")))


@settings(deadline=None)
@given(screens(TEXTS.filter(lambda text: text.strip() == text and "·" not in text)))
@example(
    Screen(
        "T",
        table=Table((("", "", "", ""),), ("",), (ShowOrder(1, "5"),), 1),
        keyboard=((Button("5", ShowOrder(1, "5")),),),
    )
)
def test_any_screen_has_the_same_facts(screen: Screen) -> None:
    if screen.table:  # a cell without text gets a sign, to be a button
        rows = tuple(tuple(cell or "x" for cell in row) for row in screen.table.rows)
        screen = replace(screen, table=replace(screen.table, rows=rows))
    has_same_facts(screen)


def test_row_opens_its_invoice() -> None:
    page = a_page([an_invoice("212380"), an_invoice("211967")], total=9)
    screen = invoices.invoice_list(FR, NAME, page, invoices.ListInvoices(7), TODAY, has_orders=True)
    shown = rich(screen)
    (table,) = [block for block in shown.blocks if block["type"] == "table"]
    assert [[cell["align"] for cell in row] for row in table["cells"]] == [["left", "left", "right"], ["left"]] * 2
    opener = table["cells"][0][1]["text"]["button"]
    assert opener == {"text": "nº\u00a0212380", "style": "link", "callback_data": "1I7|212380|"}
    assert table["cells"][1][0]["colspan"] == 3  # the state, below
    assert [button["text"] for button in shown.buttons[0]] == ["1/2", "›"]


def test_wide_cells_go_below_their_row() -> None:
    """A row of the summary has title and amount; state and account are below, where they do not fit beside these."""
    bill = an_invoice("240130", amount="1293.08", balance="0.00")
    lines = [
        SummaryLine(Kind.INVOICE_ISSUED, "240130", 1, bill, NAME),
        SummaryLine(Kind.INVOICE_PAID, "240129", 1, bill),
    ]
    (table,) = [b for b in rich(notice_summary.summary(FR, lines)).blocks if b["type"] == "table"]
    assert [len(row) for row in table["cells"]] == [2, 1, 2]
    assert table["cells"][1][0]["text"] == f"payée · {NAME}"
    assert "is_striped" not in table  # the second row has nothing below it


@pytest.mark.parametrize(("lines", "is_open"), [(1, True), (3, True), (4, None), (20, None)])
def test_long_agreement_is_folded(lines: int, is_open: bool | None) -> None:
    screen = orders.order_detail(FR, NAME, an_order(lines=lines), ShowOrder(1, "26387"), has_invoices=True)
    (folded,) = [block for block in rich(screen).blocks if block["type"] == "details"]
    assert folded["summary"] == "La commande comprend\u00a0:"
    assert folded.get("is_open") is is_open
    assert plain_text(folded["blocks"]).count("•") == lines


def test_action_that_fits_no_button_leaves_its_text() -> None:
    long = ShowInvoice(1, "9" * 60)
    screen = Screen("t", table=Table((("9" * 60,),), actions=(long,)), keyboard=((Button("long", long),),))
    has_same_facts(screen)
    assert buttons_in(rich(screen).blocks) == []


def test_text_over_the_limit_is_not_rendered() -> None:
    assert render_rich(Screen("t", facts=("x" * (TEXT_LIMIT - 100),))) is not None
    assert render_rich(Screen("t", facts=("x" * TEXT_LIMIT,))) is None


def test_plain_screens_stay_as_they_are() -> None:
    """Only a table or a section makes a rich message: the settings are read by every client."""
    assert not any(gains(screen) for name, screen in every_screen(FR).items() if name.startswith(("settings", "help")))
