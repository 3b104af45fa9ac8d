"""The checks of the menu, the event feed, and the optional facts that a portal may lack."""

from portal.conformance.check import (
    Check,
    FactMissing,
    NothingToCheck,
    Subject,
    expect,
    expect_error,
    random_word,
    register_in,
)
from portal.errors import CursorTooOld, PortalRefused

FEATURE_CHECKS: list[Check] = []
_check = register_in(FEATURE_CHECKS)


@_check
async def menu(subject: Subject) -> None:
    """The portal's menu is there in both languages, with addresses that can be opened."""
    french, english = [await subject.portal.links(language) for language in ("fr", "en")]
    expect([link.key for link in french] == [link.key for link in english], "the languages have other entries")
    expect(all(link.url.startswith(("https://", "http://")) for link in french), "an address is none")
    if not french:
        raise FactMissing("/portail says that there is no menu")


@_check
async def feed_from_now(subject: Subject) -> None:
    """The feed starts at now: without a cursor it gives one and no event, and goes on from it."""
    now = await subject.portal.events(None, 10)
    expect(not now.items, "events came without a cursor")
    expect(bool(now.cursor), "the cursor is empty")
    later = await subject.portal.events(now.cursor, 10)
    expect(bool(later.cursor), "the cursor is empty")


@_check
async def feed_from_nowhere(subject: Subject) -> None:
    """A cursor that the portal never gave out is refused: 410 or 422."""
    await expect_error(subject.portal.events(random_word(), 10), (CursorTooOld, PortalRefused), "it was taken")


@_check
async def period(subject: Subject) -> None:
    """An order's start and end are told."""
    subject.first_order()
    if not any(order.start_date or order.end_date for order in subject.orders):
        raise FactMissing("an order is listed by its number and its agreement; /commandes shows no dates")


@_check
async def progress(subject: Subject) -> None:
    """An order's progress is told."""
    subject.first_order()
    if all(order.progress is None for order in subject.orders):
        raise FactMissing("the line with the percentage is left out")


@_check
async def due_date(subject: Subject) -> None:
    """An unpaid invoice's due date is told."""
    unpaid = [invoice for invoice in subject.invoices if invoice.is_unpaid]
    if not unpaid:
        raise NothingToCheck("the account has no unpaid invoice")
    if not any(invoice.due_date for invoice in unpaid):
        raise FactMissing("what is to be paid is shown without a date")


@_check
async def pages_on_the_portal(subject: Subject) -> None:
    """An order or an invoice has a page on the portal."""
    if not subject.orders and not subject.invoices:
        raise NothingToCheck("the account has no order and no invoice")
    if not any([*(order.url for order in subject.orders), *(invoice.url for invoice in subject.invoices)]):
        raise FactMissing("there is no button that opens the portal")
