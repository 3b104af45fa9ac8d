"""Payloads of links to the bot: numbers of every shape survive Telegram's alphabet, and nothing else is read."""

import re

import pytest
from hypothesis import given, strategies as st

from handlers.commands import BY_WORD
from portal.models import Part
from services.understanding.payloads import InvitationOpened, PaperOpened, paper_payload, read_payload
from services.understanding.resolving import understand


@pytest.mark.parametrize(
    ("payload", "part", "number"),
    [
        ("f-212380", Part.INVOICES, "212380"),
        ("c-26387", Part.ORDERS, "26387"),
        ("f-2026_2F001", Part.INVOICES, "2026/001"),
        ("f-INV-7_5FA", Part.INVOICES, "INV-7_A"),
        ("c-_C3_891", Part.ORDERS, "É1"),
    ],
)
def test_payload_of_a_paper(payload: str, part: Part, number: str) -> None:
    assert read_payload(payload) == PaperOpened(part, number)
    assert paper_payload(part, number) == payload
    for is_linked in (True, False):
        assert understand(f"/start {payload}", None, BY_WORD, is_linked=is_linked) == PaperOpened(part, number)


@given(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=80), st.sampled_from(Part))
def test_any_number_survives(number: str, part: Part) -> None:
    payload = paper_payload(part, number)
    if payload is None:
        return
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", payload)
    assert read_payload(payload) == PaperOpened(part, number)


@pytest.mark.parametrize(
    "payload",
    ["f-", "c-_", "f-_2", "f-_GG", "f-_FF", "f-_00", "f-_0A1", "x-212380", "f212380", "F-212380", "f-" + "1" * 63],
)
def test_other_payloads_are_no_papers(payload: str) -> None:
    assert read_payload(payload) is None


def test_token_is_not_shown() -> None:
    opened = understand("/start l-S3cret_-token", None, BY_WORD, is_linked=False)
    assert opened == InvitationOpened("S3cret_-token")
    assert "S3cret" not in repr(opened)
