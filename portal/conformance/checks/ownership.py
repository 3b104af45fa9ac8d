"""The checks with two addresses: neither can read, list or guess anything of the other.

Each is made in both directions.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import count

from portal import numbers
from portal.client import Portal, Reader
from portal.conformance.check import (
    MOST_ACCOUNTS,
    Check,
    NothingToCheck,
    NotTested,
    Subject,
    expect,
    random_word,
    register_in,
)
from portal.conformance.checks.documents import read_pdf
from portal.conformance.contents import PDF_LIMIT, AccountContents, identity, is_distinctive, made_up_like, spread
from portal.conformance.replies import Call, Reply, differs_in_time, every_call, few_at_once, reply_to
from portal.errors import PortalError
from portal.models import Invoice, Order, Part, Status

OWNERSHIP_CHECKS: list[Check] = []
_check = register_in(OWNERSHIP_CHECKS)
_MOST_PAPERS = 100
"""The most orders, and invoices, of each address that the other asks for."""
_MOST_COMPARED = 3

References = dict[tuple[Reader, str, bool], Reply]
"""How a number that nobody has is answered: by the reader, the call, and whether the number is part of its path."""


@_check
async def unknown_accounts(subject: Subject) -> None:
    """An account or a contact that does not exist is 404, whatever is asked of it."""
    order = subject.orders[0].number if subject.orders else random_word()
    invoice = subject.invoices[0].number if subject.invoices else random_word()
    for reader in (
        replace(subject.reader, account_id=random_word()),
        replace(subject.reader, contact_id=random_word()),
    ):
        for name, call in every_call(subject.portal, reader, order, invoice).items():
            reply = await reply_to(call())
            expect(reply.is_not_found, f"{name}: {reply.kind}, not NotFound")


@_check
async def different_accounts(subject: Subject) -> None:
    """The two addresses have different accounts, and all of them are compared."""
    subject.foreign_pairs()
    if shared := len(subject.shared_accounts()):
        raise NotTested(f"accounts that both may see are left out: {shared}")
    if subject.left_out:
        raise NotTested(f"accounts over the first {MOST_ACCOUNTS} of an address are left out: {subject.left_out}")


@_check
async def foreign_accounts(subject: Subject) -> None:
    """Another customer's account is answered, in every call, like one that does not exist."""
    for mine, theirs in subject.foreign_pairs():
        order = theirs.orders[0].number if theirs.orders else random_word()
        invoice = theirs.invoices[0].number if theirs.invoices else random_word()
        etag = await _etag(subject, theirs)
        foreign = replace(mine.reader, account_id=theirs.reader.account_id)
        unknown = replace(mine.reader, account_id=random_word())
        expected = every_call(subject.portal, unknown, order, invoice, etag)
        calls = every_call(subject.portal, foreign, order, invoice, etag)
        replies = await few_at_once([reply_to(call()) for call in calls.values()])
        references = await few_at_once([reply_to(expected[name]()) for name in calls])
        for name, reply, reference in zip(calls, replies, references, strict=True):
            expect(not reply.is_answer, f"{name} came")
            expect(reply == reference, f"{name}: {reply.kind}; an account that does not exist: {reference.kind}")


async def _etag(subject: Subject, contents: AccountContents) -> str | None:
    """Return the ETag of the PDF of the account's newest invoice, for whom may see it."""
    if not contents.invoices:
        return None
    try:
        pdf = await read_pdf(subject, contents.reader, contents.invoices[0].number)
    except PortalError:
        return None
    return pdf.etag if pdf else None


@_check
async def lists_are_disjoint(subject: Subject) -> None:
    """No list has another customer's orders or invoices."""
    subject.foreign_pairs()
    shared = subject.shared_accounts()
    for mine in subject.own:
        for theirs in subject.others:
            if shared.isdisjoint({mine.reader.account_id, theirs.reader.account_id}):
                for part in Part:
                    expect(not _common(mine.papers(part), theirs.papers(part)), f"one of the {part.value} is in both")


