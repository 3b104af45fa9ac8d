"""The promises about the menu and the feed; and the facts that a portal may lack, with what the bot shows instead."""

from portal.contract import Check, NothingThere, Subject, Untold, expect, into, refused_as, unguessable
from portal.errors import CursorTooOld, PortalRefused

TOLD: list[Check] = []
_check = into(TOLD)


@_check
async def menu(subject: Subject) -> None:
    """The portal's menu is there in both languages, with addresses that can be opened."""
    french, english = [await subject.portal.links(language) for language in ("fr", "en")]
    expect([link.key for link in french] == [link.key for link in english], "the languages have other entries")
    expect(all(link.url.startswith(("https://", "http://")) for link in french), "an address is none")
    if not french:
        raise Untold("/portail says that there is no menu")


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
    await refused_as(subject.portal.events(unguessable(), 10), (CursorTooOld, PortalRefused), "it was taken")


@_check
async def period(subject: Subject) -> None:
    """An order's start and end are told."""
    subject.an_order()
    if not any(order.start_date or order.end_date for order in subject.orders):
        raise Untold("an order is listed by its number and its agreement; /commandes shows no dates")


@_check
async def progress(subject: Subject) -> None:
    """An order's progress is told."""
    subject.an_order()
    if all(order.progress is None for order in subject.orders):
        raise Untold("the line with the percentage is left out")


@_check
async def due_date(subject: Subject) -> None:
    """An unpaid invoice's due date is told."""
    unpaid = [invoice for invoice in subject.invoices if invoice.is_unpaid]
    if not unpaid:
        raise NothingThere("the account has no unpaid invoice")
    if not any(invoice.due_date for invoice in unpaid):
        raise Untold("what is to be paid is shown without a date")


@_check
async def pages_on_the_portal(subject: Subject) -> None:
    """An order or an invoice has a page on the portal."""
    if not subject.orders and not subject.invoices:
        raise NothingThere("the account has no order and no invoice")
    if not any([*(order.url for order in subject.orders), *(invoice.url for invoice in subject.invoices)]):
        raise Untold("there is no button that opens the portal")
