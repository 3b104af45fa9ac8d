"""Requests every hostile number from a portal behind a proxy, and checks the answers and the portal's log."""

from collections.abc import Awaitable
from urllib.parse import unquote

from portal.client import Reader
from portal.errors import PortalError
from portal.http import HttpPortal
from portal.models import Invoice, Order, Pdf
from sandbox.portal.request_log import RequestLog
from tests.security.hostile import ATTACKER, HOSTILE, OWN_INVOICE, OWN_ORDER

LIMIT = 10**7
SLASHED = Reader("c-1005", "a-2005")
SLASHED_INVOICE = "F/1&2 <3>"


async def opened_by(portal: HttpPortal, number: str) -> list[str]:
    """Return what this number opens: as an invoice, as an order, as a PDF."""
    asked: dict[str, Awaitable[Invoice | Order | Pdf | None]] = {
        "invoice": portal.invoice(ATTACKER, number),
        "order": portal.order(ATTACKER, number),
        "pdf": portal.invoice_pdf(ATTACKER, number, language="fr", limit=LIMIT),
    }
    opened = []
    for name, call in asked.items():
        try:
            await call
        except PortalError:
            continue
        opened.append(name)
    return opened


async def attack(url: str, token: str, log: RequestLog) -> None:
    """Assert that no hostile number opens anything, and that only the attacker's account was requested."""
    portal = HttpPortal(url, token)
    log.clear()
    opened = {kind: await opened_by(portal, number) for kind, number in HOSTILE.items()}
    assert {kind: names for kind, names in opened.items() if names} == {}
    own = f"/v1/contacts/{ATTACKER.contact_id}/accounts/{ATTACKER.account_id}/"
    assert len(log.entries) > 40
    assert [entry.path for entry in log.entries if not unquote(unquote(entry.path)).startswith(own)] == []
    assert [entry.path for entry in log.entries if ".." in unquote(unquote(entry.path))] == []
    await portal.aclose()


async def ordinary(url: str, token: str, *, pdf_of_slashed: bool) -> None:
    """Assert that usual numbers open, one with a slash included."""
    portal = HttpPortal(url, token)
    assert (await portal.invoice(ATTACKER, OWN_INVOICE)).number == OWN_INVOICE
    assert (await portal.order(ATTACKER, OWN_ORDER)).number == OWN_ORDER
    assert await portal.invoice_pdf(ATTACKER, OWN_INVOICE, language="fr", limit=LIMIT) is not None
    assert (await portal.invoice(SLASHED, SLASHED_INVOICE)).number == SLASHED_INVOICE
    [order] = (await portal.orders(SLASHED, page=1, page_size=5)).items
    assert (await portal.order(SLASHED, order.number)).number == order.number
    if pdf_of_slashed:
        assert await portal.invoice_pdf(SLASHED, SLASHED_INVOICE, language="fr", limit=LIMIT) is not None
    await portal.aclose()
