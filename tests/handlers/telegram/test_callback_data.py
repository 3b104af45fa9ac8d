"""The callback codec: every action survives 64 bytes, and other data is a bad button."""

import contextlib
import enum
import re
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st
from msgspec.structs import fields, replace

from handlers import actions, text_actions
from handlers.actions import (
    Action,
    AddToCalendar,
    AnswerNoticeOffer,
    AskSearch,
    CancelPack,
    ChooseAccount,
    ChooseLanguage,
    CompareCode,
    ContinuePack,
    EndConversation,
    ListInvoices,
    ListOrders,
    ListStyle,
    MakePack,
    OpenNumber,
    PassOn,
    PrivacyPart,
    SendPdf,
    ShowBalance,
    ShowCalendar,
    ShowInvoice,
    ShowOrder,
    ShowPrivacy,
    ShowSettings,
    ShowStatement,
    Start,
    TalkToPerson,
    Unlink,
    letter_of,
)
from handlers.dispatch import VIEWS
from handlers.telegram.callback_data import LIMIT_BYTES, InvalidCallbackData, decode, encode
from handlers.text_actions import GiveCode, GiveEmail
from portal.models import Part
from services.account.paper_filters import InvoiceFilter, OrderFilter
from services.packs.selection import PackFormat
from texts.language import Language

KINDS = [*(kind for kind in VIEWS if letter_of(kind)), CompareCode]
INTEGERS = st.integers(-(2**63) + 1, 2**63 - 1)
TEXTS = st.text(max_size=40) | st.text("|\\p1", max_size=20)


def of(kind: type[Action]) -> st.SearchStrategy[Action]:
    """Return a strategy for an action type with any values in its fields."""
    values: dict[str, st.SearchStrategy[Any]] = {
        "int": INTEGERS,
        "bool": st.booleans(),
        "str": TEXTS,
        "Part | None": st.none() | st.sampled_from(Part),
        "PackFormat": st.sampled_from(PackFormat),
        "Language | None": st.none() | st.sampled_from(Language),
        "ListStyle | None": st.none() | st.sampled_from(ListStyle),
        "PrivacyPart | None": st.none() | st.sampled_from(PrivacyPart),
        "InvoiceFilter | None": st.none() | st.sampled_from(InvoiceFilter),
        "OrderFilter | None": st.none() | st.sampled_from(OrderFilter),
    }
    return st.builds(kind, **{field.name: values[type_name(field.type)] for field in fields(kind)})


