"""Notices: each kind, sent once to each subscriber with access, in their language."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from sqlalchemy import update
from sqlmodel import col, select

from handlers.actions import ShowQuiet
from handlers.telegram.callback_data import encode
from sandbox.portal.data.tables import EventRow
from sandbox.portal.faults import Fault, FaultKind
from sandbox.portal.records.feed import event_id, record
from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from storage import chats
from storage.linking import links
from storage.linking.links import NewLink
from storage.notices import delivery_preferences, feed, subscriptions
from storage.notices.delivery_preferences import Quiet
from storage.tables import Chat, Delivery, Kind, Notice, PlannedNotice, PlanState, State
from tests.scene import CLIENT, Scene

FLEET = "flotte@example.test"  # a-2003, one account, both parts
ORDERS_ONLY = "commandes@example.test"  # a-2003, orders alone
ANNA = "anna@example.test"  # a-2004, English
SHARED = "partage@example.test"  # two contacts, an account each
PATIENCE = 15.0
LABELS = {
    "fr": (
        "Nouvelle facture",
        "Facture payée",
        "Nouvelle commande",
        "Commande qui se termine bientôt",
        "Rappels de paiement",
    ),
    "en": ("New invoice", "Invoice paid", "New order", "Order that ends soon", "Payment reminders"),
}
MAIL = {"fr": FLEET, "en": ANNA}
ACCOUNT = {"fr": "a-2003", "en": "a-2004"}
NAME = {"fr": "Transport Boréal inc.", "en": "North Shore Couriers Ltd"}
AVIS = {"fr": "/avis", "en": "/notices"}


async def until(scene: Scene, look: Callable[[Counter[tuple[str, str]]], bool], timeout: float = PATIENCE) -> None:
    """Poll the outbox until its counts by (kind, state) satisfy a condition."""
    deadline = time.monotonic() + timeout
    while True:
        async with scene.components.database.read() as session:
            query = select(Notice.kind, Delivery.state).join(Delivery, col(Delivery.notice_id) == Notice.notice_id)
            found = Counter((await session.exec(query)).all())
        if look(found):
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"the outbox has {dict(found)}")
        await asyncio.sleep(0.02)


async def until_settled(scene: Scene, count: int = 1, state: State = State.SENT, kind: Kind | None = None) -> None:
    """Wait until ``count`` deliveries have the final state."""
    await until(scene, lambda found: sum(n for (k, s), n in found.items() if s == state and kind in (None, k)) == count)


async def subscribe(scene: Scene, person: Person, *labels: str, language: str = "fr") -> Message:
    """Subscribe to kinds in ``/avis``; the person has one account."""
    screen = await scene.say(person, AVIS[language])
    for label in labels:
        screen = await scene.tap(person, label)
        assert [each for each in screen.labels if each.startswith(f"✓ {label}")]
    return screen


async def quiet(scene: Scene, person: Person, hours: str = "de 20", *, language: str = "fr") -> None:
    """Choose quiet hours by the beginning of their button."""
    await scene.say(person, AVIS[language])
    await scene.tap(person, "Heures calmes" if language == "fr" else "Quiet hours")
    screen = await scene.tap(person, hours)
    assert [label for label in screen.labels if label.startswith("✓ ") and hours in label]


async def until_read(scene: Scene, number: str, event_type: str = "") -> None:
    """Wait until an event about ``number`` was read from the feed, of one type or of any."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with scene.portal.portal.database.session() as portal:
            events = portal.exec(select(EventRow).where(col(EventRow.number) == number)).all()
            ids = [event_id(portal, each) for each in events if event_type in ("", each.type)]
        async with scene.components.database.read() as session:
            if (await session.exec(select(Notice.event_id).where(col(Notice.event_id).in_(ids)))).first():
                return
        await asyncio.sleep(0.02)
    raise TimeoutError(f"nothing was read of {number}")


