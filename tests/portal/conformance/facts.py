"""The data that a portal under test holds; the suite itself names no portal."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from portal.client import Portal, Reader
from portal.models import Invoice, OrderLine


@dataclass(frozen=True, slots=True)
class Facts:
    """A customer with orders and invoices of every kind. Numbers are newest first."""

    email: str
    account: str
    language: str
    orders: tuple[str, ...]
    order: str
    lines: tuple[OrderLine, ...]
    order_invoices: tuple[str, ...]
    searches: dict[str, tuple[str, ...]]
    newest_invoices: tuple[str, ...]
    invoice_count: int
    unpaid: tuple[str, ...]
    exact: tuple[Invoice, ...]
    """Whole invoices: one paid, one paid in part, a credit note."""
    hidden: tuple[str, ...]
    """Numbers that exist in the portal, and are not for this customer."""
    other_email: str
    """Somebody on another account."""
    shared_email: str
    """A mailbox that two contacts share."""
    nobody: tuple[str, ...]
    """Addresses that must find nobody: former ones, closed accounts, patterns."""
    missing_facts: frozenset[str] = field(default_factory=frozenset)
    """Promises about facts that this portal does not have."""


@dataclass(frozen=True, slots=True)
class UnderTest:
    """A portal, its facts, and functions that issue and pay an invoice."""

    portal: Portal
    facts: Facts
    issue: Callable[[], Awaitable[tuple[str, str]]]
    """Issues an invoice to somebody; gives the account's id and the invoice's number."""
    pay: Callable[[str, str], Awaitable[None]]
    """Pays an invoice of an account in full."""

    async def reader(self) -> Reader:
        """Return the customer as reader of their account."""
        [contact] = await self.portal.find_contacts(self.facts.email)
        [account_id] = [account.account_id for account in contact.accounts if account.name == self.facts.account]
        return Reader(contact.contact_id, account_id)