def type_name(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else re.sub(r"\w+\.", "", str(annotation))


ANY_ACTION = st.one_of([of(kind) for kind in KINDS])


@pytest.mark.parametrize(
    ("action", "data"),
    [
        (Start(), "1H"),
        (actions.OpenInvitation(12), "1Yc|"),
        (actions.OpenInvitation(12, sure=True), "1Yc|1|"),
        (actions.DeclineInvitation(12), "1Uc|"),
        (ListOrders(3), "1o3|"),
        (ListOrders(36, page=2), "1o10|2|"),
        (ListInvoices(3, 2, True), "1i3|2|1|"),
        (ListInvoices(3, query="x"), "1i3|1|||x|"),
        (ListInvoices(3, only=InvoiceFilter.OVERDUE), "1i3|1|||||||o|"),
        (ListInvoices(3, 2, since="2026-01-01", only=InvoiceFilter.CANCELLED), "1i3|2||||2026-01-01|||c|"),
        (ListInvoices(3, only=InvoiceFilter.CREDIT_NOTES), "1i3|1|||||||n|"),
        (ListOrders(3, only=OrderFilter.ENDING), "1o3|1||||e|"),
        (ListOrders(3, since="2026-01-01", only=OrderFilter.ENDED), "1o3|1||2026-01-01||d|"),
        (ListOrders(3, only=OrderFilter.ACTIVE), "1o3|1||||a|"),
        (ListOrders(3, only=OrderFilter.CANCELLED), "1o3|1||||c|"),
        (ShowBalance(3), "1B3|"),
        (ShowInvoice(1, "212380"), "1I1|212380|"),
        (ShowInvoice(1, "212380", 7), "1I1|212380|7|"),
        (ShowInvoice(1, "5", 2, unpaid=True), "1I1|5|2|1|"),
        (ShowInvoice(1, "5", order="26387"), "1I1|5|1||26387|"),
        (ShowInvoice(1, "5", query="mars"), "1I1|5|1|||mars|"),
        (ShowInvoice(1, "5", since="2026-01-01", only=InvoiceFilter.OVERDUE), "1I1|5|1||||2026-01-01|||o|"),
        (ShowOrder(1, "26387"), "1O1|26387|"),
        (ShowOrder(1, "26387", 2), "1O1|26387|2|"),
        (ShowOrder(1, "26387", list_page=3, query="x"), "1O1|26387|1|3|x|"),
        (ShowOrder(1, "26387", only=OrderFilter.ENDING), "1O1|26387|1|1||||e|"),
        (ShowInvoice(1, "A|B\\p"), "1I1|A\\pB\\\\p|"),
        (ChooseLanguage(), "1L"),
        (ChooseLanguage(Language.FR), "1Lfr|"),
        (AnswerNoticeOffer(7, yes=False), "1w7||"),
        (AnswerNoticeOffer(7, yes=True), "1w7|1|"),
        (ShowSettings(10), "1Sa|"),
        (ShowSettings(lists=ListStyle.TABLES), "1S0|t|"),
        (ShowPrivacy(PrivacyPart.RIGHTS), "1Pr|"),
        (AskSearch(-1, invoices=True), "1s-1|1|"),
        (SendPdf(1, "5", again=True), "1d1|5|1|"),
        (OpenNumber(1, "é"), "1n1|é|"),
        (OpenNumber(1, "5", Part.ORDERS, "123456", "/orders"), "1n1|5|orders|123456|/orders|"),
        (CompareCode("123456"), "1g123456|"),
        (SendPdf(1, "5", anew=True), "1d1|5||1|"),
        (SendPdf(1, "5", is_credit_note=True), "1d1|5|||1|"),
        (Unlink(sure=True), "1u1|"),
        (AddToCalendar(1, "5"), "1R1|5|"),
        (AddToCalendar(1, "5", is_order=True), "1R1|5|1|"),
        (ShowCalendar(3, "new"), "1V3|new|"),
        (ShowStatement(3, "2026-01-01", "2026-12-31"), "1T3|2026-01-01|2026-12-31|"),
        (ShowStatement(3, unpaid=True, order="7", search="x"), "1T3|||1||7||x|"),
        (MakePack(3, PackFormat.ZIP, "2026-01-01"), "1Z3|z|2026-01-01|"),
        (CancelPack(37), "1X11|"),
        (ContinuePack(1), "1E1|"),
        (TalkToPerson(), "1Q"),
        (TalkToPerson(1, Part.INVOICES, "212380"), "1Q1|invoices|212380|"),
        (EndConversation(), "1G"),
        (PassOn(37), "1M11|"),
    ],
)
def test_existing_callback_data_keeps_its_meaning(action: Action, data: str) -> None:
    assert encode(action) == data
    assert decode(data) == action
    assert encode(action, of_notice=True) == f"2{data[1:]}"
    assert decode(f"2{data[1:]}") == action


@settings(deadline=None)
@given(ANY_ACTION)
@example(ListOrders(0, query="|"))
@example(ListOrders(0, query="\\"))
@example(ListOrders(0, query="\\p\\\\|p"))
@example(ShowOrder(2**63 - 1, "", -(2**63) + 1))
@example(ListOrders(1, query="\ud800"))
def test_action_is_decoded_unchanged_or_not_encoded(action: Action) -> None:
    data = encode(action)
    if data is None:
        return
    assert len(data.encode("utf-8", "replace")) <= LIMIT_BYTES == 64
    decoded = decode(data)
    if isinstance(action, ShowInvoice | ShowOrder):  # without the list that it was opened from, if that is too long
        assert decoded in (action, action.shortened(0))
    elif hasattr(action, "query") and decoded != action:  # a search that is too long is cut, nothing else
        cut = getattr(decoded, "query")  # noqa: B009
        assert action.query.startswith(cut)
        assert decoded == replace(action, query=cut)
        assert encode(replace(action, query="")) is not None
    else:
        assert decoded == action


@settings(deadline=None)
@given(
    st.text()
    | st.builds("1{}{}".format, st.sampled_from([letter_of(kind) for kind in KINDS]), st.text("0fr1|\\pz-_ é²"))
)
@example("")
@example("1")
@example("1|")
@example("1o")
@example("1o|")
@example("1o1")
@example("1o1|\\")
@example("1o1|1|\\x|")
@example("1o1_0|")
@example("1o 1|")
@example("1o+1|")
@example("1o01|")
@example("1o-0|")
@example("1oA|")
@example("1o²|")
@example("1o٣|")
@example("1o" + "z" * 5000 + "|")
@example("1u2|")
@example("1Lde|")
def test_any_callback_data_is_an_action_or_a_bad_button(data: str) -> None:
    try:
        action = decode(data)
    except InvalidCallbackData:
        return
    assert type(action) in KINDS
    written = encode(action)
    if written is not None:
        assert decode(written) == action
        assert encode(decode(written)) == written
        assert len(written) <= len(data)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "1",
        "0H",
        "3H",
        "H",
        "1Z",
        "1 ",
        "1é",
        "11",
        "1H|",
        "1H1|",
        "1o",
        "1o1",
        "1o|",
        "1o1|1|q|||e|more|",
        "1o1|1||||z|",
        "1o1|p_ge|",
        "1o1|1|a\\b|",
        "1o1|1|a\\|",
        "1oZ|",
        "1I1|",
        "1u0|",
        "1utrue|",
        "1Lde|",
        "1w1|",
        "\x001H",
        "i:3:2",
    ],
)
def test_invalid_version_letter_or_fields_are_bad_buttons(data: str) -> None:
    with pytest.raises(InvalidCallbackData):
        decode(data)