async def until_nothing_is_due(scene: Scene, count: int) -> None:
    """Wait until ``count`` deliveries are queued for a later time."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        async with scene.components.database.read() as session:
            later = col(Delivery.due_at) > scene.clock.now()
            waiting = select(Delivery.due_at).where(col(Delivery.state) == State.QUEUED, later)
            if len((await session.exec(waiting)).all()) == count:
                return
        await asyncio.sleep(0.02)
    raise TimeoutError(f"not {count} deliveries wait")


async def until_planned(scene: Scene, count: int, number: str) -> None:
    """Wait until the plan has so many notices to come about an invoice or an order."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        async with scene.components.database.read() as session:
            planned = select(PlannedNotice.due_at).where(col(PlannedNotice.state) == PlanState.PLANNED)
            found = (await session.exec(planned.where(col(PlannedNotice.number) == number))).all()
            if len(found) == count and all(at > scene.clock.now() for at in found):
                return
        await asyncio.sleep(0.02)
    raise TimeoutError(f"{len(found)} notices are planned, not {count}")


async def until_postponed(scene: Scene, count: int = 1) -> None:
    """Wait until ``count`` deliveries wait for the end of the quiet hours."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        async with scene.components.database.read() as session:
            waiting = select(Delivery.due_at).where(col(Delivery.state) == State.QUEUED, col(Delivery.is_postponed))
            if len((await session.exec(waiting)).all()) == count:
                return
        await asyncio.sleep(0.02)
    raise TimeoutError(f"not {count} deliveries were postponed")


def notices(person: Person, *words: str) -> list[str]:
    """Return every message from the bot that contains one of these texts."""
    found = [each.text for each in person.chat().visible if each.from_bot]
    return [text for text in found if any(word in text for word in words)]


def at(scene: Scene, hour: float, days: int = 0) -> None:
    """Set the clock to this hour in Toronto (UTC-4), counted from the day of the start."""
    start = datetime(2026, 10, 15, 4, 0, tzinfo=UTC)
    scene.clock.set(start + timedelta(days=days, hours=hour))


async def test_webhook_triggers_a_notice_before_the_poll(scene: Scene) -> None:
    """The feed is polled every 60 s; the webhook has it read at once, in 0.2 s on an idle machine."""
    camille = await scene.linked(notices=True)
    began = time.monotonic()
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212383")

    notice = await camille.wait_for_message("212383", new=True, timeout=PATIENCE)

    assert time.monotonic() - began < 30
    assert notice.text.startswith("Nouvelle facture nº\u00a0212383\n\nClient Odotrack")
    assert "40,19\u00a0$" in notice.text


async def test_notice_without_webhook_comes_within_the_poll_interval(scene: Scene) -> None:
    camille = await scene.linked(notices=True)
    await scene.stop_bot()
    await scene.start_bot(portal_webhook_secret="", portal_poll_seconds=0.5)
    scene.portal.portal.webhook.configure(None, None)
    began = time.monotonic()
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await camille.wait_for_message("212381", new=True, timeout=PATIENCE)
    assert time.monotonic() - began < 30, "the default interval is 60 s"


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_each_kind_is_sent_to_its_subscribers(scene: Scene, language: str) -> None:
    account, french = ACCOUNT[language], language == "fr"
    person = await scene.linked(language, MAIL[language])
    await subscribe(scene, person, *LABELS[language][:4], language=language)
    portal = scene.portal.portal

    portal.issue_invoice(account, amount="40.19", number="990001", due_date=date(2026, 11, 14))
    issued = await person.wait_for_message("990001", new=True, timeout=PATIENCE)
    assert NAME[language] in issued.text
    assert issued.text.startswith("Nouvelle facture" if french else "New invoice")
    assert ("40,19\u00a0$" if french else "$40.19") in issued.text
    assert ("14 novembre" if french else "November 14") in issued.text
    assert issued.labels[-1] == ("Ne plus recevoir ces avis" if french else "Stop these notices")

    portal.mark_paid(account, "990001")
    paid = await person.wait_for_message("payée" if french else "paid, thank you", new=True, timeout=PATIENCE)
    assert "990001" in paid.text

    portal.create_order(account, [(2, "Balise")], end_date=date(2027, 11, 14), number="990002")
    created = await person.wait_for_message("990002", new=True, timeout=PATIENCE)
    assert created.text.startswith("Nouvelle commande" if french else "New order")

    portal.end_order_soon(account, "990002", days=30)
    ending = await person.wait_for_message("bientôt" if french else "ends soon", new=True, timeout=PATIENCE)
    assert ("14 novembre 2026" if french else "November 14, 2026") in ending.text
    assert [button.url for row in ending.buttons for button in row if button.url] != []
    detail = await scene.tap(person, "Commande 990002" if french else "Order 990002")
    assert "Balise" in detail.text
    await until_settled(scene, 4)


async def test_notice_buttons_open_the_invoice_and_its_pdf(scene: Scene) -> None:
    camille = await scene.linked(notices=True)
    scene.portal.portal.issue_invoice("a-2002", amount="40.19", number="39999")
    notice = await camille.wait_for_message("39999", new=True, timeout=PATIENCE)
    camille.tap("PDF", message=notice)
    document = await camille.wait_for_message("39999.pdf", timeout=PATIENCE)
    assert document.file is not None
    assert document.file.content.startswith(b"%PDF")


@pytest.mark.parametrize("event", ["invoice", "paid", "order", "ending"])
async def test_no_notice_without_a_subscription(scene: Scene, event: str) -> None:
    silent = await scene.linked(email=FLEET)
    asked = scene.person(first_name="Alix")  # a person who was never linked
    await scene.say(asked, "bonjour")
    wishing = await scene.linked("fr", "Comptable@Example.Test") if event in ("invoice", "paid") else None
    seen = [len(each.chat().visible) for each in (silent, asked)]
    portal = scene.portal.portal
    match event:
        case "invoice":
            portal.issue_invoice("a-2003", amount="40.19", number="990001")
        case "paid":
            portal.mark_paid("a-2003", "240202")
        case "order":
            portal.create_order("a-2003", [(1, "Balise")], number="990002")
        case "ending":
            portal.end_order_soon("a-2003", "31200")
    # The subscriber's notice shows that the feed was read.
    camille = await scene.linked(notices=True)
    portal.issue_invoice("a-2001", amount="1.00", number="212381")
    await camille.wait_for_message("212381", new=True, timeout=PATIENCE)
    assert [len(each.chat().visible) for each in (silent, asked)] == seen
    assert wishing is None or notices(wishing, "990001", "240202") == []


async def test_one_tap_unsubscribes_and_another_subscribes_again(scene: Scene) -> None:
    camille = await scene.linked(notices=True, email=FLEET)
    await subscribe(scene, camille, "Facture payée")
    portal = scene.portal.portal
    portal.issue_invoice("a-2003", amount="40.19", number="990001")
    notice = await camille.wait_for_message("990001", new=True, timeout=PATIENCE)
    camille.tap("Ne plus recevoir", message=notice)
    stopped = await camille.wait_for_message("ne vous seront plus envoyés")
    assert "Réactiver" in stopped.labels
    await until_settled(scene, 1)

    portal.issue_invoice("a-2003", amount="40.19", number="990002")
    portal.mark_paid("a-2003", "990002")  # another kind goes on
    await camille.wait_for_message("payée", new=True, timeout=PATIENCE)
    assert notices(camille, "Nouvelle facture nº\u00a0990002") == []

    camille.tap("Réactiver", message=stopped)
    await camille.wait_for_message("vous seront de nouveau envoyés")
    portal.issue_invoice("a-2003", amount="40.19", number="990003")
    await camille.wait_for_message("990003", new=True, timeout=PATIENCE)


async def test_button_below_a_pdf_unsubscribes(scene: Scene) -> None:
    camille = await scene.linked(notices=True, email=FLEET)
    await subscribe(scene, camille, "PDF joint")
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    notice = await camille.wait_for_message("990001", new=True, timeout=PATIENCE)
    assert notice.file is not None
    assert notice.file.content.startswith(b"%PDF")
    assert notice.text.startswith("Nouvelle facture nº\u00a0990001")
    camille.tap("Ne plus recevoir", message=notice)
    await camille.wait_for_message("ne vous seront plus envoyés")
    assert "✓ Nouvelle facture" not in (await scene.say(camille, "/avis")).labels


async def test_unsubscribing_cancels_waiting_notices(scene: Scene) -> None:
    camille = await scene.linked(notices=True, email=FLEET)
    scene.telegram.world.faults.add("error", method="sendMessage", status=500, count=1)
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until_settled(scene, 1, State.RETRY)
    await scene.say(camille, "/avis")
    await scene.tap(camille, "✓ Nouvelle facture")
    scene.later(minutes=1)
    await until_settled(scene, 1, State.CANCELLED)
    assert notices(camille, "990001") == []


async def test_waiting_notice_uses_the_current_language(scene: Scene) -> None:
    camille = await scene.linked(notices=True)
    scene.telegram.world.faults.add("error", method="sendMessage", status=500, count=1)
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await until_settled(scene, 1, State.RETRY)
    await scene.say(camille, "/langue")
    await scene.tap(camille, "English")
    scene.later(minutes=1)
    notice = await camille.wait_for_message("212381", new=True, timeout=PATIENCE)
    assert notice.text.startswith("New invoice no.\u00a0212381") or notice.text.startswith("New invoice no. 212381")
    assert "$40.19" in notice.text


async def test_unlinking_cancels_queued_notices(scene: Scene) -> None:
    camille = await scene.linked(notices=True)
    scene.telegram.world.faults.add("error", method="sendMessage", status=500, count=1)
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await until_settled(scene, 1, State.RETRY)
    await scene.say(camille, "/delier")
    await scene.tap(camille, "Oui")
    await until_settled(scene, 1, State.CANCELLED)
    scene.later(hours=1)
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212382")
    alix = await scene.linked(notices=True, first_name="Alix")
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212383")
    await alix.wait_for_message("212383", new=True, timeout=PATIENCE)
    assert notices(camille, "21238") == []


async def test_contact_without_invoice_access_gets_no_invoice_notice(scene: Scene) -> None:
    camille = await scene.linked(email=ORDERS_ONLY)
    await subscribe(scene, camille, *LABELS["fr"])
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001", due_date=date(2026, 11, 14))
    await until_settled(scene, 1, State.CANCELLED)
    scene.portal.portal.create_order("a-2003", [(1, "Balise")], number="990002")
    await camille.wait_for_message("990002", new=True, timeout=PATIENCE)
    assert notices(camille, "990001") == []


async def test_access_is_checked_again_before_sending(scene: Scene) -> None:
    camille = await scene.linked(notices=True, email=FLEET)
    scene.telegram.world.faults.add("error", method="sendMessage", status=500, count=1)
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until_settled(scene, 1, State.RETRY)
    scene.portal.portal.people.change_contact("c-1002", access={"a-2003": ["orders"]})
    scene.later(minutes=1)
    await until_settled(scene, 1, State.CANCELLED)
    assert notices(camille, "990001") == []


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_removed_contact_gets_one_notice_with_the_reason(scene: Scene, language: str) -> None:
    person = await scene.linked(language, MAIL[language], notices=True)
    scene.telegram.world.faults.add("error", method="sendMessage", status=500, count=1)
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number="990001")
    await until_settled(scene, 1, State.RETRY)
    contact = {"fr": "c-1002", "en": "c-1004"}[language]
    scene.portal.portal.people.remove_contact(contact)
    told = await person.wait_for_message(NAME[language], new=True, timeout=PATIENCE)
    assert told.text.startswith("Conversation déliée" if language == "fr" else "Conversation unlinked")
    assert "Odotrack" in told.text
    await until_settled(scene, 1, State.CANCELLED, Kind.INVOICE_ISSUED)
    screen = await scene.say(person, "/factures" if language == "fr" else "/invoices")
    assert ("pas encore liée" if language == "fr" else "not linked") in screen.text
    scene.later(hours=1)
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number="990002")
    camille = await scene.linked(notices=True)
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await camille.wait_for_message("212381", new=True, timeout=PATIENCE)
    assert notices(person, "990001", "990002") == []


async def test_removal_from_one_account_keeps_the_other(scene: Scene) -> None:
    camille = await scene.linked(notices=True)
    scene.portal.portal.people.remove_contact("c-1001", "a-2001")
    told = await camille.wait_for_message("«\u00a0Client Odotrack\u00a0»", new=True, timeout=PATIENCE)
    assert told.text.startswith("Conversation déliée")
    scene.portal.portal.issue_invoice("a-2002", amount="40.19", number="39999")
    await camille.wait_for_message("39999", new=True, timeout=PATIENCE)


async def test_account_closure_is_sent_to_every_linked_chat(scene: Scene) -> None:
    camille, alix = await scene.linked(email=FLEET), await scene.linked(email=ORDERS_ONLY, first_name="Alix")
    await subscribe(scene, camille, "Rappels de paiement")
    number = scene.portal.portal.issue_invoice("a-2003", amount="40.19", due_date=date(2026, 11, 14))
    await until_planned(scene, 2, number)
    scene.portal.portal.people.close_account("a-2003")
    for person in (camille, alix):
        told = await person.wait_for_message("a été fermé", new=True, timeout=PATIENCE)
        assert "«\u00a0Transport Boréal inc.\u00a0»" in told.text
    await until_planned(scene, 0, number)
    assert "pas encore liée" in (await scene.say(camille, "/factures")).text


async def test_quiet_hours_delay_a_notice_to_the_morning(scene: Scene) -> None:
    camille = await scene.linked(notices=True, email=FLEET)
    await quiet(scene, camille)
    at(scene, 23)
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until_postponed(scene)
    at(scene, 30.9)  # past midnight, before seven
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    alix = await scene.linked(notices=True, first_name="Alix")
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212382")
    await alix.wait_for_message("212382", new=True, timeout=PATIENCE)
    await until_postponed(scene)
    assert notices(camille, "990001") == []
    at(scene, 31.01)
    notice = await camille.wait_for_message("990001", new=True, timeout=PATIENCE)
    assert notice.text.startswith("Nouvelle facture")
    assert "40,19\u00a0$" in notice.text  # a single notice is sent in full


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_delayed_notices_are_one_summary(scene: Scene, language: str) -> None:
    account, french = ACCOUNT[language], language == "fr"
    person = await scene.linked(language, MAIL[language])
    await subscribe(scene, person, *LABELS[language][:4], language=language)
    await quiet(scene, person, "de 20" if french else "8:00", language=language)
    at(scene, 23)
    before = len(person.chat().visible)
    portal = scene.portal.portal
    portal.issue_invoice(account, amount="40.19", number="990001")
    portal.mark_paid(account, "990001")
    portal.create_order(account, [(1, "Balise")], number="990002")
    await until_postponed(scene, 3)
    at(scene, 31.01)
    summary = await person.wait_for_message("990001", new=True, timeout=PATIENCE)
    assert summary.text.startswith("Pendant vos heures calmes" if french else "During your quiet hours")
    assert summary.text.count("990001") == 2
    assert "990002" in summary.text
    await until_settled(scene, 3)
    assert len(person.chat().visible) == before + 1
    detail = await scene.tap(person, "990002")
    assert "Balise" in detail.text


async def test_summary_shows_only_accessible_documents(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET)
    await subscribe(scene, camille, "Nouvelle facture", "Nouvelle commande", "Commande qui se termine bientôt")
    await quiet(scene, camille)
    at(scene, 23)
    portal = scene.portal.portal
    portal.issue_invoice("a-2003", amount="40.19", number="990001")
    portal.create_order("a-2003", [(1, "Balise")], number="990002")
    portal.end_order_soon("a-2003", "31200")
    await until_postponed(scene, 3)
    portal.people.change_contact("c-1002", access={"a-2003": ["orders"]})
    at(scene, 31.01)
    summary = await camille.wait_for_message("990002", new=True, timeout=PATIENCE)
    assert "31200" in summary.text
    assert "990001" not in summary.text
    assert "990001" not in summary.labels


async def test_deleted_person_cancels_only_their_own_notices(scene: Scene) -> None:
    camille = await scene.linked(notices=True, email=SHARED)  # c-1007 on a-2010, c-1008 on a-2011
    await quiet(scene, camille, language="fr")
    at(scene, 23)
    portal = scene.portal.portal
    portal.issue_invoice("a-2010", amount="40.19", number="990001")
    portal.issue_invoice("a-2011", amount="40.19", number="990002")
    await until_postponed(scene, 2)
    scene.portal.faults.set(Fault(FaultKind.SERVER_ERROR, path="*/events"))  # the bot does not know of the removal yet
    portal.people.remove_contact("c-1008")
    at(scene, 31.01)
    told = await camille.wait_for_message("990001", new=True, timeout=PATIENCE)
    assert "990002" not in told.text


async def test_quiet_hours_that_were_turned_off_delay_nothing(scene: Scene) -> None:
    camille = await scene.linked(notices=True, email=FLEET)
    await quiet(scene, camille)
    at(scene, 23)
    await scene.say(camille, "/avis")
    await scene.tap(camille, "Heures calmes")
    await scene.tap(camille, "Aucune")
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await camille.wait_for_message("990001", new=True, timeout=PATIENCE)


async def test_quiet_hours_use_the_chats_time_zone(scene: Scene) -> None:
    camille = await scene.linked(notices=True, email=FLEET)
    await quiet(scene, camille)
    await scene.tap(camille, "Changer de fuseau")
    screen = await scene.tap(camille, "Vancouver")
    assert "Vancouver" in screen.text
    at(scene, 22)  # seven in the evening there
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await camille.wait_for_message("990001", new=True, timeout=PATIENCE)
    at(scene, 31.5)  # half past four there
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990002")
    await until_postponed(scene)
    at(scene, 34.01)
    await camille.wait_for_message("990002", new=True, timeout=PATIENCE)


async def test_autumn_night_is_quiet_until_the_same_hour(scene: Scene) -> None:
    """Quiet hours end at the same local hour in the night when the clocks go back."""
    camille = await scene.linked(notices=True, email=FLEET)
    await quiet(scene, camille)
    scene.clock.set(datetime(2026, 11, 1, 3, 0, tzinfo=UTC))  # 23:00 of October 31, UTC-4
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until_postponed(scene)
    async with scene.components.database.read() as session:
        (due_at,) = (await session.exec(select(Delivery.due_at).where(col(Delivery.state) == State.QUEUED))).all()
    assert due_at == datetime(2026, 11, 1, 12, 0, tzinfo=UTC)  # 7:00 at UTC-5
    scene.clock.set(datetime(2026, 11, 1, 12, 0, 1, tzinfo=UTC))
    await camille.wait_for_message("990001", new=True, timeout=PATIENCE)


async def test_forged_button_sets_no_invalid_quiet_hours(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET)
    await quiet(scene, camille, "de 22")
    screen = camille.screen()
    for start, end in ((1440, 60), (60, 60), (-5, 60), (10**12, 1)):
        data = encode(ShowQuiet(start, end))
        assert data is not None
        await camille.wait_for_answer(camille.forge_tap(screen, data))
    await scene.settled()
    async with scene.components.database.read() as session:
        assert (await delivery_preferences.load(session, camille.user_id)).quiet == Quiet(22 * 60, 6 * 60)


async def test_blocked_chat_gets_no_notice_until_it_returns(scene: Scene) -> None:
    """A chat that blocked the bot is not written to until it unblocks the bot."""
    camille = await scene.linked(notices=True)
    camille.block()
    portal, log = scene.portal.portal, scene.telegram.world.log
    await until_blocked(scene, camille)
    sent = len(log.find(method="sendMessage"))
    portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await until_settled(scene, 1, State.BLOCKED)
    assert len(log.find(method="sendMessage")) == sent  # Telegram is not called
    camille.unblock()
    await until_blocked(scene, camille, blocked=False)
    portal.issue_invoice("a-2001", amount="40.19", number="212382")
    await camille.wait_for_message("212382", new=True, timeout=PATIENCE)
    assert notices(camille, "212381") == []


async def until_blocked(scene: Scene, person: Person, *, blocked: bool = True) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        async with scene.components.database.read() as session:
            if (await chats.load(session, person.user_id)).is_blocked is blocked:
                return
        await asyncio.sleep(0.02)
    raise TimeoutError("the chat's blocking was not noted")


async def test_block_found_by_a_failed_send_is_stored(scene: Scene) -> None:
    camille = await scene.linked(notices=True)
    scene.telegram.world.faults.add(
        "error", method="sendMessage", status=403, description="Forbidden: bot was blocked by the user"
    )
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await until_settled(scene, 1, State.BLOCKED)
    await until_blocked(scene, camille)
    await scene.say(camille, "/aide")  # a chat that writes is not blocked
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212382")
    await camille.wait_for_message("212382", new=True, timeout=PATIENCE)


async def test_notices_follow_a_migrated_chat(scene: Scene) -> None:
    """Telegram reports the new id only for groups, so the rows are a group's here."""
    camille = await scene.linked()
    group = scene.telegram.world.create_group("Bureau", [camille])
    async with scene.components.database.write() as session:
        await links.add_links(
            session, group.chat.chat_id, "", [NewLink("c-1001", "a-2001", "Client", frozenset({"invoices"}), CLIENT)],
            scene.clock.now(),
        )  # fmt: skip
        (link,) = (await chats.load(session, group.chat.chat_id)).links
        await subscriptions.set_subscriptions(
            session, group.chat.chat_id, [link.link_id], {Kind.INVOICE_ISSUED}, on=True
        )
    moved = group.migrate()
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await until(scene, lambda found: found["invoice.issued", "retry"] + found["invoice.issued", "sent"] == 1)
    scene.later(minutes=1)
    await until_settled(scene, 1)
    assert [each for each in moved.chat.visible if "212381" in each.text]
    async with scene.components.database.read() as session:
        assert (await chats.load(session, moved.chat.chat_id)).links != ()
        assert not (await chats.load(session, group.chat.chat_id)).is_known


