"""The checks of the menu, and of the optional facts that a portal may lack."""

from dataclasses import replace

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
from portal.errors import NotFound
from portal.models import Part, Status

ADDITION_CHECKS: list[Check] = []
_check = register_in(ADDITION_CHECKS)


@_check
async def menu(subject: Subject) -> None:
    """The portal's menu is there in both languages, with addresses that can be opened."""
    french, english = [await subject.portal.links(language) for language in ("fr", "en")]
    expect([link.key for link in french] == [link.key for link in english], "the languages have other entries")
    expect(all(link.url.startswith(("https://", "http://")) for link in french), "an address is none")
    if not french:
        raise FactMissing("/portail says that there is no menu")


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


@_check
async def status_and_kind(subject: Subject) -> None:
    """An invoice's status and kind are told."""
    subject.first_invoice()
    if all(invoice.status is None or invoice.kind is None for invoice in subject.invoices):
        raise FactMissing("an invoice is paid or open by its balance, and a credit note by the sign of its amount")


@_check
async def summary(subject: Subject) -> None:
    """The summary of the open invoices has the counts and balances of the list."""
    subject.require(Part.INVOICES)
    found = await subject.portal.invoice_summary(subject.reader)
    if found is None:
        raise FactMissing("what is open is added up from the newest 1,000 open invoices")
    page = await subject.portal.invoices(subject.reader, page=1, page_size=100, status=Status.UNPAID)
    if page.total > len(page.items):
        raise NothingToCheck("the account has more than 100 open invoices")
    for each in found:
        unpaid = [invoice for invoice in page.items if invoice.currency == each.currency]
        expect(each.open_count == len(unpaid), "another count than the list")
        expect(each.open_balance == sum(invoice.balance for invoice in unpaid), "another balance than the list")


@_check
async def exact_number(subject: Subject) -> None:
    """`?number=` finds only the invoice with exactly this number."""
    subject.first_invoice()
    # A number with a slash is asked for as ?number=, and so is one that nobody has.
    await expect_error(subject.portal.invoice(subject.reader, f"{random_word()}/1"), (NotFound,), "one came")


@_check
async def reads_in_a_language(subject: Subject) -> None:
    """Orders and invoices are read with `language`, in French and in English."""
    number = subject.first_invoice().number
    for language in ("fr", "en"):
        found = await subject.portal.invoice(replace(subject.reader, language=language), number)
        expect(found.number == number, "another invoice came")
