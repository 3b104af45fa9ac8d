"""No typed or forged number changes the resource that is requested, behind any proxy."""

import unicodedata

import pytest

from portal import numbers
from portal.client import Reader
from portal.errors import NotFound, PortalBroken
from portal.http import HttpPortal
from portal.models import Contact
from sandbox.portal.server import PortalServer
from tests.portal.test_http import INVOICE, PAGE, Answer, BadPortal, as_json, changed
from tests.security.attack import LIMIT, attack, ordinary
from tests.security.folding_proxy import FOLDS, Fold, folding_proxy
from tests.security.hostile import ATTACKER, HOSTILE, OWN_INVOICE

TOKEN = "secret"
FOLDABLE_NUMBERS = [
    "../x", "a/../b", "a/./b", "a//b", "/a", "a/", "a\\b", "a%2Fb", "a;b", "..;/a", "a?b", "a#b", "..", "a/.. /b",
    "\uff0e\uff0e/a", "a\uff0f..", "a\u2215b", "\u2025/a", "a/\u2026/b", "a\u200bb", "a\uff05b", "a\nb", "a\u2028b",
]  # fmt: skip
FOLDABLE_IDS = [
    "", " ", ".", "..", "...", "a/../b", "../b", "a/..", "a\\b", "a\nb", "\x00", "%2e%2e", "a%2F..%2Fb",
    "a%252F..%252Fb", "..;/a", "..;x", "a/.. /b", "\uff0e\uff0e", "a\uff0f..\uff0fb", "a\uff3cb", "%5C", "%0a",
    "\ud800",
]  # fmt: skip


pytestmark = pytest.mark.usefixtures("quick_retries")


@pytest.mark.parametrize("fold", FOLDS, ids=lambda fold: fold.__name__)
async def test_hostile_numbers_behind_a_folding_proxy(fold: Fold) -> None:
    async with PortalServer(TOKEN) as server, folding_proxy(server.url, fold) as url:
        await attack(url, TOKEN, server.log)
        await ordinary(url, TOKEN, pdf_of_slashed=False)


async def test_hostile_numbers_without_a_proxy() -> None:
    async with PortalServer(TOKEN) as server:
        await attack(server.url, TOKEN, server.log)
        await ordinary(server.url, TOKEN, pdf_of_slashed=True)


@pytest.mark.parametrize("number", ["212380", "F-2026_1.a", "0", "INV-2026-7", "A" * 100])
def test_plain_numbers_are_accepted(number: str) -> None:
    assert numbers.is_plain(number)


def test_hostile_numbers_are_not_plain() -> None:
    plain = {kind for kind, number in HOSTILE.items() if numbers.is_plain(number)}
    assert {kind.rpartition(": ")[2] for kind in plain} <= {"only the victim's number", "own invoice with a format"}


@pytest.mark.parametrize("number", ["", "  ", "a\x00", "a\ud800", "1" * 101])
async def test_impossible_numbers_are_not_asked_for(server: BadPortal, portal: HttpPortal, number: str) -> None:
    for call in (portal.invoice(ATTACKER, number), portal.order(ATTACKER, number)):
        with pytest.raises(NotFound):
            await call
    assert server.asked == []


async def test_number_is_sent_as_a_query_parameter(server: BadPortal, portal: HttpPortal) -> None:
    """Of the portal's search results, only the invoice with exactly this number is used."""
    near, right = changed(INVOICE, number="2026/0011"), changed(INVOICE, number="2026/001", amount="5.00")
    server.says(as_json(changed(PAGE, items=[near, right], total=2)))
    assert str((await portal.invoice(ATTACKER, "2026/001")).amount) == "5.00"
    [asked] = server.asked
    assert asked.segments[-1] == "invoices"
    assert asked.query == {"number": ["2026/001"], "query": ["2026/001"], "page": ["1"], "page_size": ["100"]}
    with pytest.raises(NotFound):
        await portal.invoice(ATTACKER, "2026/00")
    with pytest.raises(NotFound):
        await portal.invoice(ATTACKER, "2026/00110")


@pytest.mark.parametrize("number", ["2026/001", "É-12", "A & B", "2026 001"])
async def test_pdf_of_a_number_with_a_slash(server: BadPortal, portal: HttpPortal, number: str) -> None:
    """The PDF is requested by path once the invoice was found in the account."""
    pdf = b"%PDF-1.7 %%EOF"
    server.says(as_json(changed(PAGE, items=[changed(INVOICE, number=number)])), Answer(200, pdf))
    found = await portal.invoice_pdf(ATTACKER, number, language="fr", limit=LIMIT)
    assert found is not None
    assert server.asked[1].segments[-2:] == [number, "pdf"]


