"""Credit notes, cancelled, credited and partly paid invoices read as what they are: in the list, alone, and found."""

from collections.abc import MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from sandbox.portal.faults import Fault, FaultKind
from tests.scene import Scene

WORDS = {
    "fr": {
        "list": "/factures",
        "cancelled": "annulée",
        "credited": "créditée",
        "credit": "crédit",
        "paid": "payée",
        "left": "reste 793,08",
        "part": "Déjà payé : 500,00",
        "note": "Note de crédit nº\u00a0240204",
        "pay": "Voir et payer",
        "unread": "1 ligne est illisible ici",
        "nothing": "rien à payer",
        "search": "Rechercher",
        "to pay": "À payer",
        "packed": "factures envoyées",
    },
    "en": {
        "list": "/invoices",
        "cancelled": "cancelled",
        "credited": "credited",
        "credit": "credit",
        "paid": "paid",
        "left": "793.08",
        "part": "Already paid: $500.00",
        "note": "Credit note no.\u00a0240204",
        "pay": "See and pay",
        "unread": "1 line cannot be read here",
        "nothing": "nothing to pay",
        "search": "Search",
        "to pay": "To pay",
        "packed": "invoices sent",
    },
}
FLEET = "flotte@example.test"


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize("keeps_balance", [False, True])
@pytest.mark.parametrize("language", ["fr", "en"])
async def test_cancelled_invoice_is_neither_paid_nor_open(scene: Scene, language: str, keeps_balance: bool) -> None:
    words = WORDS[language]
    scene.portal.portal.billing.cancel_invoice("a-2001", "212380", keeps_balance=keeps_balance)
    person = await scene.linked(language)
    listed = await scene.say(person, words["list"])
    assert words["cancelled"] in listed.text
    assert words["paid"] not in listed.text
    for screen in (await scene.say(person, "212380"), await scene.tap(person, "212380")):
        assert words["nothing"] in screen.text
        assert words["cancelled"] in screen.text.lower()
        assert words["paid"] not in screen.text.lower()
        assert not [label for label in screen.labels if words["pay"] in label]
        await scene.say(person, words["list"])


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_credited_invoice_says_so(scene: Scene, language: str) -> None:
    words = WORDS[language]
    scene.portal.portal.billing.credit_invoice("a-2001", "212380")
    person = await scene.linked(language)
    assert words["credited"] in (await scene.say(person, words["list"])).text
    alone = (await scene.say(person, "212380")).text.lower()
    assert words["credited"] in alone
    assert words["paid"] not in alone


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_credit_note_is_called_one(scene: Scene, language: str) -> None:
    words = WORDS[language]
    person = await scene.linked(language, FLEET)
    assert words["note"] in (await scene.say(person, "240204")).text
    scene.portal.faults.set(Fault(FaultKind.NO_ADDITIONS))
    assert words["note"] in (await scene.say(person, "240204")).text, "an older portal: by the sign of the amount"


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_partly_paid_invoice_says_what_is_paid(scene: Scene, language: str) -> None:
    words = WORDS[language]
    person = await scene.linked(language, FLEET)
    alone = plain((await scene.say(person, "240129")).text)
    assert words["part"] in alone
    assert "793" in alone


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_unreadable_row_is_named_and_costs_itself(scene: Scene, language: str) -> None:
    """The others are shown, and the person reads that one line is missing."""
    words = WORDS[language]
    person = await scene.linked(language)
    scene.portal.faults.set(Fault(FaultKind.BAD_ROW, "*/invoices"))
    listed = await scene.say(person, words["list"])
    assert words["unread"] in listed.text
    assert "212380" in listed.text


def skipped_rows(logs: list[MutableMapping[str, Any]]) -> list[tuple[str, str, list[int]]]:
    """Return the model, the fields and the places of each log line about rows that could not be read."""
    lines = [each for each in logs if each["event"] == "portal.row_skipped"]
    assert all(set(each) == {"event", "log_level", "model", "fields", "rows", "places"} for each in lines)
    return [(each["model"], each["fields"], each["places"]) for each in lines]


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_unreadable_row_of_orders_is_named(scene: Scene, language: str) -> None:
    """In the list of orders, and after it in the search; the log names the place, and nothing of the row."""
    words = WORDS[language]
    person = await scene.linked(language, FLEET)
    scene.portal.faults.set(Fault(FaultKind.BAD_ROW, "*/orders"))
    with capture_logs() as logs:
        listed = await scene.say(person, {"fr": "/commandes", "en": "/orders"}[language])
    assert words["unread"] in listed.text
    assert "31200" in listed.labels
    assert skipped_rows(logs) == [("Order", "number", [0])]
    await scene.tap(person, words["search"])
    found = await scene.say(person, "telemetrie sonde")
    assert "30900" in found.labels
    assert words["unread"] in found.text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_unreadable_row_of_a_search_and_a_filter_is_named(scene: Scene, language: str) -> None:
    words = WORDS[language]
    person = await scene.linked(language, FLEET)
    scene.portal.faults.set(Fault(FaultKind.BAD_ROW, "*/invoices"))
    listed = await scene.say(person, words["list"])
    assert words["unread"] in listed.text
    unpaid = await scene.tap(person, words["to pay"])
    assert words["unread"] in unpaid.text
    assert "240130" in unpaid.labels
    await scene.say(person, words["list"])
    await scene.tap(person, words["search"])
    with capture_logs() as logs:
        found = await scene.say(person, "IFTA")
    assert words["unread"] in found.text
    assert "IFTA" in found.text
    assert ("Invoice", "number", [0]) in skipped_rows(logs)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_unreadable_row_of_a_pack_is_named(scene: Scene, language: str) -> None:
    words = WORDS[language]
    person = await scene.linked(language, FLEET)
    scene.portal.faults.set(Fault(FaultKind.BAD_ROW, "*/invoices"))
    await scene.say(person, {"fr": "/releve", "en": "/statement"}[language])
    person.tap("CSV")
    done = await person.wait_for_message(words["packed"], timeout=50)
    assert words["unread"] in done.text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_odd_fields_are_read(scene: Scene, language: str) -> None:
    """Numbers, dates, amounts and nulls written in other ways show the same list and the same order."""
    words = WORDS[language]
    person = await scene.linked(language)
    usual = (await scene.say(person, words["list"])).text
    scene.portal.faults.set(Fault(FaultKind.ODD_FIELDS))
    assert (await scene.say(person, words["list"])).text == usual
    order = await scene.say(person, "26387")
    assert "Plan Pro" in order.text
    assert words["unread"] not in order.text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_unreadable_row_of_a_derived_balance_is_named(scene: Scene, language: str) -> None:
    """A portal without a summary: the total of the open invoices may lack one, and says so."""
    words = WORDS[language]
    person = await scene.linked(language, FLEET)
    scene.portal.faults.set(Fault(FaultKind.NOT_FOUND, path="*/invoices/summary"))
    scene.portal.faults.set(Fault(FaultKind.BAD_ROW, "*/invoices"))
    shown = await scene.say(person, {"fr": "/solde", "en": "/balance"}[language])
    assert words["unread"] in shown.text
