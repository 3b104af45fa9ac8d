"""The calendar: a file for one date, and a feed at a private address."""

import datetime
import re
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from icalendar import Calendar
from sqlmodel import select

from handlers.actions import ShowCalendar
from handlers.telegram.callback_data import encode
from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from storage import chats
from storage.rotation import rotate
from storage.tables import CalendarFeed
from tests.conversations.operation.test_bad_feed import metric
from tests.conversations.operation.test_lost_key import restart
from tests.scene import Scene

FLEET = "flotte@example.test"
ACCOUNT = "a-2003"
DUE = datetime.date(2026, 11, 14)
ADD = {"fr": "Ajouter au calendrier", "en": "Add to calendar"}
NEW = {"fr": "Créer une adresse", "en": "Create an address"}
TITLE = {"fr": "Calendrier", "en": "Calendar"}
PUBLIC = "http://127.0.0.1:9"


def events(content: bytes) -> list[Any]:
    return list(Calendar.from_ical(content).walk("VEVENT"))


async def file_of(person: Person, language: str = "fr") -> Message:
    person.tap(ADD[language])
    sent = await person.wait_for_message(".ics", new=True)
    assert sent.file
    return sent


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_due_date_of_an_invoice_as_a_file(scene: Scene, language: str) -> None:
    scene.portal.portal.issue_invoice(ACCOUNT, amount="40.19", number="212381", due_date=DUE)
    camille = await scene.linked(language, FLEET)
    await scene.say(camille, "212381")
    sent = await file_of(camille, language)
    assert sent.file
    [event] = events(sent.file.content)
    assert event.decoded("DTSTART") == DUE
    assert "212381" in event["SUMMARY"]
    assert "40" in event["SUMMARY"]
    assert sent.file.name == {"fr": "Facture-212381.ics", "en": "Invoice-212381.ics"}[language]

    scene.portal.portal.mark_paid(ACCOUNT, "212381")
    again = await file_of(camille, language)
    assert again.file
    [settled] = events(again.file.content)
    assert (settled["STATUS"], settled["UID"]) == ("CANCELLED", event["UID"])
    assert ADD[language] not in (await scene.say(camille, "212381")).labels


async def test_end_of_an_order_as_a_file(scene: Scene) -> None:
    number = scene.portal.portal.create_order(ACCOUNT, [(1, "Appareil")], end_date=DUE)
    camille = await scene.linked(email=FLEET)
    await scene.say(camille, number)
    sent = await file_of(camille)
    assert sent.file
    [event] = events(sent.file.content)
    assert event.decoded("DTSTART") == DUE


async def test_file_while_the_portal_is_down(scene: Scene) -> None:
    scene.portal.portal.issue_invoice(ACCOUNT, amount="40.19", number="212381", due_date=DUE)
    camille = await scene.linked(email=FLEET)
    await scene.say(camille, "212381")
    await scene.settled()
    scene.portal.faults.set(Fault(FaultKind.DROP))
    sent = await file_of(camille)
    assert "à jour à 14\u00a0h" in sent.text


async def current_link(scene: Scene, person: Person) -> int:
    async with scene.components.database.read() as session:
        current = (await chats.load(session, person.user_id)).current
    assert current is not None
    return current.link_id


async def made(scene: Scene, person: Person, language: str = "fr") -> str:
    """Make the address of the current account's feed. Returns: its URL at the test's port."""
    await scene.say(person, f"/{TITLE[language].lower()}")
    screen = await scene.tap(person, NEW[language])
    found = re.search(rf"^{PUBLIC}(/calendar/[A-Za-z0-9_-]{{22,}}\.ics)$", screen.text, re.MULTILINE)
    assert found, screen.text
    return f"{scene.public_url}{found.group(1)}"


async def get(url: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url, headers=headers)


@pytest.fixture
async def public(scene: Scene) -> Scene:
    await scene.stop_bot()
    await scene.start_bot(public_url=PUBLIC)
    return scene


async def test_feed_outlives_its_key(public: Scene) -> None:
    """Only the calendar program has the token: its request brings the feed under the newest key."""
    camille = await public.linked(email=FLEET)
    path = (await made(public, camille)).removeprefix(public.public_url)
    old, new = public.keys, Fernet.generate_key().decode()
    for keys in (f"{new},{old}", new):
        await restart(public, keys)
        assert (await get(f"{public.public_url}{path}")).status_code == 200
        await rotate(public.components.database)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_feed_from_its_making_to_its_removal(public: Scene, language: str) -> None:
    scene = public
    scene.portal.portal.issue_invoice(ACCOUNT, amount="40.19", number="212381", due_date=DUE)
    camille = await scene.linked(language, FLEET)
    url = await made(scene, camille, language)
    answer = await get(url)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert "private" in answer.headers["Cache-Control"]
    [event] = [each for each in events(answer.content) if "212381" in each["SUMMARY"]]
    assert ("à payer" if language == "fr" else "to pay") in event["SUMMARY"]
    assert event["STATUS"] == "CONFIRMED"

    # Shown once: the screen does not repeat it, and the database has its hash only.
    assert "/calendar/" not in (await scene.say(camille, f"/{TITLE[language].lower()}")).text
    async with scene.components.database.read() as session:
        [row] = (await session.exec(select(CalendarFeed))).all()
    token = url.rpartition("/")[2].removesuffix(".ics")
    assert token not in row.model_dump_json()

    camille.tap(row=0, column=1)
    replaced = await camille.wait_for_message(PUBLIC)
    assert (await get(url)).status_code == 404
    found = re.search(r"/calendar/\S+\.ics", replaced.text)
    assert found
    newer = f"{scene.public_url}{found.group()}"
    assert (await get(newer)).status_code == 200
    camille.tap(row=0, column=0)
    await camille.wait_for_message("retirée" if language == "fr" else "removed")
    assert (await get(newer)).status_code == 404


