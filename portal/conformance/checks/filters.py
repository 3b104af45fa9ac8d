"""The checks of filters, searches and odd numbers: each filter filters, and no number stands for another."""

import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import TypeVar

from portal import numbers
from portal.conformance.check import (
    Check,
    FactMissing,
    NothingToCheck,
    Subject,
    expect,
    random_word,
    register_in,
)
from portal.conformance.checks.lists import is_newest_first
from portal.conformance.contents import PDF_LIMIT, identity
from portal.conformance.replies import few_at_once
from portal.errors import Forbidden, NotFound, PortalRefused
from portal.models import Invoice, Order, Page, Part, Status

FILTER_CHECKS: list[Check] = []
_check = register_in(FILTER_CHECKS)
FoundT = TypeVar("FoundT")
_FAR_FUTURE, _FAR_PAST = date(2990, 1, 1), date(1901, 1, 1)


@_check
async def by_date(subject: Subject) -> None:
    """Invoices of a period include those of its first and its last day, and no others."""
    subject.first_invoice()
    portal, reader = subject.portal, subject.reader
    day = subject.invoices[len(subject.invoices) // 2].date
    asked = await portal.invoices(reader, page=1, page_size=100, since=day, until=day)
    expected = [identity(invoice) for invoice in subject.invoices if invoice.date == day]
    found = [identity(invoice) for invoice in asked.items]
    is_part = not subject.main.is_whole(Part.INVOICES) and day == subject.invoices[-1].date
    expect(found[: len(expected)] == expected if is_part else found == expected, "others came, or some are missing")
    later = await portal.invoices(reader, page=1, page_size=100, since=day)
    earlier = await portal.invoices(reader, page=1, page_size=100, until=day)
    expect(all(invoice.date >= day for invoice in later.items), "one is of a day before the first")
    expect(all(invoice.date <= day for invoice in earlier.items), "one is of a day after the last")
    expect(is_newest_first(earlier.items), "those of a period do not come newest first")
    for empty in (
        await portal.invoices(reader, page=1, page_size=10, since=_FAR_FUTURE),
        await portal.invoices(reader, page=1, page_size=10, until=_FAR_PAST),
    ):
        expect(not empty.items and not empty.total, "a period without invoices has some")


@_check
async def by_order(subject: Subject) -> None:
    """An order's invoices are listed, as many as the order counts."""
    subject.require(Part.INVOICES)
    orders = [order for order in subject.orders if order.invoice_count]
    if not orders:
        raise NothingToCheck("no order counts an invoice")
    order = orders[0]
    listed = await subject.portal.invoices(subject.reader, page=1, page_size=100, order=order.number)
    expect(listed.total == order.invoice_count, "the order counts more or fewer")
    expect(all(each.order_number for each in listed.items), "an invoice of an order does not name it")
    same = all(numbers.is_same(each.order_number or "", order.number) for each in listed.items)
    expect(same, "an invoice of another order came")


@_check
async def by_unknown_order(subject: Subject) -> None:
    """An unknown order has no invoices."""
    subject.require(Part.INVOICES)
    for number in (random_word(), *(f"0{order.number}" for order in subject.orders[:1])):
        if number not in [order.number for order in subject.orders]:
            none = await subject.portal.invoices(subject.reader, page=1, page_size=10, order=number)
            expect(not none.items and not none.total, "it has some")


@_check
async def filters_together(subject: Subject) -> None:
    """Filters hold together: a list has only what each of them selects."""
    invoice = subject.first_invoice()
    portal, reader, nothing = subject.portal, subject.reader, random_word()
    opposite = Status.PAID if invoice.is_unpaid else Status.UNPAID
    for empty in (
        await portal.invoices(reader, page=1, page_size=10, query=invoice.number, order=nothing),
        await portal.invoices(reader, page=1, page_size=10, query=invoice.number, since=_FAR_FUTURE),
        await portal.invoices(reader, page=1, page_size=10, query=nothing, order=invoice.order_number),
        await portal.invoices(reader, page=1, page_size=10, query=nothing, status=opposite),
        await portal.invoices(reader, page=1, page_size=10, order=invoice.order_number, until=_FAR_PAST),
    ):
        expect(not empty.items and not empty.total, "one came that one of the filters excludes")
    found = await portal.invoices(reader, page=1, page_size=100, query=invoice.number, status=opposite)
    expect(identity(invoice) not in map(identity, found.items), "one came with the other status")


@_check
async def orders_searched(subject: Subject) -> None:
    """Orders are searched by number, and nonsense finds none."""
    number = subject.first_order().number
    await _searched(number, lambda query: subject.portal.orders(subject.reader, page=1, page_size=100, query=query))


@_check
async def invoices_searched(subject: Subject) -> None:
    """Invoices are searched by number, and nonsense finds none."""
    number = subject.first_invoice().number
    await _searched(number, lambda query: subject.portal.invoices(subject.reader, page=1, page_size=100, query=query))


async def _searched(
    number: str, search: Callable[[str], Awaitable[Page[Order]]] | Callable[[str], Awaitable[Page[Invoice]]]
) -> None:
    found = await search(number)
    expect(number in [each.number for each in found.items], "the one with the number was not found")
    for nonsense in (random_word(), f"{random_word()}'or'1'='1", f"{number}{random_word()}"):
        none = await search(nonsense)
        expect(not none.items and not none.total, "nonsense found some")


@_check
async def searched_in_any_case(subject: Subject) -> None:
    """A number is searched in capitals and in small letters."""
    portal, reader = subject.portal, subject.reader
    lettered = [each.number for each in subject.invoices if each.number.upper() != each.number.lower()]
    if not lettered:
        raise NothingToCheck("no invoice of the account has a number with letters")
    for query in (lettered[0].upper(), lettered[0].lower()):
        found = await portal.invoices(reader, page=1, page_size=100, query=query)
        if lettered[0] not in [each.number for each in found.items]:
            raise FactMissing("a search finds a number only as the portal writes it")


@_check
async def searched_by_date_and_amount(subject: Subject) -> None:
    """Invoices are searched by date, and by amount as people write it."""
    with_amount = [invoice for invoice in subject.invoices if invoice.amount > 0]
    if not with_amount:
        raise NothingToCheck("the account has no invoice with an amount")
    invoice = with_amount[len(with_amount) // 2]
    amount = f"{invoice.amount:.2f}"
    comma = amount.replace(".", ",")
    queries = {"2026-09-30": invoice.date.isoformat(), "293.08": amount, "293,08": comma, "293,08 $": f"{comma} $"}
    missing = []
    for form, query in queries.items():
        found = await subject.portal.invoices(subject.reader, page=1, page_size=100, query=query)
        if identity(invoice) not in map(identity, found.items) and found.total <= len(found.items):
            missing.append(f"`{form}`")
    if missing:
        raise FactMissing(f"a search written like {', '.join(missing)} does not find the invoice")


@_check
async def odd_order_numbers(subject: Subject) -> None:
    """An odd order number finds no other order."""
    number = subject.first_order().number
    await _no_other(number, lambda asked: subject.portal.order(subject.reader, asked))


@_check
async def odd_invoice_numbers(subject: Subject) -> None:
    """An odd invoice number finds no other invoice, and no other PDF."""
    number = subject.first_invoice().number
    portal, reader = subject.portal, subject.reader
    found = await _no_other(number, lambda asked: portal.invoice(reader, asked))
    for asked in odd_numbers(number)[:12]:
        if asked not in found:
            made = portal.invoice_pdf(reader, asked, language="fr", limit=PDF_LIMIT)
            expect(await _or_none(made) is None, "a PDF came for a number that no invoice has")


async def _no_other(number: str, read: Callable[[str], Awaitable[Order | Invoice]]) -> set[str]:
    """Ask for each odd number. Returns: those that a paper has."""
    found = set()
    odd = odd_numbers(number)
    for asked, paper in zip(odd, await few_at_once([_or_none(read(asked)) for asked in odd]), strict=True):
        if paper is not None:
            expect(_plainly(paper.number) == _plainly(asked), "another one came than the one with the number")
            found.add(asked)
    return found


async def _or_none(call: Awaitable[FoundT]) -> FoundT | None:
    """Return what was read; None where there is none, or where such a number is refused."""
    try:
        return await call
    except Forbidden:
        raise
    except (NotFound, PortalRefused):
        return None


def _plainly(number: str) -> str:
    """Fold what a database's collation may fold: case, widths, and spaces around."""
    return unicodedata.normalize("NFKC", number).casefold().strip()


def odd_numbers(number: str) -> Sequence[str]:
    """Return numbers like this one that are others, and numbers that nothing has; the most likely mistakes first."""
    wide = "".join(chr(ord(letter) + 0xFEE0) if letter.isascii() and letter.isalnum() else letter for letter in number)
    loose = [f"0{number}", f"00{number}", f"{number}0", number[:-1], number[1:], f"{number[:-1]}_", f"{number}%"]
    loose += [f"%{number}", f"{number}.0", f"+{number}", f"-{number}", f"{number}abc", f"abc{number}"]
    paths = [f"{number}/", f"/{number}", f"./{number}", f"../invoices/{number}", f"x/../{number}", ".", ".."]
    paths += [f"x%2F..%2F{number}", f"%2e%2e%2f{number}", f"{number};x", f"{number}?x", f"{number}#x"]
    texts = ["%", "_", "*", "?", "'", "' OR '1'='1", f"{number}' --", " ".join(number), f"{number} {number}"]
    texts += [f"é{number}", wide, "É\u202e№", "9" * 64, "x" * 61, "A1" * 40, "0", "-1", "null"]
    return [asked for asked in dict.fromkeys([*loose, *paths, *texts]) if asked.strip() and asked != number]
