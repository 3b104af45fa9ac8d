"""Runs every check of ``odobot portal-check`` and renders the results as a table."""

import asyncio
from dataclasses import dataclass

from portal.client import Portal
from portal.conformance.account_checks import ACCOUNT_CHECKS
from portal.conformance.check import CheckResult, Outcome, Subject, run_checks
from portal.conformance.feature_checks import FEATURE_CHECKS
from portal.conformance.http_calls import CallResult, check_calls
from portal.conformance.path_checks import check_paths

CHECKS = [*ACCOUNT_CHECKS, *FEATURE_CHECKS]
"""Every promise that holds for each kind of portal, in the order of the contract's table."""


@dataclass(frozen=True, slots=True)
class Report:
    """The results of the promises, and of each HTTP call where the portal implements the HTTP contract."""

    promises: list[CheckResult]
    calls: list[CallResult]
    note: str

    @property
    def is_kept(self) -> bool:
        """Whether no result is broken. An optional fact may be missing."""
        broken = any(result.outcome is Outcome.BROKEN for result in self.promises)
        return not broken and all(call.is_kept for call in self.calls)

    def lines(self) -> list[str]:
        """Render the report as a table, one line a result."""
        rows = [(result.outcome.value, result.promise, result.words) for result in self.promises]
        rows += [("kept" if call.is_kept else "BROKEN", f"HTTP: {call.name}", call.words) for call in self.calls]
        width = max(len(outcome) for outcome, _, _ in rows)
        table = [f"{outcome:<{width}}  {promise}{f': {words}' if words else ''}" for outcome, promise, words in rows]
        return [*table, self.note] if self.note else table


def check_portal(
    portal: Portal,
    url: str,
    token: str,
    email: str,
    other_email: str = "",
    *,
    examples: int = 20,
    is_http_contract: bool = True,
) -> Report:
    """Check a portal, which takes about a minute.

    Args:
        portal: The portal's client; it is closed at the end.
        url: The portal's address, as in ``ODOBOT_PORTAL_URL``.
        token: Its bearer token.
        email: The address of a person with orders and invoices.
        other_email: The address of a person on another account; empty skips the checks that need one.
        examples: How many requests are made of each HTTP call; 0 skips these calls.
        is_http_contract: Whether the URL serves the HTTP contract, so that raw calls of it are made.
    """
    subject = Subject(portal, email, other_email)
    promises = asyncio.run(_check_promises(subject, url, token, is_http_contract=is_http_contract))
    if not is_http_contract:
        return Report(promises, [], "The portal has calls of its own, so those of the HTTP contract were not checked.")
    if not examples or subject.contact is None:
        return Report(promises, [], "The HTTP calls were not checked.")
    return Report(promises, *check_calls(url, token, subject, examples=examples))


async def _check_promises(subject: Subject, url: str, token: str, *, is_http_contract: bool) -> list[CheckResult]:
    try:
        results = await run_checks(subject, CHECKS)
        if subject.contact is not None and subject.contact.accounts and is_http_contract:
            results += await check_paths(url, token, subject)
        return results
    finally:
        await subject.portal.aclose()