@pytest.mark.parametrize("number", FOLDABLE_NUMBERS)
async def test_pdf_of_a_number_that_a_server_may_fold(server: BadPortal, portal: HttpPortal, number: str) -> None:
    """The PDF is not requested, even if the account has such an invoice."""
    server.says(as_json(changed(PAGE, items=[changed(INVOICE, number=number)])), Answer(200, b"%PDF-1.7 %%EOF"))
    with pytest.raises(NotFound):
        await portal.invoice_pdf(ATTACKER, number, language="fr", limit=LIMIT)
    assert len(server.asked) == 1


@pytest.mark.parametrize("text", FOLDABLE_IDS)
async def test_ids_that_a_server_may_fold_are_refused(server: BadPortal, portal: HttpPortal, text: str) -> None:
    """Contact and account ids come from the portal: one that would leave its place is not used."""
    for reader in (Reader(text, "a"), Reader("c", text)):
        for call in (
            portal.orders(reader, page=1, page_size=5),
            portal.invoices(reader, page=1, page_size=5),
            portal.invoice(reader, OWN_INVOICE),
            portal.invoice(reader, "2026/001"),
            portal.order(reader, OWN_INVOICE),
            portal.invoice_pdf(reader, OWN_INVOICE, language="fr", limit=LIMIT),
        ):
            with pytest.raises(PortalBroken):
                await call
    with pytest.raises(PortalBroken):
        await portal.contact(text)
    assert server.asked == []


@pytest.mark.parametrize("text", ["c-1", "a b", "ab/cd==", "ab//cd+", "é", "100%", "urn:x:1", "a..b", "{0-1}", "a;b"])
async def test_usual_ids_are_accepted(server: BadPortal, portal: HttpPortal, text: str) -> None:
    server.says(as_json({"contact_id": text, "email": "a@b.test"}))
    assert isinstance(await portal.contact(text), Contact)
    assert server.asked[0].segments == ["v1", "contacts", text]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("212380", "212381"), ("212380", "2123800"), ("F-1", "F-10"), ("pdf", "212380"), ("a", "b"), ("1", "\u00b9")],
)
async def test_answer_with_another_number_is_refused(
    server: BadPortal, portal: HttpPortal, asked: str, answered: str
) -> None:
    """An answer about another number is not used."""
    paper = changed(INVOICE, number=answered)
    answer = paper if numbers.is_plain(asked) else changed(PAGE, items=[paper])
    for call in (portal.invoice, portal.order):
        server.says(as_json(answer))
        with pytest.raises(PortalBroken if numbers.is_plain(asked) else NotFound):
            await call(ATTACKER, asked)


@pytest.mark.parametrize(
    ("asked", "answered"), [("f-212380", "F-212380"), ("É-1", unicodedata.normalize("NFD", "é-1"))]
)
async def test_same_number_in_another_spelling_is_accepted(
    server: BadPortal, portal: HttpPortal, asked: str, answered: str
) -> None:
    paper = changed(INVOICE, number=answered)
    server.says(as_json(paper if numbers.is_plain(asked) else changed(PAGE, items=[paper])))
    assert (await portal.invoice(ATTACKER, asked)).number == answered


@pytest.mark.parametrize("field", ["account_id", "contact_id"])
async def test_answer_of_another_account_or_contact_is_refused(
    server: BadPortal, portal: HttpPortal, field: str
) -> None:
    """An answer that names another account or contact than the requested one is refused."""
    own = {"account_id": ATTACKER.account_id, "contact_id": ATTACKER.contact_id}
    for value, is_broken in ((own[field], False), (None, False), ([], False), ("a-2003", True), (2003, True)):
        paper = changed(INVOICE, number=OWN_INVOICE) | {field: value}
        page = changed(PAGE, items=[paper])
        for answer, call in (
            (paper, lambda: portal.invoice(ATTACKER, OWN_INVOICE)),
            (paper, lambda: portal.order(ATTACKER, OWN_INVOICE)),
            (page, lambda: portal.invoices(ATTACKER, page=1, page_size=5)),
            (page, lambda: portal.orders(ATTACKER, page=1, page_size=5)),
            (page, lambda: portal.invoice(ATTACKER, "2026/001")),
        ):
            server.says(as_json(answer))
            try:
                await call()
            except PortalBroken:
                assert is_broken, (field, value)
            except NotFound:
                assert not is_broken
            else:
                assert not is_broken, (field, value)


async def test_answer_with_another_order_is_refused(server: BadPortal, portal: HttpPortal) -> None:
    """Among an order's invoices there is none of another order."""
    for number, is_broken in (("26387", False), (None, False), ("26388", True)):
        server.says(as_json(changed(PAGE, items=[changed(INVOICE, order_number=number)])))
        try:
            await portal.invoices(ATTACKER, page=1, page_size=5, order="26387")
        except PortalBroken:
            assert is_broken
        else:
            assert not is_broken


async def test_answer_with_another_contact_is_refused(server: BadPortal, portal: HttpPortal) -> None:
    server.says(as_json({"contact_id": "c-1002", "email": "a@b.test"}))
    with pytest.raises(PortalBroken):
        await portal.contact("c-1004")
