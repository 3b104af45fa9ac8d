"""Failures of the portal and of Telegram: an explanation, and a first button that retries."""

import asyncio
import datetime
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlmodel import col, select

from portal.numbers import is_plain
from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.persons import Person
from storage.tables import Delivery
from tests.scene import Scene

BOREAL = "flotte@example.test"
RETRY = {"fr": "Réessayer", "en": "Try again"}
DOWN = {"fr": "Le portail ne répond pas", "en": "The portal is not answering"}
UNREADABLE = {"fr": "illisible", "en": "cannot be read"}

PORTAL_FAULTS = [
    (FaultKind.DROP, DOWN, "fr"),
    (FaultKind.CUT, DOWN, "fr"),
    (FaultKind.UNAVAILABLE, DOWN, "en"),
    (FaultKind.SERVER_ERROR, DOWN, "fr"),
    (FaultKind.TOO_MANY, DOWN, "en"),
    (FaultKind.TOO_MANY, DOWN, "fr"),
    (FaultKind.MALFORMED_JSON, UNREADABLE, "fr"),
    (FaultKind.MALFORMED_JSON, UNREADABLE, "en"),
]


@pytest.mark.parametrize(
    ("kind", "words", "language"), PORTAL_FAULTS, ids=[f"{kind}-{language}" for kind, _, language in PORTAL_FAULTS]
)
async def test_portal_failure_is_explained_and_can_be_retried(
    scene: Scene, kind: FaultKind, words: dict[str, str], language: str
) -> None:
    """A failing portal gives an explanation whose first button tries again."""
    camille = await scene.linked(language)
    scene.portal.faults.set(Fault(kind))
    trouble = await scene.say(camille, "/factures")
    assert words[language] in trouble.text
    assert trouble.labels[0] == RETRY[language]
    scene.portal.faults.clear()
    assert "212380" in (await scene.tap(camille, RETRY[language])).text