async def test_unknown_events_are_skipped_and_counted(scene: Scene) -> None:
    camille = await scene.linked(notices=True)
    portal = scene.portal.portal
    for kind, number in (("invoice.disputed", "1"), ("reminder.due", "2"), ("invoice.issued", None)):
        with portal.database.session() as session:
            record(session, kind, portal.clock.now(), "a-2001", number)  # type: ignore[arg-type]
            session.commit()
    portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await camille.wait_for_message("212381", new=True, timeout=PATIENCE)
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{scene.admin_url}/metrics")).text
    assert "odobot_feed_skipped 2.0" in text
    assert 'odobot_feed_malformed{reason="number"} 1.0' in text
    assert "odobot_feed_events 4.0" in text


@pytest.mark.parametrize("kind", [FaultKind.SERVER_ERROR, FaultKind.MALFORMED_JSON, FaultKind.CUT])
async def test_failing_feed_is_read_again(scene: Scene, kind: FaultKind) -> None:
    camille = await scene.linked(notices=True)
    await scene.stop_bot()
    await scene.start_bot(portal_poll_seconds=0.2)
    scene.portal.faults.set(Fault(kind, path="*/events"))
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(200):
            text = (await client.get(f"{scene.admin_url}/metrics")).text
            if "odobot_feed_failures 0.0" not in text:
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("no reading failed")
    scene.portal.faults.clear()
    await camille.wait_for_message("212381", new=True, timeout=PATIENCE)


