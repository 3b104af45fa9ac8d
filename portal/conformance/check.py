"""A promise of the contract as a check that runs against any portal, and the person that it is checked with.

Checks only read, and no result repeats what the portal holds about anybody.
"""

import secrets
import traceback
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from portal.client import Portal, Reader
from portal.conformance.contents import AccountContents, contents_of
from portal.errors import PortalError
from portal.models import Contact, Invoice, Order, Part

MOST_PAGES = 20
MOST_ACCOUNTS = 8
"""The most accounts of an address that are looked at."""
_SHORTEST_HIDDEN = 3
"""Shorter ids and numbers identify nobody, and occur in other words."""


class Outcome(StrEnum):
    """The result of a check, as ``odobot portal-check`` prints it.

    ``NOTHING``: this person has nothing to check the promise on. ``MISSING``: the portal lacks an optional fact.
    ``UNTESTED``: the check lacks something that the operator, or only time, can give it.
    """

    KEPT = "kept"
    BROKEN = "BROKEN"
    NOTHING = "nothing to check"
    MISSING = "not told"
    UNTESTED = "not tested"


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


class NotTested(Exception):
    """The promise could not be tested; the message says what the operator can give to test it."""


_OUTCOMES: dict[type[Exception], Outcome] = {
    PromiseBroken: Outcome.BROKEN,
    NothingToCheck: Outcome.NOTHING,
    FactMissing: Outcome.MISSING,
    NotTested: Outcome.UNTESTED,
}


@dataclass(slots=True)
class Subject:
    """The person that a portal is checked with, and what ``prepare`` read about them.

    Attributes:
        portal: The portal.
        email: The person's address.
        other_email: The address of a person on another account; empty for none.
        cursor: A cursor of the feed that has events after it; empty: the feed is read from ``prepare`` on.
        contact: The contact of the account with the most orders and invoices.
        own: The accounts of every contact with ``email``.
        others: The accounts of every contact with ``other_email``.
        left_out: How many accounts were not looked at, because an address has more than ``MOST_ACCOUNTS``.
        pauses: The seconds of ``Retry-After`` of each PDF that was being made.
    """

    portal: Portal
    email: str
    other_email: str = ""
    cursor: str = ""
    contact: Contact | None = None
    own: list[AccountContents] = field(default_factory=list)
    others: list[AccountContents] = field(default_factory=list)
    left_out: int = 0
    pauses: list[float | None] = field(default_factory=list)
    _contacts: list[Contact] = field(default_factory=list)

    @property
    def main(self) -> AccountContents:
        """The account with the most orders and invoices; raises ``NothingToCheck`` where the contact has none."""
        if not self.own:
            raise NothingToCheck("the contact has no account")
        return max(self.own, key=lambda contents: contents.order_total + contents.invoice_total)

    @property
    def reader(self) -> Reader:
        """The contact as a reader of ``main``."""
        return self.main.reader

    @property
    def orders(self) -> tuple[Order, ...]:
        """The newest 100 orders of ``main``."""
        return self.main.orders if self.own else ()

    @property
    def invoices(self) -> tuple[Invoice, ...]:
        """The newest 100 invoices of ``main``."""
        return self.main.invoices if self.own else ()

    @property
    def found_contact(self) -> Contact:
        """The contact with the address; raises ``NothingToCheck`` where there is none."""
        if self.contact is None:
            raise NothingToCheck("nobody has this address")
        return self.contact

    async def prepare(self) -> None:
        """Look up the addresses, and read the orders and invoices of their accounts; raises ``PortalError``."""
        self.own, found = await self._read(self.email)
        self.others, other_contacts = await self._read(self.other_email) if self.other_email else ([], [])
        self._contacts = [*found, *other_contacts]
        main_contact = self.main.reader.contact_id if self.own else None
        self.contact = next((who for who in found if main_contact in (None, who.contact_id)), None)
        if not self.cursor:
            with suppress(PortalError):  # the checks of the feed say what is wrong with it
                self.cursor = (await self.portal.events(None, 10)).cursor

    async def _read(self, email: str) -> tuple[list[AccountContents], list[Contact]]:
        found = list(await self.portal.find_contacts(email))
        accounts = [(who, account) for who in found for account in who.accounts]
        self.left_out += len(accounts[MOST_ACCOUNTS:])
        contents = [await contents_of(self.portal, who, account) for who, account in accounts[:MOST_ACCOUNTS]]
        return contents, found

    def shared_accounts(self) -> set[str]:
        """Return the ids of accounts that both addresses may see."""
        return {each.reader.account_id for each in self.own} & {each.reader.account_id for each in self.others}

    def foreign_pairs(self) -> list[tuple[AccountContents, AccountContents]]:
        """Pair each account of one address, that the other may not see, with an account of the other; both ways.

        Returns:
            Pairs of the account that asks, and the account that it must not see.

        Raises:
            NotTested: there is no other address, or it has no account.
            PromiseBroken: both may see the same accounts.
        """
        if not self.other_email:
            raise NotTested("give --other-email, of somebody on another account")
        if not self.others:
            raise NotTested("the other address has no account: give another --other-email")
        shared = self.shared_accounts()
        pairs = []
        for asking, asked in ((self.own, self.others), (self.others, self.own)):
            foreign = [each for each in asked if each.reader.account_id not in shared]
            pairs += [(asking[place % len(asking)], each) for place, each in enumerate(foreign) if asking]
        if not pairs:
            raise PromiseBroken(
                "both may see the same accounts: unless they are of one company, everybody sees everything; "
                "give the --other-email of another customer"
            )
        return pairs

    def require(self, part: Part) -> None:
        """Raise ``NothingToCheck`` where the contact may not see a part of ``main``."""
        if part not in self.main.parts:
            raise NothingToCheck(f"the contact may not see the account's {part.value}")

    def first_order(self) -> Order:
        """The account's newest order; raises ``NothingToCheck`` where there is none."""
        self.require(Part.ORDERS)
        if not self.orders:
            raise NothingToCheck("the account has no order")
        return self.orders[0]

    def first_invoice(self) -> Invoice:
        """The account's newest invoice; raises ``NothingToCheck`` where there is none."""
        self.require(Part.INVOICES)
        if not self.invoices:
            raise NothingToCheck("the account has no invoice")
        return self.invoices[0]

    def hide(self, result: CheckResult) -> CheckResult:
        """Replace what identifies a person or a paper in a result: an adapter's exception may repeat it."""
        hidden = {self.email, self.other_email}
        for contact in self._contacts:
            hidden |= {contact.contact_id, contact.name, contact.email}
            hidden |= {text for account in contact.accounts for text in (account.account_id, account.name)}
        for contents in (*self.own, *self.others):
            hidden |= {paper.number for part in Part for paper in contents.papers(part)}
        words = result.words
        for text in sorted(hidden, key=len, reverse=True):
            if len(text) >= _SHORTEST_HIDDEN:
                words = words.replace(text, "…")
        return replace(result, words=words)


