"""What a portal must keep, as checks that can be run against any: the read part of the contract.

``odobot portal-check`` prints what comes of them, and the project's own tests hold every portal it knows to the same.
Nothing is changed in a portal, and no finding repeats what it holds about anybody.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from portal.client import Portal, Reader
from portal.errors import PortalError
from portal.models import Contact, Invoice, Order

MOST_PAGES = 20


class Outcome(StrEnum):
    """``NOTHING`` is there to check on; ``UNTOLD`` is a fact that this portal does not have."""

    KEPT = "kept"
    BROKEN = "BROKEN"
    NOTHING = "nothing to check"
    UNTOLD = "not told"


@dataclass(frozen=True, slots=True)
class Finding:
    """One promise, and what was seen of it."""

    promise: str
    outcome: Outcome
    words: str = ""


class NotKept(Exception):
    """The portal does something else; the message says what, without whom it is about."""


class NothingThere(Exception):
    """This person has nothing to check it on; the message says what is missing."""


class Untold(Exception):
    """The portal lacks the fact; the message says what the bot shows instead."""


@dataclass(slots=True)
class Subject:
    """Whom a portal is checked with. What has been read once is kept for the checks that follow."""

    portal: Portal
    email: str
    other_email: str = ""
    contact: Contact | None = None
    others: list[Reader] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)

    @property
    def readers(self) -> list[Reader]:
        """As whom it is asked: the contact, for each of their accounts."""
        contact = self.known_contact
        return [Reader(contact.contact_id, account.account_id) for account in contact.accounts]

    @property
    def reader(self) -> Reader:
        """For the account that has most to show: see ``prepare``."""
        if not self.readers:
            raise NothingThere("the contact has no account")
        return self._richest or self.readers[0]

    @property
    def known_contact(self) -> Contact:
        """The contact behind the address; raises ``NothingThere``."""
        if self.contact is None:
            raise NothingThere("nobody has this address")
        return self.contact

    _richest: Reader | None = None

    async def prepare(self) -> None:
        """Looks the address up, and the papers of the account that has most; raises ``PortalError``."""
        found = await self.portal.find_contacts(self.email)
        self.contact = max(found, key=lambda contact: len(contact.accounts), default=None)
        most = -1
        for reader in self.readers if self.contact else ():
            orders = await self.portal.orders(reader, page=1, page_size=100)
            invoices = await self.portal.invoices(reader, page=1, page_size=100)
            if orders.total + invoices.total > most:
                most, self._richest = orders.total + invoices.total, reader
                self.orders, self.invoices = list(orders.items), list(invoices.items)
        if self.other_email:
            strangers = await self.portal.find_contacts(self.other_email)
            self.others = [Reader(who.contact_id, a.account_id) for who in strangers for a in who.accounts]

    def an_order(self) -> Order:
        """An order of theirs; raises ``NothingThere``."""
        if not self.orders:
            raise NothingThere("the account has no order")
        return self.orders[0]

    def an_invoice(self) -> Invoice:
        """An invoice of theirs; raises ``NothingThere``."""
        if not self.invoices:
            raise NothingThere("the account has no invoice")
        return self.invoices[0]


Run = Callable[[Subject], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of the contract, and how it is looked at. Raises what ``finding`` knows."""

    promise: str
    run: Run


def into(checks: list[Check]) -> Callable[[Run], Run]:
    """A decorator that adds a check to a list; its docstring is the promise."""

    def add(run: Run) -> Run:
        checks.append(Check((run.__doc__ or "").rstrip("."), run))
        return run

    return add


def expect(kept: bool, otherwise: str) -> None:
    """Raises ``NotKept`` where it is not."""
    if not kept:
        raise NotKept(otherwise)


async def refused_as(asked: Awaitable[object], kinds: tuple[type[Exception], ...], otherwise: str) -> None:
    """Raises ``NotKept`` unless what was asked for is refused as one of these errors."""
    try:
        await asked
    except kinds:
        return
    raise NotKept(otherwise)


def unguessable() -> str:
    """A word that nobody's papers hold."""
    return f"odobot-portal-check-{secrets.token_hex(8)}"


async def examine(subject: Subject, checks: list[Check]) -> list[Finding]:
    """Every finding, in order; only one where the portal cannot even be asked for a contact."""
    try:
        await subject.prepare()
    except PortalError as error:
        return [Finding("The portal answers", Outcome.BROKEN, described(error))]
    found = [Finding("The portal answers", Outcome.KEPT)]
    return found + [await finding(check, subject) for check in checks]


async def finding(check: Check, subject: Subject) -> Finding:
    """What comes of one check."""
    try:
        await check.run(subject)
    except NothingThere as nothing:
        return Finding(check.promise, Outcome.NOTHING, str(nothing))
    except Untold as untold:
        return Finding(check.promise, Outcome.UNTOLD, str(untold))
    except NotKept as broken:
        return Finding(check.promise, Outcome.BROKEN, str(broken))
    except PortalError as error:
        return Finding(check.promise, Outcome.BROKEN, described(error))
    return Finding(check.promise, Outcome.KEPT)


def described(error: PortalError) -> str:
    """An error in words; its message never holds what was asked about whom."""
    return f"{type(error).__name__}: {error}"