async def test_paid_invoice_is_cancelled_in_the_feed(public: Scene) -> None:
    """After the ten minutes for which an answer is kept; its ETag changes."""
    scene = public
    scene.portal.portal.issue_invoice(ACCOUNT, amount="40.19", number="212381", due_date=DUE)
    camille = await scene.linked(email=FLEET)
    url = await made(scene, camille)
    first = await get(url)
    calls = scene.portal.log.counts["invoices"]
    assert (await get(url, **{"If-None-Match": first.headers["ETag"]})).status_code == 304
    scene.portal.portal.mark_paid(ACCOUNT, "212381")
    assert (await get(url)).content == first.content
    assert scene.portal.log.counts["invoices"] == calls, "an answer is kept for some minutes"
    scene.later(minutes=11)
    later = await get(url, **{"If-None-Match": first.headers["ETag"]})
    assert later.status_code == 200
    [event] = [each for each in events(later.content) if "212381" in each["SUMMARY"]]
    assert event["STATUS"] == "CANCELLED"
    scene.later(minutes=11)
    unchanged = await get(url, **{"If-None-Match": f'"x", {later.headers["ETag"]}'})
    assert unchanged.status_code == 304


async def test_feed_while_the_portal_is_down(public: Scene) -> None:
    scene = public
    camille = await scene.linked(email=FLEET)
    url = await made(scene, camille)
    first = await get(url)
    path = url.removeprefix(scene.public_url)
    await scene.settled()
    scene.portal.faults.set(Fault(FaultKind.DROP))
    kept = await get(f"{scene.public_url}{path}")
    assert kept.status_code == 200
    assert kept.headers["ETag"] == first.headers["ETag"]


async def test_feed_that_was_never_read_while_the_portal_is_down(public: Scene) -> None:
    scene = public
    camille = await scene.linked(email=FLEET)
    url = await made(scene, camille)
    scene.portal.faults.set(Fault(FaultKind.DROP))
    answer = await get(url)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert await metric(scene, "odobot_calendar_requests_total") == 1


async def test_feed_ends_with_its_link(public: Scene) -> None:
    scene = public
    camille = await scene.linked(email=FLEET)
    url = await made(scene, camille)
    assert (await get(url)).status_code == 200
    await scene.say(camille, "/delier")
    await scene.tap(camille, "Oui, délier")
    assert (await get(url)).status_code == 404


async def test_feed_ends_with_access_at_the_portal(public: Scene) -> None:
    """No notice and no tap tells the bot: the feed itself asks the portal."""
    scene = public
    camille = await scene.linked(email=FLEET)
    url = await made(scene, camille)
    scene.later(days=1, minutes=1)
    scene.portal.portal.people.remove_contact("c-1002")
    assert (await get(url)).status_code == 404


async def test_every_other_path_is_not_found(public: Scene) -> None:
    scene = public
    camille = await scene.linked(email=FLEET)
    url = await made(scene, camille)
    token = url.rpartition("/")[2].removesuffix(".ics")
    for path in (
        "",
        "x",
        "x.ics",
        token,
        f"{token}.ICS",
        f"{token}/.ics",
        f"{token}x.ics",
        f"{'a' * 8000}.ics",
        "%00.ics",
    ):
        answer = await get(f"{scene.public_url}/calendar/{path}")
        assert (answer.status_code, answer.text) == (404, "not found\n"), path
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.post(url)).status_code == 405
        assert (await client.head(url)).status_code == 200


async def test_feeds_without_a_public_url(scene: Scene) -> None:
    """The screen says what there is instead, and the endpoint does not exist."""
    camille = await scene.linked(email=FLEET)
    screen = await scene.say(camille, "agenda")
    assert "adresse publique" in screen.text
    assert NEW["fr"] not in screen.labels
    assert (await get(f"{scene.public_url}/calendar/x.ics")).status_code == 404


async def test_feed_of_another_chat_cannot_be_removed(public: Scene) -> None:
    """The button of one chat, sent by another, is the one of an account that it does not have."""
    scene = public
    camille = await scene.linked(email=FLEET)
    url = await made(scene, camille)
    link = await current_link(scene, camille)
    other = await scene.linked()
    tap = other.forge_tap(await scene.say(other, "/aide"), encode(ShowCalendar(link, "stop")) or "")
    await other.wait_for_answer(tap)
    assert (await get(url)).status_code == 200
