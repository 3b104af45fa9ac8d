"""Look up a typed number in the accounts of a chat: exactly first, then by the portal's search."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from portal.client import Papers, Reader
from portal.errors import Forbidden, NotFound, PortalError
from portal.models import Invoice, Order, Page, Part
from services.understanding.numbers import is_several, skeleton, spellings, whole_spellings
from storage.chats import LinkState

MOST_ACCOUNTS = 10
"""Accounts in which a number is looked up."""
_AT_ONCE = 8
"""Calls to the portal at once for one look-up; there are at most about 70 in all."""
_FIRST_SPELLINGS = 2
_LEAST_SEARCHED = 3
"""Letters and digits of the shortest text that is searched for."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An order or an invoice, and the link of its account."""

    link_id: int
    part: Part
    number: str
    paper: Order | Invoice | None = field(default=None, compare=False, repr=False)
    """What the portal answered; None for a search result, whose row may lack details."""


class SearchPage(Struct, frozen=True):
    """The first page of what the portal's search found in one list; never empty."""

    link_id: int
    part: Part
    page: Page[Order] | Page[Invoice]


class LookUp(Struct, frozen=True):
    """What a look-up found: ``hits`` with the number, or else ``pages`` that match ``query``; both may be empty."""

    query: str
    hits: tuple[Hit, ...] = ()
    pages: tuple[SearchPage, ...] = ()


_Call = Callable[[], Awaitable[tuple[Hit, ...] | SearchPage | None]]


async def look_up(
    portal: Papers, links: Sequence[LinkState], text: str, part: Part | None, *, page_size: int, language: str = "",
    parts: Sequence[Part] = tuple(Part), searches: bool = True, whole: str = "", searched: str | None = None,
) -> LookUp:  # fmt: skip
    """Look up a number: in the first account, then in the others together with the portal's search in all.

    Args:
        links: The accounts, with the current one first.
        text: ``NumberText.text``.
        part: What the person called it: decides between an order and an invoice with the same number.
        page_size: Rows of a page of search results.
        language: The reader's, as ``Reader.language``.
        parts: What is looked for at all.
        searches: Whether the portal's search is asked, too.
        whole: ``NumberText.whole``.
        searched: What the search is asked for instead, such as the ISO form of a typed date.

    Raises:
        PortalError: Nothing was found, and a call failed.
    """
    numbers, current, others = spellings(text), links[0], links[1:MOST_ACCOUNTS]
    query = searched or (numbers[0] if numbers else "")
    likely = len(numbers) if is_several(text) else _FIRST_SPELLINGS
    first, _ = await _all([_exactly(portal, current, number, each, language) for number in numbers[:likely]
                           for each in parts])  # fmt: skip
    if first:
        return LookUp(query, _of_part(first, part))
    calls = [_exactly(portal, link, number, each, language) for link in others for number in numbers[:likely]
             for each in parts if each in link.access]  # fmt: skip
    rest = (*numbers[likely:], *whole_spellings(whole))
    calls += [_exactly(portal, current, number, each, language) for number in rest for each in parts]
    sought = query if _is_searched(query) else whole
    if searches and _is_searched(sought):
        calls += [_search(portal, link, sought, each, page_size, language)
                  for link in (current, *others) for each in parts if each in link.access]  # fmt: skip
    hits, pages = await _all(calls)
    return LookUp(query, _of_part(hits or _same_but_for_punctuation(pages, (*numbers, whole)), part), pages)


async def find_exactly(
    portal: Papers, links: Sequence[LinkState], text: str, language: str = "", parts: Sequence[Part] = tuple(Part)
) -> tuple[Hit, ...]:
    """Find the orders and invoices that have exactly this number, without a search. Raises: as ``look_up``."""
    hits, _ = await _all([
        _exactly(portal, link, number, part, language)
        for link in links[:MOST_ACCOUNTS] for number in spellings(text)[:_FIRST_SPELLINGS]
        for part in parts if part in link.access
    ])  # fmt: skip
    return hits


def _exactly(portal: Papers, link: LinkState, number: str, part: Part, language: str) -> _Call:
    async def call() -> tuple[Hit, ...]:
        reader = Reader(link.contact_id, link.account_id, language)
        found = await (portal.order(reader, number) if part is Part.ORDERS else portal.invoice(reader, number))
        return (Hit(link.link_id, part, found.number, found),)

    return call


def _search(portal: Papers, link: LinkState, query: str, part: Part, page_size: int, language: str) -> _Call:
    async def call() -> SearchPage | None:
        reader = Reader(link.contact_id, link.account_id, language)
        if part is Part.ORDERS:
            orders = await portal.orders(reader, page=1, page_size=page_size, query=query)
            return SearchPage(link.link_id, part, orders.at_most(page_size)) if orders.items else None
        invoices = await portal.invoices(reader, page=1, page_size=page_size, query=query)
        return SearchPage(link.link_id, part, invoices.at_most(page_size)) if invoices.items else None

    return call


async def _all(calls: Sequence[_Call]) -> tuple[tuple[Hit, ...], tuple[SearchPage, ...]]:
    """Make the calls, a few at once. Returns: the different hits, and the pages.

    Raises:
        PortalError: Nothing was found, and a call failed otherwise than by "not found" or "forbidden".
    """
    slots = asyncio.Semaphore(_AT_ONCE)

    async def limited(call: _Call) -> tuple[Hit, ...] | SearchPage | PortalError | None:
        async with slots:
            try:
                return await call()
            except (NotFound, Forbidden):
                return None
            except PortalError as error:
                return error

    answers = await asyncio.gather(*map(limited, calls))
    hits = tuple(dict.fromkeys(hit for answer in answers if isinstance(answer, tuple) for hit in answer))
    pages = tuple(answer for answer in answers if isinstance(answer, SearchPage))
    errors = [answer for answer in answers if isinstance(answer, PortalError)]
    if errors and not hits and not pages:
        raise errors[0]
    return hits, pages


def _is_searched(text: str) -> bool:
    return sum(c.isalnum() for c in text) >= _LEAST_SEARCHED


def _of_part(hits: tuple[Hit, ...], part: Part | None) -> tuple[Hit, ...]:
    return tuple(hit for hit in hits if hit.part is part) or hits


def _same_but_for_punctuation(pages: tuple[SearchPage, ...], numbers: Sequence[str]) -> tuple[Hit, ...]:
    """Return the only search result that differs from a number by case and punctuation; empty for none or several."""
    wanted = {skeleton(number) for number in numbers if number}
    hits = [
        Hit(each.link_id, each.part, item.number)
        for each in pages
        for item in each.page.items
        if skeleton(item.number) in wanted
    ]
    return tuple(hits) if len(hits) == 1 else ()