async def test_retry_after_an_outage_shows_the_requested_screen(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    await scene.portal.stop()
    trouble = await scene.tap(camille, "212380")
    assert DOWN["fr"] in trouble.text
    await scene.portal.start()
    assert "Payée le 28 septembre 2020" in (await scene.tap(camille, trouble.labels[0])).text


async def test_retry_repeats_the_request_for_every_entry_point(scene: Scene) -> None:
    camille = await scene.linked()
    for way, leads_to in (
        ("/commandes", "26387"),
        ("/portail", "Portail"),
        ("26387", "FedEx"),
        ("À payer", "Rien à payer"),
        ("Commandes", "26387"),
    ):
        await scene.say(camille, "/factures")
        scene.portal.faults.set(Fault(FaultKind.TOO_MANY))
        trouble = await (scene.tap if way[0].isalpha() else scene.say)(camille, way)
        assert DOWN["fr"] in trouble.text, way
        scene.portal.faults.clear()
        assert leads_to in (await scene.tap(camille, trouble.labels[0])).text, way


async def test_search_during_an_outage_can_be_retried(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    await scene.say(camille, "/factures")
    await scene.tap(camille, "Rechercher")
    scene.portal.faults.set(Fault(FaultKind.TOO_MANY))
    await scene.say(camille, "IFTA")
    scene.portal.faults.clear()
    found = await scene.tap(camille, "Réessayer")
    assert "de 30" in found.text
    assert "IFTA" in found.text


@pytest.mark.parametrize(("language", "words"), [("fr", "refuse"), ("en", "refuses")])
async def test_portal_that_refuses_the_bot_is_explained(scene: Scene, language: str, words: str) -> None:
    camille = await scene.linked(language)
    scene.portal.faults.set(Fault(FaultKind.UNAUTHORISED))
    trouble = await scene.say(camille, "/factures")
    assert words in trouble.text
    assert DOWN[language] not in trouble.text, "it does answer"
    assert trouble.labels, "there is a next step"


@pytest.mark.parametrize(("language", "words"), [("fr", "ne comprend pas"), ("en", "does not include")])
async def test_forbidden_part_is_explained_and_offers_a_button(scene: Scene, language: str, words: str) -> None:
    camille = await scene.linked(language)
    screen = await scene.say(camille, "/factures")
    scene.portal.portal.people.change_contact("c-1001", access={"a-2001": ("orders",), "a-2002": ("orders",)})
    camille.tap("212380", message=screen)
    refused = await camille.wait_for_message()
    assert words in refused.text
    assert "293" not in refused.text
    assert refused.labels, "there is a next step"


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_removed_account_is_explained_and_offers_a_button(scene: Scene, language: str) -> None:
    camille = await scene.linked(language)
    scene.portal.portal.people.close_account("a-2001")
    for way in ("/factures", "/commandes"):
        gone = await scene.say(camille, way)
        assert ("ne vous donne plus accès" if language == "fr" else "no longer gives you access") in gone.text
        assert "Client Odotrack" in gone.text
        assert gone.labels


async def test_answer_takes_at_most_ten_seconds(scene: Scene) -> None:
    camille = await scene.linked()
    scene.portal.faults.set(Fault(FaultKind.SLOW, seconds=30))
    began = time.monotonic()
    camille.say("/factures")
    trouble = await camille.wait_for_message("Le portail ne répond pas", timeout=15)
    assert 9.5 < time.monotonic() - began < 15
    scene.portal.faults.clear()
    assert "212380" in (await scene.tap(camille, trouble.labels[0])).text


@pytest.mark.parametrize("way", ["26387", "/portail", "PDF"])
async def test_slow_portal_is_explained_for_every_entry_point(
    scene: Scene, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.http_client.TOTAL_SECONDS", 0.3)
    monkeypatch.setattr("portal.http_client.PDF_SECONDS", 0.3)
    camille = await scene.linked()
    await scene.say(camille, "212380")
    scene.portal.faults.set(Fault(FaultKind.SLOW, seconds=30))
    if way == "PDF":
        camille.tap("PDF")
    else:
        camille.say(way)
    trouble = await camille.wait_for_message(label="Réessayer")
    assert DOWN["fr"] in trouble.text


async def test_callback_query_is_answered_before_the_portal_answers(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    scene.portal.faults.set(Fault(FaultKind.SLOW, seconds=8))
    tap = camille.tap("212380")
    await camille.wait_for_answer(tap, timeout=7)
    assert not [change for change in camille.chat().since(tap.seq) if change.kind in ("edit", "message")]
    scene.portal.faults.clear()
    await camille.wait_for_message("Payée le", timeout=20)


async def trips(scene: Scene, person: Person, *, say: str = "", tap: str = "", new: bool = False) -> list[str]:
    """Tap or type once. Returns the portal's endpoints that were requested."""
    scene.portal.log.clear()
    if tap:
        person.tap(tap)
    else:
        person.say(say)
    await person.wait_for_message(new=new)
    return [request.endpoint for request in scene.portal.log.entries]


async def test_one_tap_makes_one_portal_request(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    assert await trips(scene, camille, say="/commandes") == ["orders"]
    assert await trips(scene, camille, tap="31450") == ["order"]
    assert await trips(scene, camille, tap="Factures (4)") == ["invoices"]
    assert await trips(scene, camille, say="/factures") == ["invoices"]
    assert await trips(scene, camille, tap="›") == ["invoices"]
    assert await trips(scene, camille, tap="À payer") == ["invoices"]
    assert await trips(scene, camille, tap="240130") == ["invoice"]
    assert await trips(scene, camille, tap="PDF", new=True) == ["pdf"]
    assert await trips(scene, camille, tap="31200") == ["order"]
    assert sorted(await trips(scene, camille, say="240130")) == ["invoice", "order"], "side by side"
    for way in ("/start", "bonjour"):
        assert sorted(await trips(scene, camille, say=way)) == ["invoices", "orders"], "side by side, each once"
    for way in ("/aide", "/parametres", "/compte", "/avis", "/confidentialite"):
        assert await trips(scene, camille, say=way) == [], way


# A portal that does not keep its contract.

INVOICE: dict[str, Any] = {"number": "7", "date": "2026-10-01", "amount": "10.00", "balance": "0.00"}
PAGE: dict[str, Any] = {"items": [INVOICE], "page": 1, "page_size": 5, "total": 1}


def page_with(**fields: Any) -> dict[str, Any]:
    return PAGE | {"items": [INVOICE | fields]}


def without(field: str) -> dict[str, Any]:
    return PAGE | {"items": [{name: value for name, value in INVOICE.items() if name != field}]}


@asynccontextmanager
async def answering(body: list[bytes]) -> AsyncIterator[str]:
    """Serve a portal that answers everything with the same bytes. Gives its URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body[0])}\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + body[0])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


BROKEN: dict[str, Any] = {
    "nothing": b"",
    "no JSON": b"<html>Connexion</html>",
    "no UTF-8": b'{"items": "\xff\xfe"}',
    "null": None,
    "a list": [],
    "no items": {"page": 1, "page_size": 5, "total": 0},
    "no page": {"items": []},
    "items is none": PAGE | {"items": None},
    "items are texts": PAGE | {"items": ["7"]},
    "page 0": PAGE | {"page": 0},
    "no number": without("number"),
    "no amount": without("amount"),
    "no date": without("date"),
    "an empty number": page_with(number=""),
    "a number that is a list": page_with(number=["7"]),
    "an amount in words": page_with(amount="dix"),
    "an amount that is none": page_with(amount="NaN"),
    "an endless amount": page_with(balance="Infinity"),
    "an amount of no invoice": page_with(amount="1E+999"),
    "a date in words": page_with(date="hier"),
    "the 30th of February": page_with(date="2026-02-30"),
    "a currency of no country": page_with(currency="dollars"),
}
ODD: dict[str, Any] = {
    "unknown fields": page_with(colour="red", tags=[{"x": 1}]) | {"links": {}, "items_per_page": 5},
    "optional fields left out": PAGE,
    "optional fields empty": page_with(due_date=None, paid_on=None, order_number=None, url=None),
    "an order number that is empty": page_with(order_number=""),
    "a currency nobody uses": page_with(currency="XTS"),
    "the last day": page_with(date="9999-12-31", due_date="9999-12-31", balance="1.00"),
    "the first day": page_with(date="0001-01-01"),
    "a number of 100 characters": page_with(number="7" * 100),
    "a number of two lines": page_with(number="7\n<b>8</b>\u202e"),
    "a page that scripts": page_with(url="javascript:alert(1)"),
    "a page that is none": page_with(url="https://[::1"),
    "more rows than asked for": PAGE | {"items": [INVOICE | {"number": f"7{n:03}"} for n in range(100)]},
    "a total that is wrong": PAGE | {"total": 0},
    "a huge total": PAGE | {"total": 10**18},
}


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_answer_outside_the_contract_is_explained(scene: Scene, language: str) -> None:
    """An answer that breaks the portal's contract gives an explanation and a retry button."""
    camille = await scene.linked(language)
    await scene.stop_bot()
    body = [b""]
    wrong = {}
    async with answering(body) as url:
        await scene.start_bot(portal_url=url)
        for name, answer in BROKEN.items():
            body[0] = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            screen = await scene.say(camille, "/factures")
            if UNREADABLE[language] not in screen.text or screen.labels[:1] != [RETRY[language]]:
                wrong[name] = screen.text
        await scene.stop_bot()
    assert wrong == {}


async def test_unusual_valid_answer_is_shown(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.stop_bot()
    body = [b""]
    wrong = {}
    async with answering(body) as url:
        await scene.start_bot(portal_url=url)
        for name, answer in ODD.items():
            body[0] = json.dumps(answer).encode()
            listed = await scene.say(camille, "/factures")
            if "7" not in listed.text:
                wrong[name] = listed.text
            elif any(label.startswith("7") for label in listed.labels):
                invoice = answer["items"][0]  # a number that is not plain is requested by the list
                body[0] = json.dumps(invoice if is_plain(invoice["number"]) else answer).encode()
                detail = await scene.tap(camille, "7")
                if "Facture nº" not in detail.text:
                    wrong[name] = detail.text
        await scene.stop_bot()
    assert wrong == {}


# Telegram fails.


@pytest.mark.parametrize(
    "fault",
    [{"kind": "retry_after", "retry_after": 1}, {"kind": "error", "status": 500, "description": "Internal"}],
    ids=["429", "500"],
)
@pytest.mark.parametrize(("method", "way"), [("sendMessage", "say"), ("editMessageText", "tap")])
async def test_answer_delayed_by_telegram_is_sent_once(
    scene: Scene, fault: dict[str, Any], method: str, way: str
) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/commandes")
    before = len(camille.chat().visible)
    fault_met = scene.telegram.world.faults.add(method=method, **fault)
    if way == "tap":
        camille.tap("26387")
    else:
        camille.say("26387")
    await camille.wait_for_message("FedEx")
    await scene.say(camille, "/aide")
    assert fault_met.met == 1
    expected = 2 if way == "tap" else 4  # with /aide and its answer
    assert len(camille.chat().visible) - before == expected


@pytest.mark.parametrize("way", ["answer", "notice"])
async def test_a_429_holds_the_notices_of_its_chat_alone(scene: Scene, way: str) -> None:
    """For as long as Telegram asks, up to five minutes."""
    camille = await scene.linked(notices=True)
    luc = await scene.linked(first_name="Luc", notices=True)
    rule = scene.telegram.world.faults.add(
        "retry_after", method="sendMessage", chat_id=camille.user_id, retry_after=1000
    )
    if way == "answer":
        camille.say("/factures")
        assert await scene.telegram.world.log.changed.until(lambda: rule.met or None, 20)
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await luc.wait_for_message("212381", new=True, timeout=20)
    async with asyncio.timeout(20):
        while not (due := await _due_later(scene)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert datetime.timedelta(minutes=4) < due[0] - scene.clock.now() <= datetime.timedelta(minutes=5)


async def _due_later(scene: Scene) -> list[datetime.datetime]:
    """Return when the deliveries that wait for a later time are due."""
    later = col(Delivery.due_at) > scene.clock.now()
    async with scene.components.database.read() as session:
        return list((await session.exec(select(Delivery.due_at).where(later))).all())


@pytest.mark.parametrize("kind", ["retry_after", "error", "gateway", "close_before"])
async def test_failed_callback_answer_does_not_prevent_the_screen(scene: Scene, kind: str) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    status = {"status": 500} if kind == "error" else {}
    fault = scene.telegram.world.faults.add(kind, method="answerCallbackQuery", count=None, **status)
    screen = await scene.tap(camille, "212380")
    scene.telegram.world.faults.clear()
    await scene.say(camille, "/aide")
    assert fault.met
    assert "Payée le 28 septembre 2020" in screen.text
    assert "fonctionné" not in "".join(message.text for message in camille.chat().visible)


@pytest.mark.parametrize(
    ("language", "words", "way"), [("fr", "mal fonctionné", "/factures"), ("en", "went wrong", "212380")]
)
async def test_internal_error_is_explained_and_can_be_retried(
    scene: Scene, language: str, words: str, way: str
) -> None:
    camille = await scene.linked(language)
    scene.telegram.world.faults.add("error", method="sendMessage", status=400, description="Bad Request: never seen")
    trouble = await scene.say(camille, way)
    assert words in trouble.text
    assert trouble.labels[:1] == [RETRY[language]]
    assert "212380" in (await scene.tap(camille, RETRY[language])).text


async def test_expired_callback_query_gets_its_screen(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "/factures")
    scene.telegram.world.settings.callback_life_seconds = 0
    scene.portal.faults.set(Fault(FaultKind.SLOW, seconds=0.1))
    screen = await scene.tap(camille, "212380")
    assert "Payée le" in screen.text
    await scene.say(camille, "/aide")
    assert "Payée le" in screen.text


async def test_chat_that_blocked_the_bot_does_not_affect_others(scene: Scene) -> None:
    camille, luc = await scene.linked(first_name="Camille"), await scene.linked("fr", BOREAL, first_name="Luc")
    await scene.say(camille, "/factures")
    camille.tap("212380")
    camille.say("/commandes")
    camille.block()
    assert "34" in (await scene.say(luc, "/factures")).text
    log = scene.telegram.world.log
    assert await log.changed.until(lambda: [call for call in log.entries if call.error_code == 403][1:] or None, 10)
    camille.unblock()
    assert "26387" in (await scene.say(camille, "/commandes")).text


async def test_deleted_telegram_account_does_not_affect_others(scene: Scene) -> None:
    camille, luc = await scene.linked(first_name="Camille"), await scene.linked("fr", BOREAL, first_name="Luc")
    camille.say("/factures")
    camille.deactivate()
    assert "34" in (await scene.say(luc, "/factures")).text


async def test_bot_continues_after_an_outage_of_telegram(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.telegram.stop()
    camille.say("/factures")
    await scene.telegram.start()
    answer = await camille.wait_for_message(timeout=30)
    assert "212380" in answer.text
