"""`odobot portal-check` finds every wrong portal of the catalogue, names the promise, and says nothing of the persons.

    python -m tests.portal.conformance.test_mutants

prints the catalogue as a table.
"""

import asyncio
import sys

import pytest

from portal.conformance.check import CheckResult, Outcome, Subject, run_checks
from portal.conformance.report import CHECKS
from tests.portal.conformance.memory_portal import ACCOUNTS, ANNA, IVO, OLD_CURSOR, PEOPLE, ZED, MemoryPortal
from tests.portal.conformance.mutants import MUTANTS, Mutant

PROMISES = {check.run: check.promise for check in CHECKS}


async def results(portal: MemoryPortal, email: str = ANNA) -> list[CheckResult]:
    """Return the results of every check of a portal in memory, with two customers and an old cursor."""
    return await run_checks(Subject(portal, email, ZED, OLD_CURSOR), CHECKS)


def email_for(mutant: Mutant) -> str:
    """Return the person who shows what is wrong: for ``access``, one who may not see the invoices."""
    return IVO if "access" in mutant.name else ANNA


async def broken_by(mutant: Mutant) -> list[CheckResult]:
    """Return the promises that a wrong portal breaks."""
    return [each for each in await results(mutant.portal(), email_for(mutant)) if each.outcome is Outcome.BROKEN]


def row(mutant: Mutant, broken: list[CheckResult]) -> str:
    """Return the line of the table: what is wrong, the promise that names it, and how many others are broken, too."""
    named = [each for each in broken if each.promise == PROMISES[mutant.broken]]
    words = f"{named[0].promise}: {named[0].words}" if named else "**not found**"
    return f"| {mutant.name} | {words} | {len(broken) - len(named)} |"


@pytest.mark.parametrize("email", [ANNA, IVO])
async def test_correct_portal_breaks_nothing(email: str) -> None:
    found = await results(MemoryPortal(), email)
    assert [each for each in found if each.outcome is Outcome.BROKEN] == []


async def test_correct_portal_leaves_little_untested() -> None:
    found = {each.promise: each for each in await results(MemoryPortal())}
    untested = [each.words for each in found.values() if each.outcome in (Outcome.UNTESTED, Outcome.NOTHING)]
    assert untested == [
        "the contact may see every part of the accounts",
        "accounts that both may see are left out: 1",
        "no PDF was being made; one that takes long could not be tested either",
    ]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
async def test_wrong_portal_is_found(mutant: Mutant) -> None:
    broken = await broken_by(mutant)
    assert PROMISES[mutant.broken] in [each.promise for each in broken], "\n".join(
        [row(mutant, broken), *map(str, broken)]
    )
    said = " ".join(each.words for each in broken)
    assert [text for text in personal() if text in said] == []


def personal() -> list[str]:
    """Return what identifies the persons, their accounts and their papers."""
    papers = [paper.number for books in ACCOUNTS.values() for paper in (*books.orders, *books.invoices)]
    numbers = [number for number in papers if len(number) > 2]
    names = [text for person in PEOPLE for text in (person.email, person.name, person.contact_id)]
    return [*numbers, *names, *ACCOUNTS, *(books.name for books in ACCOUNTS.values())]


async def main() -> None:
    """Print the table."""
    sys.stdout.write("| a portal in which | the promise that is named | others broken |\n|---|---|---|\n")
    for each in MUTANTS:
        sys.stdout.write(f"{row(each, await broken_by(each))}\n")


if __name__ == "__main__":
    asyncio.run(main())