async def test_expired_cursor_restarts_at_now_and_is_logged(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    camille = await scene.linked(notices=True)
    async with scene.components.database.read() as session:
        seen = await feed.position(session)
    await scene.stop_bot()
    portal = scene.portal.portal
    for number in ("212381", "212382"):
        portal.issue_invoice("a-2001", amount="40.19", number=number)
    portal.forget_events(keep=0)
    await scene.start_bot()
    while True:  # the reading that restarts
        async with scene.components.database.read() as session:
            if await feed.position(session) != seen:
                break
        await asyncio.sleep(0.02)
    portal.issue_invoice("a-2001", amount="40.19", number="212383")
    await camille.wait_for_message("212383", new=True, timeout=PATIENCE)
    assert notices(camille, "212381", "212382") == []
    assert "feed.cursor_too_old" in "".join(capsys.readouterr())


async def test_first_start_ignores_earlier_events(scene: Scene) -> None:
    camille = await scene.linked(notices=True)
    async with scene.components.database.read() as session:
        known = (await session.exec(select(Notice).where(Notice.kind != Kind.POLICY_CHANGED))).all()
        assert known == []  # nothing of what the portal had before
    await scene.stop_bot()
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await scene.start_bot()
    await camille.wait_for_message("212381", new=True, timeout=PATIENCE)  # but the events since the stop


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ({"kind": "error", "status": 500}, State.SENT),
        ({"kind": "retry_after", "retry_after": 3}, State.SENT),
        ({"kind": "gateway", "status": 502}, State.UNCERTAIN),
        ({"kind": "close_before"}, State.UNCERTAIN),
        ({"kind": "close_after"}, State.UNCERTAIN),
        ({"kind": "reset_after"}, State.UNCERTAIN),
        ({"kind": "error", "status": 400, "description": "Bad Request: chat not found"}, State.BLOCKED),
        ({"kind": "error", "status": 403, "description": "Forbidden: user is deactivated"}, State.BLOCKED),
    ],
)
@pytest.mark.parametrize("pdf", [False, True])
async def test_failed_delivery_gets_its_state(scene: Scene, fault: dict, state: State, pdf: bool) -> None:
    camille = await scene.linked(notices=True, email=FLEET)
    if pdf:
        await subscribe(scene, camille, "PDF joint")
    method = "sendDocument" if pdf else "sendMessage"
    rule = scene.telegram.world.faults.add(method=method, **fault)
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    if state is State.SENT:
        await until(scene, lambda found: found["invoice.issued", "retry"] == 1)
        scene.later(minutes=1)
    await until_settled(scene, 1, state)
    scene.later(minutes=10)  # no worker claims it again before its repetition is due
    scene.portal.portal.create_order("a-2003", [(1, "Balise")])
    arrived = state is State.SENT or str(fault["kind"]).endswith("after")
    if state is not State.BLOCKED:
        await scene.say(camille, "/aide")
    assert len(notices(camille, "990001")) == (1 if arrived else 0)
    assert rule.met == 1