Run = Callable[[Subject], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Check:
    """A promise of the contract, and a function that returns where it is kept, and else raises.

    ``run`` raises ``PromiseBroken``, ``NothingToCheck``, ``FactMissing``, ``NotTested`` or ``PortalError``.
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


async def run_checks(
    subject: Subject, checks: Sequence[Check], report: Callable[[CheckResult], None] = lambda _result: None
) -> list[CheckResult]:
    """Prepare the subject and run the checks; only the first one where nobody has the address.

    Args:
        subject: The person.
        checks: The checks.
        report: Is called with each result as soon as it is known.

    Returns:
        The results in order, after one about the portal as a whole; only that one where the portal cannot be read.
    """
    first = await run_check(Check("The portal answers", Subject.prepare), subject)
    report(first)
    results = [first]
    is_known = subject.contact is not None
    for check in () if first.outcome is not Outcome.KEPT else checks if is_known else checks[:1]:
        results.append(await run_check(check, subject))
        report(results[-1])
    return results


async def run_check(check: Check, subject: Subject) -> CheckResult:
    """Run one check of a prepared subject."""
    try:
        await check.run(subject)
    except tuple(_OUTCOMES) as raised:
        return subject.hide(CheckResult(check.promise, _OUTCOMES[type(raised)], str(raised)))
    except PortalError as error:
        return subject.hide(CheckResult(check.promise, Outcome.BROKEN, f"{type(error).__name__}: {error}"))
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        words = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}, which is no PortalError"
        return CheckResult(check.promise, Outcome.BROKEN, words)
    return CheckResult(check.promise, Outcome.KEPT)