def _common(ours: Iterable[Order | Invoice], theirs: Iterable[Order | Invoice]) -> set[object]:
    foreign = {identity(paper) for paper in theirs if is_distinctive(paper)}
    return {identity(paper) for paper in ours} & foreign


@_check
async def filters_keep_to_the_account(subject: Subject) -> None:
    """No search and no filter finds another customer's orders or invoices."""
    for mine, theirs in subject.foreign_pairs():
        portal, reader = subject.portal, mine.reader
        if Part.ORDERS in mine.parts:
            for order in spread(theirs.orders, _MOST_COMPARED):
                orders = await portal.orders(reader, page=1, page_size=100, query=order.number)
                expect(not _foreign(orders.items, mine, theirs), "a search finds one of the orders")
        if Part.INVOICES in mine.parts:
            for status in Status:
                invoices = await portal.invoices(reader, page=1, page_size=100, status=status)
                expect(not _foreign(invoices.items, mine, theirs), f"among the {status.value} is one of the invoices")
            for invoice in spread(theirs.invoices, _MOST_COMPARED):
                await _filters_find_none_of(subject, invoice, mine, theirs)


async def _filters_find_none_of(
    subject: Subject, invoice: Invoice, mine: AccountContents, theirs: AccountContents
) -> None:
    invoices = partial(subject.portal.invoices, mine.reader, page=1, page_size=100)
    for name, found in (
        ("a search by number", await invoices(query=invoice.number)),
        ("a search by amount", await invoices(query=f"{invoice.amount:.2f}")),
        ("a search by date", await invoices(query=invoice.date.isoformat())),
        ("a period", await invoices(since=invoice.date, until=invoice.date)),
        ("the order's number", await invoices(order=invoice.order_number or random_word())),
    ):
        expect(not _foreign(found.items, mine, theirs), f"{name} finds one of the invoices")


def _foreign(found: Iterable[Order | Invoice], mine: AccountContents, theirs: AccountContents) -> set[object]:
    own = {identity(paper) for part in Part for paper in mine.papers(part)}
    return _common(found, [paper for part in Part for paper in theirs.papers(part)]) - own