async def test_stop_during_a_run_leaves_no_uncertain_delivery(scene: Scene) -> None:
    people = await many(scene, 100)
    await scene.stop_bot()
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await scene.start_bot(bulk_rate=40)
    for _ in range(2):  # each stop carries up to 32 more to their end
        done = len(scene.telegram.world.log.find(method="sendMessage"))
        await scene.telegram.world.log.wait("sendMessage", count=done + 5, timeout=PATIENCE)
        await scene.stop_bot()
        await scene.start_bot(bulk_rate=40)
    await until(scene, lambda found: set(found) <= {("invoice.issued", "sent"), ("invoice.issued", "uncertain")}, 30)
    await until_settled(scene, 100)
    assert {len(notices(each, "212381")) for each in people} == {1}


@pytest.mark.parametrize("chats_refused", [1, 3])
async def test_429s_of_three_chats_halt_all_notices(scene: Scene, chats_refused: int) -> None:
    """That of one chat, met by an answer or a notice, halts the notices of that chat alone."""
    people = await many(scene, 40)
    alix = await scene.linked(first_name="Alix", notices=True)
    await scene.stop_bot()
    await scene.start_bot(bulk_rate=10)
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    log, faults = scene.telegram.world.log, scene.telegram.world.faults
    done = len(log.find(method="sendMessage"))
    await log.wait("sendMessage", count=done + 5, timeout=PATIENCE)
    refusing = [alix, *people[20:]][:chats_refused]
    for person in refusing:
        faults.add("retry_after", method="sendMessage", chat_id=person.user_id, retry_after=3)
    await scene.say(alix, "/aide")
    await log.changed.until(lambda: len([each for each in log.entries if each.error_code == 429]) >= chats_refused, 20)
    await until_settled(scene, 41)
    calls = log.find(method="sendMessage")
    refused = [each for each in calls if each.error_code == 429]
    assert len(refused) == chats_refused
    # Calls that are under way arrive; the answer to /aide has its own retry.
    during = [
        each for each in calls
        if each.params["chat_id"] != alix.user_id and 0.5 < (each.at - refused[-1].at).total_seconds() < 2.9
    ]  # fmt: skip
    assert (len(during) == 0) is (chats_refused == 3)
    others = [each for each in during if each.params["chat_id"] not in {person.user_id for person in refusing}]
    assert len(others) == len(during)
    assert {len(notices(each, "212381")) for each in [alix, *people]} == {1}


async def many(scene: Scene, count: int) -> list[Person]:
    """Create linked people who subscribe to invoices of one account, without conversations."""
    people = [scene.person(first_name=f"P{n}") for n in range(count)]
    now = scene.clock.now()
    link = NewLink("c-1001", "a-2001", "Client Odotrack", frozenset({"invoices", "orders"}), CLIENT)
    async with scene.components.database.write() as session:
        for each in people:
            scene.telegram.world.bot().chat_with(each)
            await links.add_links(session, each.user_id, each.first_name, [link], now)
            (linked,) = (await chats.load(session, each.user_id)).links
            await subscriptions.set_subscriptions(
                session, each.user_id, [linked.link_id], {Kind.INVOICE_ISSUED}, on=True
            )
        await session.change(update(Chat).values(language="fr"))
    return people