@settings(deadline=None)
@given(ANY_ACTION, st.integers(0, 70))
def test_truncated_callback_data_raises_nothing(action: Action, length: int) -> None:
    data = encode(action) or ""
    with contextlib.suppress(InvalidCallbackData):
        assert type(decode(data[:length])) in KINDS


def test_letters_are_unique_and_every_action_has_a_view() -> None:
    defined = {
        kind
        for module in (actions, text_actions)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Action) and kind.__doc__
    } - {Action, actions.AccountAction}
    assert defined == {*VIEWS, CompareCode}  # which the dispatch replaces by the action of the awaited code
    letters = [letter_of(kind) for kind in KINDS]
    assert len(set(letters)) == len(letters)
    assert all(len(letter) == 1 and letter.isascii() and letter.isalpha() for letter in letters)


@pytest.mark.parametrize("action", [GiveEmail("client@example.test"), GiveCode("123456")], ids=type)
def test_callback_data_has_no_address_and_no_code(action: Action) -> None:
    with pytest.raises(TypeError) as refused:
        encode(action)
    assert "client@example.test" not in str(refused.value)
    assert "123456" not in str(refused.value)


@settings(deadline=None)
@given(st.integers(0, 10**12), st.text("0123456789ABC-/", max_size=39))
def test_usual_number_fits_into_callback_data(link: int, number: str) -> None:
    pdfs = SendPdf(link, number, again=True), SendPdf(link, number, again=True, is_credit_note=True)
    for action in (ShowInvoice(link, number), OpenNumber(link, number), *pdfs):
        assert encode(action) is not None


def test_long_number_of_a_credit_note_keeps_its_pdf_button() -> None:
    """Only what the PDF is called is lost."""
    number = "x" * 58
    assert encode(SendPdf(1, number, is_credit_note=True)) == encode(SendPdf(1, number)) is not None


@settings(deadline=None)
@given(st.text(max_size=100) | st.text("|\\é🎉", max_size=100), st.integers(1, 36**6), st.integers(1, 999))
@example("|" * 100, 36**6, 999)
@example("\\" * 100, 36**6, 999)
@example("🎉" * 100, 36**6, 999)
@example("x" * 53, 1, 1)
def test_search_text_is_cut_to_fit_callback_data(query: str, link: int, page: int) -> None:
    """A search of any length is encoded with as much of it as fits."""
    for action in (ListOrders(link, page, query), ListInvoices(link, page, query=query)):
        data = encode(action)
        assert data is not None
        kept = getattr(decode(data), "query")  # noqa: B009
        assert query.startswith(kept)
        if kept != query:
            assert len(kept) >= 10
            assert len(data.encode()) > LIMIT_BYTES - 8


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(1, 36**6), st.integers(1, 999), st.booleans())
@example("x" * 60, 36**6, 999, True)
def test_detail_goes_back_to_its_list_or_the_first_page(query: str, link: int, page: int, unpaid: bool) -> None:
    """A list that does not fit into the button is left out as a whole: no shorter search is shown instead."""
    invoices, orders = ListInvoices(link, page, unpaid=unpaid, query=query), ListOrders(link, page, query)
    for action, opened_from, first in (
        (ShowInvoice.from_list("212380", invoices), invoices, ListInvoices(link)),
        (ShowOrder.from_list("26387", orders), orders, ListOrders(link)),
    ):
        decoded = decode(encode(action) or "")
        assert isinstance(decoded, ShowInvoice | ShowOrder)
        assert decoded.number == action.number
        assert decoded.opened_from in (opened_from, first)
        if len(query.encode()) <= 20 and not set(query) & set("|\\"):
            assert decoded.opened_from == opened_from


def test_every_field_has_a_type_that_the_codec_supports() -> None:
    for kind in KINDS:
        for field in fields(kind):
            filters = (
                "InvoiceFilter | None",
                "OrderFilter | None",
                "ListStyle | None",
                "PrivacyPart | None",
                "PackFormat",
            )
            allowed = ("int", "bool", "str", "Language | None", "Part | None", *filters)
            assert type_name(field.type) in allowed, (kind, field.name)
    assert issubclass(Language, enum.Enum)


@settings(deadline=None)
@given(st.sampled_from([ChooseAccount, ListOrders, ListInvoices]), st.integers(1, 2**53))
def test_button_carries_its_account(kind: type[Any], link: int) -> None:
    data = encode(kind(link))
    assert data is not None
    assert getattr(decode(data), "link") == link  # noqa: B009
