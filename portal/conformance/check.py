"""A promise of the contract as a check that runs against any portal, and the person that it is checked with.

Checks only read, and no result repeats what the portal holds about anybody.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from portal.client import Portal, Reader
from portal.errors import PortalError
from portal.models import Contact, Invoice, Order

MOST_PAGES = 20


class Outcome(StrEnum):
    """The result of a check, as ``odobot portal-check`` prints it.

    ``NOTHING``: this person has nothing to check the promise on. ``MISSING``: the portal lacks an optional fact.
    """

    KEPT = "kept"
    BROKEN = "BROKEN"
    NOTHING = "nothing to check"
    MISSING = "not told"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The outcome of one promise; ``words`` explains it, and is empty where it is kept."""

    promise: str
    outcome: Outcome
    words: str = ""


class PromiseBroken(Exception):
    """The portal breaks the promise; the message says how, without personal data."""


class NothingToCheck(Exception):
    """This person has nothing to check the promise on; the message says what is missing."""


class FactMissing(Exception):
    """The portal lacks an optional fact; the message says what the bot shows instead."""


@dataclass(slots=True)
class Subject:
    """The person that a portal is checked with, and what ``prepare`` read about them."""

    portal: Portal
    email: str
    other_email: str = ""
    contact: Contact | None = None
    others: list[Reader] = field(default_factory=list)
    """The readers behind ``other_email``."""
    orders: list[Order] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    _main_reader: Reader | None = None

    @property
    def readers(self) -> list[Reader]:
        """The contact as a reader of each of their accounts."""
        contact = self.found_contact
        return [Reader(contact.contact_id, account.account_id) for account in contact.accounts]

    @property
    def reader(self) -> Reader:
        """The contact as a reader of the account with the most orders and invoices.

        Raises:
            NothingToCheck: the contact has no account.
        """
        if not self.readers:
            raise NothingToCheck("the contact has no account")
        return self._main_reader or self.readers[0]

    @property
    def found_contact(self) -> Contact:
        """The contact with the address; raises ``NothingToCheck`` where there is none."""
        if self.contact is None:
            raise NothingToCheck("nobody has this address")
        return self.contact

    async def prepare(self) -> None:
        """Look up the addresses, and read the orders and invoices of the main account; raises ``PortalError``."""
        found = await self.portal.find_contacts(self.email)
        self.contact = max(found, key=lambda contact: len(contact.accounts), default=None)
        most = -1
        for reader in self.readers if self.contact else ():
            orders = await self.portal.orders(reader, page=1, page_size=100)
            invoices = await self.portal.invoices(reader, page=1, page_size=100)
            if orders.total + invoices.total > most:
                most, self._main_reader = orders.total + invoices.total, reader
                self.orders, self.invoices = list(orders.items), list(invoices.items)
        if self.other_email:
            others = await self.portal.find_contacts(self.other_email)
            self.others = [Reader(who.contact_id, account.account_id) for who in others for account in who.accounts]

    def first_order(self) -> Order:
        """The account's newest order; raises ``NothingToCheck`` where there is none."""
        if not self.orders:
            raise NothingToCheck("the account has no order")
        return self.orders[0]

    def first_invoice(self) -> Invoice:
        """The account's newest invoice; raises ``NothingToCheck`` where there is none."""
        if not self.invoices:
            raise NothingToCheck("the account has no invoice")
        return self.invoices[0]


Run = Callable[[Subject], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Check:
    """A promise of the contract, and a function that returns where it is kept, and else raises.

    ``run`` raises ``PromiseBroken``, ``NothingToCheck``, ``FactMissing`` or ``PortalError``.
    """

    promise: str
    run: Run


def register_in(checks: list[Check]) -> Callable[[Run], Run]:
    """Return a decorator that appends a function to ``checks``; its docstring is the promise."""

    def register(run: Run) -> Run:
        checks.append(Check((run.__doc__ or "").rstrip("."), run))
        return run

    return register


def expect(kept: bool, otherwise: str) -> None:
    """Raise ``PromiseBroken(otherwise)`` unless ``kept``."""
    if not kept:
        raise PromiseBroken(otherwise)


async def expect_error(call: Awaitable[object], kinds: tuple[type[PortalError], ...], otherwise: str) -> None:
    """Raise ``PromiseBroken(otherwise)`` unless the call raises one of ``kinds``."""
    try:
        await call
    except kinds:
        return
    raise PromiseBroken(otherwise)


def random_word() -> str:
    """Return a word that no portal's data contains."""
    return f"odobot-portal-check-{secrets.token_hex(8)}"


async def run_checks(subject: Subject, checks: Iterable[Check]) -> list[CheckResult]:
    """Prepare the subject and run the checks.

    Returns:
        The results in order, after one about the portal as a whole; only that one where the portal cannot be read.
    """
    try:
        await subject.prepare()
    except PortalError as error:
        return [CheckResult("The portal answers", Outcome.BROKEN, _describe(error))]
    first = CheckResult("The portal answers", Outcome.KEPT)
    return [first, *[await run_check(check, subject) for check in checks]]


async def run_check(check: Check, subject: Subject) -> CheckResult:
    """Run one check of a prepared subject."""
    try:
        await check.run(subject)
    except NothingToCheck as nothing:
        return CheckResult(check.promise, Outcome.NOTHING, str(nothing))
    except FactMissing as missing:
        return CheckResult(check.promise, Outcome.MISSING, str(missing))
    except PromiseBroken as broken:
        return CheckResult(check.promise, Outcome.BROKEN, str(broken))
    except PortalError as error:
        return CheckResult(check.promise, Outcome.BROKEN, _describe(error))
    return CheckResult(check.promise, Outcome.KEPT)


def _describe(error: PortalError) -> str:
    return f"{type(error).__name__}: {error}"
