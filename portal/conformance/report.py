"""Runs every check of ``odobot portal-check`` and renders the results as a table."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from portal.client import Portal
from portal.conformance.check import CheckResult, Outcome, Subject, run_checks
from portal.conformance.checks.additions import ADDITION_CHECKS
from portal.conformance.checks.contacts import CONTACT_CHECKS
from portal.conformance.checks.documents import DOCUMENT_CHECKS
from portal.conformance.checks.feed import FEED_CHECKS
from portal.conformance.checks.filters import FILTER_CHECKS
from portal.conformance.checks.lists import LIST_CHECKS
from portal.conformance.checks.ownership import OWNERSHIP_CHECKS
from portal.conformance.http_calls import CallResult, check_calls
from portal.conformance.path_checks import check_paths
from portal.errors import PortalError

CHECKS = [
    *CONTACT_CHECKS,
    *LIST_CHECKS,
    *FILTER_CHECKS,
    *OWNERSHIP_CHECKS,
    *DOCUMENT_CHECKS,
    *FEED_CHECKS,
    *ADDITION_CHECKS,
]
"""Every promise that holds for each kind of portal."""
_SOURCE = "The adapter finds no fault in its source"
_OPTIONAL = "The source has every optional fact"
_WIDTH = max(len(outcome) for outcome in Outcome)
_OTHER_CALLS = (
    "An adapter has calls of its own, so those of the HTTP contract were not checked: that is as it should be."
)
Tell = Callable[[str], None]


@runtime_checkable
class HasFindings(Protocol):
    """A portal whose adapter knows more of its source than the contract, such as a column that is missing."""

    async def findings(self) -> list[str]:
        """Return a line for each fault of the source, without personal data; raises ``PortalError``."""

    async def left_out(self) -> list[str]:
        """Return a line for each optional fact that the source lacks, and what the chat then shows."""


@dataclass(frozen=True, slots=True)
class Report:
    """The results of the promises, and of each HTTP call where the portal implements the HTTP contract."""

    promises: list[CheckResult]
    calls: list[CallResult]
    note: str
    cursor: str = ""
    """Where the feed stood at the end; empty where it gave none."""

    @property
    def is_kept(self) -> bool:
        """Whether no result is broken. An optional fact may be missing."""
        broken = any(result.outcome is Outcome.BROKEN for result in self.promises)
        return not broken and all(call.is_kept for call in self.calls)

    def lines(self) -> list[str]:
        """Render the report as a table, one line a result."""
        table = [_line(result.outcome, result.promise, result.words) for result in self.promises]
        table += [
            _line(Outcome.KEPT if call.is_kept else Outcome.BROKEN, f"HTTP: {call.name}", call.words)
            for call in self.calls
        ]
        notes = [self.note, f"For --cursor, later: {self.cursor}" if self.cursor else ""]
        return table + [note for note in notes if note]


def _line(outcome: Outcome, promise: str, words: str) -> str:
    return f"{outcome:<{_WIDTH}}  {promise}{f': {words}' if words else ''}"


def check_portal(
    portal: Portal,
    url: str,
    token: str,
    email: str,
    other_email: str = "",
    *,
    examples: int = 20,
    is_http_contract: bool = True,
    cursor: str = "",
    tell: Tell = lambda _line: None,
) -> Report:
    """Check a portal, which takes about a minute.

    Args:
        portal: The portal's client; it is closed at the end.
        url: The portal's address, as in ``ODOBOT_PORTAL_URL``.
        token: Its bearer token.
        email: The address of a person with orders and invoices.
        other_email: The address of a person on another account; empty skips the checks that need one.
        is_http_contract: Whether ``url`` serves the HTTP contract, so that its paths and calls are checked, too.
        examples: How many requests are made of each HTTP call; 0 skips these calls.
        cursor: A cursor of the feed with events after it; empty checks only what happens meanwhile.
        tell: Is called with each of the first lines of the report as soon as it is known.
    """
    subject = Subject(portal, email, other_email, cursor)
    promises, now = asyncio.run(_check_promises(subject, url, token, tell, is_http_contract=is_http_contract))
    if not is_http_contract:
        return Report(promises, [], _OTHER_CALLS, now)
    if not examples or not subject.own:
        return Report(promises, [], "The HTTP calls were not checked.", now)
    return Report(promises, *check_calls(url, token, subject, examples=examples), now)


async def _check_promises(
    subject: Subject, url: str, token: str, tell: Tell, *, is_http_contract: bool
) -> tuple[list[CheckResult], str]:
    """Return the results, and the feed's present cursor."""

    def report(result: CheckResult) -> None:
        tell(_line(result.outcome, result.promise, result.words))

    try:
        results = await run_checks(subject, CHECKS, report)
        if subject.own and is_http_contract:
            results += await check_paths(url, token, subject)
        return results + await _check_source(subject.portal), await _cursor(subject.portal)
    finally:
        await subject.portal.aclose()


async def _cursor(portal: Portal) -> str:
    try:
        return (await portal.events(None, 1)).cursor
    except Exception:  # whatever it is, the checks of the feed have named it
        return ""


async def _check_source(portal: Portal) -> list[CheckResult]:
    """Return the adapter's own findings, each as a result; none where it has no such thing."""
    if not isinstance(portal, HasFindings):
        return []
    try:
        found, left_out = await portal.findings(), await portal.left_out()
    except PortalError as error:
        found, left_out = [f"{type(error).__name__}: {error}"], []
    results = [CheckResult(_SOURCE, Outcome.BROKEN, line) for line in found] or [CheckResult(_SOURCE, Outcome.KEPT)]
    return results + [CheckResult(_OPTIONAL, Outcome.MISSING, line) for line in left_out]
