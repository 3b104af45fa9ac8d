"""``odobot portal-check``: does a portal keep the contract? One line for each promise."""

import asyncio
from dataclasses import dataclass

from bot.app import portal_at
from bot.commands.http_check import HttpFinding, check_http
from portal.contract import Finding, Outcome, Subject, examine
from portal.contract_checks import CHECKS
from portal.contract_paths import check_paths
from portal.tryton_wire import SCHEME


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it: the promises, and for a portal that speaks the HTTP contract, each of its calls."""

    promises: list[Finding]
    calls: list[HttpFinding]
    note: str

    @property
    def is_kept(self) -> bool:
        """Whether everything that is required holds. What a portal does not tell is not required of it."""
        broken = any(finding.outcome is Outcome.BROKEN for finding in self.promises)
        return not broken and all(call.is_kept for call in self.calls)

    def lines(self) -> list[str]:
        """The report as a table."""
        rows = [(finding.outcome.value, finding.promise, finding.words) for finding in self.promises]
        rows += [("kept" if call.is_kept else "BROKEN", f"HTTP: {call.name}", call.words) for call in self.calls]
        width = max(len(outcome) for outcome, _, _ in rows)
        table = [f"{outcome:<{width}}  {promise}{f': {words}' if words else ''}" for outcome, promise, words in rows]
        return [*table, self.note] if self.note else table


def check_portal(url: str, token: str, email: str, other_email: str = "", *, examples: int = 20) -> Report:
    """Asks a portal everything, in about a minute. ``examples`` are made for each HTTP call; 0 leaves them out."""
    subject, promises = asyncio.run(_promises(url, token, email, other_email))
    if url.startswith(SCHEME):
        return Report(promises, [], "The HTTP calls are Tryton's own: its adapter was asked.")
    if not examples or subject.contact is None:
        return Report(promises, [], "The HTTP calls were not checked.")
    return Report(promises, *check_http(url, token, subject, examples=examples))


async def _promises(url: str, token: str, email: str, other_email: str) -> tuple[Subject, list[Finding]]:
    portal = portal_at(url, token)
    subject = Subject(portal, email, other_email)
    try:
        findings = await examine(subject, CHECKS)
        if subject.contact is not None and subject.contact.accounts and not url.startswith(SCHEME):
            findings += await check_paths(url, token, subject)
        return subject, findings
    finally:
        await portal.aclose()