@_check
async def foreign_papers(subject: Subject) -> None:
    """Another customer's order, invoice or PDF is answered, by number, like one that does not exist."""
    pairs = subject.foreign_pairs()
    references: References = {}
    for mine, theirs in pairs:
        portal, etag = subject.portal, await _etag(subject, theirs)
        for part in mine.parts:
            papers = [paper for paper in theirs.papers(part) if not _of_number(mine, part, paper.number)]
            asked = spread(papers, max(1, _MOST_PAPERS * 2 // len(pairs)))
            await few_at_once([_expect_unknown(portal, mine, paper, references) for paper in asked])
        newest = theirs.invoices[0].number if theirs.invoices else ""
        if etag and Part.INVOICES in mine.parts and not _of_number(mine, Part.INVOICES, newest):
            known = portal.invoice_pdf(mine.reader, newest, language="fr", known_etag=etag, limit=PDF_LIMIT)
            expect(not (await reply_to(known)).is_answer, "a PDF that is asked for with its ETag is unchanged")


async def _expect_unknown(
    portal: Portal, mine: AccountContents, paper: Order | Invoice, references: References
) -> None:
    """Check that a paper is unknown in an account, as one that nobody has is: by number, and its PDF."""
    for name, read in _reads(portal, mine, paper).items():
        reply = await reply_to(read(paper.number)())
        if isinstance(reply.found, Order | Invoice) and _may_be_own(mine, paper, reply.found):
            return
        expect(not reply.is_answer, f"{name} came")
        asked_like = mine.reader, name, numbers.is_plain(paper.number)
        if asked_like not in references:
            references[asked_like] = await reply_to(read(made_up_like(paper.number))())
        reference = references[asked_like]
        expect(reply == reference, f"{name}: {reply.kind}; one that does not exist: {reference.kind}")


def _may_be_own(mine: AccountContents, theirs: Order | Invoice, found: Order | Invoice) -> bool:
    """Whether an answer may be a paper of one's own with the same number, which is too old for the list that was read.

    ``theirs`` is the other customer's paper with that number.
    """
    part = Part.ORDERS if isinstance(theirs, Order) else Part.INVOICES
    return not mine.is_whole(part) and identity(found) != identity(theirs)


def _reads(portal: Portal, mine: AccountContents, paper: Order | Invoice) -> dict[str, Callable[[str], Call]]:
    """Return the ways to read a paper by its number, by the name that a report gives them."""
    if isinstance(paper, Order):
        return {"an order": lambda number: partial(portal.order, mine.reader, number)}
    return {
        "an invoice": lambda number: partial(portal.invoice, mine.reader, number),
        "a PDF": lambda number: partial(portal.invoice_pdf, mine.reader, number, language="fr", limit=PDF_LIMIT),
    }


def _of_number(contents: AccountContents, part: Part, number: str) -> list[Order | Invoice]:
    return [paper for paper in contents.papers(part) if numbers.is_same(paper.number, number)]


@_check
async def equal_numbers(subject: Subject) -> None:
    """Where another customer has the same number, one's own order, invoice and PDF come."""
    compared = 0
    for mine, theirs in subject.foreign_pairs():
        for part in mine.parts & theirs.parts:
            equal = [paper for paper in mine.papers(part) if _of_number(theirs, part, paper.number)]
            for paper in spread(equal, _MOST_COMPARED):
                compared += 1
                await _expect_own(subject, mine, theirs, paper)
    if not compared:
        raise NothingToCheck("no number is used for both")


async def _expect_own(subject: Subject, mine: AccountContents, theirs: AccountContents, paper: Order | Invoice) -> None:
    part = Part.ORDERS if isinstance(paper, Order) else Part.INVOICES
    own = {identity(each) for each in _of_number(mine, part, paper.number)}
    found: Order | Invoice
    if isinstance(paper, Order):
        found = await subject.portal.order(mine.reader, paper.number)
        expect(identity(found) in own, "the other's order came")
        return
    found = await subject.portal.invoice(mine.reader, paper.number)
    expect(identity(found) in own, "the other's invoice came")
    [other, *_] = _of_number(theirs, part, paper.number)
    pdfs = [
        await read_pdf(subject, each.reader, number) for each, number in ((mine, paper.number), (theirs, other.number))
    ]
    expect(pdfs[0] is not None and pdfs[1] is not None, "no PDF came")
    contents = [pdf.content for pdf in pdfs if pdf]
    expect(contents[0] != contents[1], "both get the same PDF")


@_check
async def equal_time(subject: Subject) -> None:
    """Another customer's order, invoice or PDF is refused as fast as one that does not exist."""
    measured = set()
    for mine, theirs in subject.foreign_pairs():
        direction = mine.reader.contact_id, mine.reader.account_id
        if direction in measured:
            continue
        measured.add(direction)
        for part in mine.parts:
            papers = [paper for paper in theirs.papers(part) if not _of_number(mine, part, paper.number)]
            if papers:
                await _expect_equal_time(subject.portal, mine, papers)


async def _expect_equal_time(portal: Portal, mine: AccountContents, papers: list[Order | Invoice]) -> None:
    for name, read in _reads(portal, mine, papers[0]).items():
        foreign = (read(papers[place % len(papers)].number) for place in count())
        unknown = (read(made_up_like(papers[place % len(papers)].number)) for place in count())
        slower = await differs_in_time(partial(next, foreign), partial(next, unknown))
        expect(not slower, f"{name} takes another time, by which its existence can be told")
