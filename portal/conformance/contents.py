"""What a check reads of an account to begin with, and how it compares orders and invoices."""

import secrets
import string
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from portal.client import Portal, Reader
from portal.errors import Forbidden
from portal.models import Account, Contact, Invoice, Order, Page, Part

ItemT = TypeVar("ItemT")
PDF_LIMIT = 50 * 1024 * 1024
_LONGEST_NUMBER = 90
_MADE_UP_DIGITS = 10


@dataclass(frozen=True, slots=True)
class AccountContents:
    """An account as one of its contacts sees it: the newest 100 orders and invoices, and how many there are.

    ``parts`` has the parts that the portal gave.
    """

    reader: Reader
    parts: frozenset[Part]
    orders: tuple[Order, ...]
    order_total: int
    invoices: tuple[Invoice, ...]
    invoice_total: int

    def papers(self, part: Part) -> tuple[Order | Invoice, ...]:
        """Return the orders, or the invoices."""
        return self.orders if part is Part.ORDERS else self.invoices

    def is_whole(self, part: Part) -> bool:
        """Whether every order, or every invoice, of the account was read."""
        return len(self.papers(part)) >= (self.order_total if part is Part.ORDERS else self.invoice_total)


async def contents_of(portal: Portal, contact: Contact, account: Account) -> AccountContents:
    """Read an account; a part that the contact may not see is empty. Raises ``PortalError``."""
    reader = Reader(contact.contact_id, account.account_id)
    parts = set(account.access)
    orders: Page[Order] = Page(items=(), page=1, page_size=100, total=0)
    invoices: Page[Invoice] = Page(items=(), page=1, page_size=100, total=0)
    try:
        if Part.ORDERS in account.access:
            orders = await portal.orders(reader, page=1, page_size=100)
    except Forbidden:
        parts.discard(Part.ORDERS)
    try:
        if Part.INVOICES in account.access:
            invoices = await portal.invoices(reader, page=1, page_size=100)
    except Forbidden:
        parts.discard(Part.INVOICES)
    return AccountContents(reader, frozenset(parts), orders.items, orders.total, invoices.items, invoices.total)


def identity(paper: Order | Invoice) -> Hashable:
    """Return the fields by which an order or invoice is the same one, in whichever list it stands."""
    if isinstance(paper, Invoice):
        return (paper.number, paper.date, paper.amount, paper.currency)
    lines = tuple((line.quantity, line.description) for line in paper.lines)
    return (paper.number, paper.start_date, paper.end_date, lines, paper.amount, paper.title)


def is_distinctive(paper: Order | Invoice) -> bool:
    """Whether two accounts cannot have the like by chance: an order with a number alone may be anybody's."""
    return isinstance(paper, Invoice) or bool(paper.start_date or paper.lines or paper.amount or paper.url)


def spread(items: Sequence[ItemT], most: int) -> list[ItemT]:
    """Return at most ``most`` items: the first, the last, and those at equal distances between them."""
    if len(items) <= most:
        return list(items)
    last = len(items) - 1
    return [items[round(place * last / max(1, most - 1))] for place in range(most)]


def made_up_like(number: str) -> str:
    """Return a number of the same form that nobody has: digits for digits, letters for letters, and ten digits."""
    kinds = ((string.digits, string.digits), (string.ascii_lowercase,) * 2, (string.ascii_uppercase,) * 2)
    made = [
        next((secrets.choice(choices) for kind, choices in kinds if letter in kind), letter)
        for letter in number[:_LONGEST_NUMBER]
    ]
    return "".join([*made, *(secrets.choice(string.digits) for _ in range(_MADE_UP_DIGITS))])
