"""The tables of docs/portal.md have every field, every value and every event of the contract."""

import re
from enum import StrEnum
from pathlib import Path

import pytest
from pydantic import BaseModel

from portal.events import Event, EventType
from portal.models import (
    Account,
    Contact,
    Invoice,
    InvoiceKind,
    InvoiceStatus,
    InvoiceSummary,
    MenuLink,
    Order,
    OrderLine,
    OrderStatus,
    Part,
)

PAGE = (Path(__file__).parents[3] / "docs" / "portal.md").read_text(encoding="utf-8")
NOT_OF_THE_CONTRACT = {"aliases", "unread_accounts", "unread_lines"}
"""What some adapters know, and what the bot counts."""
SECTIONS = {
    Contact: "Contact",
    Account: "Account",
    Order: "Order",
    OrderLine: "Order",
    Invoice: "Invoice",
    InvoiceSummary: "Summary",
    MenuLink: "Menu entry",
    Event: "Event",
}


def section(title: str) -> str:
    """Return the section of the page whose title begins with a word."""
    found = re.search(rf"^### {title}\b.*?(?=^##)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[0]


@pytest.mark.parametrize("model", SECTIONS, ids=lambda model: model.__name__)
def test_every_field_is_explained(model: type[BaseModel]) -> None:
    named = set(re.findall(r"`(\w+)`", section(SECTIONS[model])))
    assert model.model_fields.keys() - NOT_OF_THE_CONTRACT - named == set()


@pytest.mark.parametrize(
    ("words", "title"),
    [(InvoiceStatus, "Invoice"), (InvoiceKind, "Invoice"), (OrderStatus, "Order"), (Part, "Account")],
    ids=str,
)
def test_every_word_is_explained(words: type[StrEnum], title: str) -> None:
    assert set(words) - set(re.findall(r"`(\w+)`", section(title))) == set()


def test_every_event_is_explained() -> None:
    assert set(re.findall(r"^\| `(\w+\.\w+)` \|", section("Event"), re.MULTILINE)) == set(EventType)
