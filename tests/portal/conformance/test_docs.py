"""The adapter that docs/portal.md shows keeps the contract."""

import inspect
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from portal.client import Portal
from portal.conformance.check import Outcome, Subject, run_checks
from portal.conformance.report import CHECKS
from portal.models import Invoice, Order

PAGE = Path(__file__).parents[3] / "docs" / "portal.md"


def shown() -> dict[str, Any]:
    """Return what the Python block with the adapter defines."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    [block] = [each for each in blocks if "class LedgerPortal" in each]
    defined: dict[str, Any] = {}
    exec(compile(block, str(PAGE), "exec"), defined)
    return defined


def invoice(number: str, day: int, balance: str) -> Invoice:
    return Invoice(
        number=number, date=date(2026, 5, day), amount=Decimal("10.00"), balance=Decimal(balance), order_number="O-1"
    )


LEDGER = {
    "people": [
        {"id": "1", "email": "Anna@example.test", "name": "Anna", "accounts": ["a"]},
        {"id": "2", "email": "zed@example.test", "name": "Zed", "accounts": ["b"]},
    ],
    "accounts": {
        "a": {
            "name": "A",
            "orders": [Order(number="O-1", invoice_count=2)],
            "invoices": [invoice("F-1", 1, "0.00"), invoice("F-2", 2, "10.00")],
            "pdfs": {"F-1": b"%PDF-1.7 1 %%EOF", "F-2": b"%PDF-1.7 2 %%EOF"},
        },
        "b": {"name": "B", "orders": [], "invoices": [invoice("F-3", 3, "0.00")], "pdfs": {"F-3": b"%PDF-1.7 3 %%EOF"}},
    },
}


async def test_documented_adapter_keeps_the_contract() -> None:
    subject = Subject(shown()["LedgerPortal"](LEDGER), "anna@example.test", "zed@example.test")
    findings = await run_checks(subject, CHECKS)
    assert [finding for finding in findings if finding.outcome is Outcome.BROKEN] == []
    assert len([finding for finding in findings if finding.outcome is Outcome.MISSING]) == 9


def test_documented_adapter_has_all_signatures() -> None:
    """Each method of ``Portal`` is there, with the signature that it declares."""
    adapter = shown()["LedgerPortal"]
    for name, declared in inspect.getmembers(Portal, inspect.isfunction):
        if not name.startswith("_"):
            assert inspect.signature(getattr(adapter, name)) == inspect.signature(declared), name
