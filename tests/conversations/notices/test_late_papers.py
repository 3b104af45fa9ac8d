"""An event before its paper, and papers that changed since their event: what is told follows the state of today."""

from contextlib import suppress

import httpx
import pytest
from structlog.testing import capture_logs

from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from storage.tables import Kind, State
from tests.conversations.notices.test_copies import BOOKS, copied
from tests.conversations.notices.test_notices import ACCOUNT, MAIL, PATIENCE, notices, subscribe, until_settled
from tests.scene import Scene

ATTACHED = {"fr": "PDF joint", "en": "PDF with new invoices"}
GET = {"fr": "Recevoir le PDF", "en": "Get the PDF"}
NOT_ATTACHED = {"fr": "Le portail n’a pas pu fournir le PDF.", "en": "The portal could not provide the PDF."}
NOT_MADE = {"fr": "n’a pas pu être produit", "en": "could not be made"}


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_event_before_its_paper_is_told_later(scene: Scene, language: str) -> None:
    person = await scene.linked(language, MAIL[language], notices=True)
    fault = scene.portal.faults.set(Fault(FaultKind.NOT_FOUND, "*/invoices/990001"))
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number="990001")
    await until_settled(scene, 1, State.RETRY)
    scene.portal.faults.clear(fault.fault_id)
    scene.later(minutes=10)
    told = await person.wait_for_message("990001", new=True, timeout=PATIENCE)
    assert told.labels


@pytest.mark.parametrize(("language", "label"), [("fr", "Nouvelle commande"), ("en", "New order")])
async def test_event_before_its_order_is_told_later(scene: Scene, language: str, label: str) -> None:
    person = await scene.linked(language, MAIL[language])
    await subscribe(scene, person, label, language=language)
    fault = scene.portal.faults.set(Fault(FaultKind.NOT_FOUND, "*/orders/990002"))
    scene.portal.portal.create_order(ACCOUNT[language], [(1, "Balise")], number="990002")
    await until_settled(scene, 1, State.RETRY)
    assert notices(person, "990002") == []
    scene.portal.faults.clear(fault.fault_id)
    scene.later(minutes=10)
    told = await person.wait_for_message("990002", new=True, timeout=PATIENCE)
    assert told.text.startswith(label)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_event_before_its_paper_is_mailed_later(scene: Scene, language: str) -> None:
    await copied(scene, language)
    fault = scene.portal.faults.set(Fault(FaultKind.NOT_FOUND, "*/invoices/990001"))
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number="990001")
    await until_settled(scene, 1, State.RETRY)
    scene.portal.faults.clear(fault.fault_id)
    scene.later(minutes=10)
    letters = await scene.mailbox.wait_for(BOOKS, count=2, timeout=PATIENCE)
    assert "990001" in letters[-1].subject
    assert letters[-1].attachments[0].content.startswith(b"%PDF")


@pytest.mark.parametrize("paper", ["order", "copy"])
async def test_order_and_copy_that_never_come_are_given_up(scene: Scene, paper: str) -> None:
    if paper == "order":
        person = await scene.linked(email=MAIL["fr"])
        await subscribe(scene, person, "Nouvelle commande")
        scene.portal.faults.set(Fault(FaultKind.NOT_FOUND, "*/orders/990001"))
        scene.portal.portal.create_order("a-2003", [(1, "Balise")], number="990001")
    else:
        await copied(scene)
        scene.portal.faults.set(Fault(FaultKind.NOT_FOUND, "*/invoices/990001"))
        scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until_settled(scene, 1, State.RETRY)
    with capture_logs() as logs:
        scene.later(hours=7)
        await until_settled(scene, 1, State.CANCELLED)
    kind = Kind.ORDER_CREATED if paper == "order" else Kind.INVOICE_ISSUED
    assert [line["kind"] for line in logs if line["event"] == "notice.never_found"] == [kind]
    async with httpx.AsyncClient() as http:
        assert "odobot_notices_never_found 1.0" in (await http.get(f"{scene.admin_url}/metrics")).text


async def test_paper_that_never_comes_is_given_up(scene: Scene) -> None:
    """After hours, with a metric that an operator sees."""
    person = await scene.linked(notices=True, email=MAIL["fr"])
    scene.portal.faults.set(Fault(FaultKind.NOT_FOUND, "*/invoices/990001"))
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until_settled(scene, 1, State.RETRY)
    with capture_logs() as logs:
        scene.later(hours=7)
        await until_settled(scene, 1, State.CANCELLED)
    found = [line for line in logs if line["event"] == "notice.never_found"]
    assert found == [
        {"event": "notice.never_found", "log_level": "error", "kind": Kind.INVOICE_ISSUED, "deliveries": 1}
    ]
    async with httpx.AsyncClient() as http:
        assert "odobot_notices_never_found 1.0" in (await http.get(f"{scene.admin_url}/metrics")).text
    assert notices(person, "990001") == []


@pytest.mark.parametrize("status", [403, 404])
async def test_proxy_page_cancels_nothing(scene: Scene, status: int) -> None:
    person = await scene.linked(notices=True, email=MAIL["fr"])
    scene.portal.faults.set(Fault(FaultKind.PROXY_PAGE, "/v1/contacts*", status=status))
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until_settled(scene, 1, State.RETRY)
    scene.later(hours=7)
    await until_settled(scene, 1, State.RETRY)
    scene.portal.faults.clear()
    scene.later(minutes=30)
    await person.wait_for_message("990001", new=True, timeout=PATIENCE)


async def test_cancellation_is_not_told_as_a_new_invoice(scene: Scene) -> None:
    person = await scene.linked(notices=True, email=MAIL["fr"])
    fault = scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, "*/invoices/990001"))
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until_settled(scene, 1, State.RETRY)
    scene.portal.portal.billing.cancel_invoice("a-2003", "990001")
    scene.portal.faults.clear(fault.fault_id)
    scene.later(minutes=10)
    await until_settled(scene, 1, State.CANCELLED)
    assert notices(person, "990001") == []


async def test_cancelled_invoice_is_not_mailed(scene: Scene) -> None:
    await copied(scene)
    fault = scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, "*/invoices/990001"))
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until_settled(scene, 1, State.RETRY)
    scene.portal.portal.billing.cancel_invoice("a-2003", "990001")
    scene.portal.faults.clear(fault.fault_id)
    scene.later(minutes=10)
    await until_settled(scene, 1, State.CANCELLED)
    assert len(scene.mailbox.sent_to(BOOKS)) == 1, "the code alone"


async def test_cancelled_order_is_not_told_as_a_new_one(scene: Scene) -> None:
    person = await scene.linked(email=MAIL["fr"])
    await subscribe(scene, person, "Nouvelle commande")
    fault = scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, "*/orders/990002"))
    scene.portal.portal.create_order("a-2003", [(1, "Balise")], number="990002")
    await until_settled(scene, 1, State.RETRY)
    scene.portal.portal.billing.change_order("a-2003", "990002", status="cancelled")
    scene.portal.faults.clear(fault.fault_id)
    scene.later(minutes=10)
    await until_settled(scene, 1, State.CANCELLED)
    assert notices(person, "990002") == []


async def test_withdrawn_payment_is_not_told_as_paid(scene: Scene) -> None:
    person = await scene.linked(notices=True, email=MAIL["fr"])
    await subscribe(scene, person, "Facture payée")
    fault = scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, "*/invoices/240130"))
    scene.portal.portal.mark_paid("a-2003", "240130")
    await until_settled(scene, 1, State.RETRY)
    scene.portal.portal.billing.withdraw_payment("a-2003", "240130")
    scene.portal.faults.clear(fault.fault_id)
    scene.later(minutes=10)
    await until_settled(scene, 1, State.CANCELLED)
    assert notices(person, "240130") == []


async def test_cancelled_order_does_not_end_soon(scene: Scene) -> None:
    person = await scene.linked(notices=True, email=MAIL["fr"])
    await subscribe(scene, person, "Commande qui se termine bientôt")
    fault = scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, "*/orders/31200"))
    scene.portal.portal.end_order_soon("a-2003", "31200")
    await until_settled(scene, 1, State.RETRY)
    scene.portal.portal.billing.change_order("a-2003", "31200", status="cancelled")
    scene.portal.faults.clear(fault.fault_id)
    scene.later(minutes=10)
    await until_settled(scene, 1, State.CANCELLED)
    assert notices(person, "31200") == []


# PDFs attached to notices and copies


async def attaching(scene: Scene, language: str, fault: FaultKind) -> Person:
    """Return a person who wants PDFs attached, of whose new invoice the portal has none."""
    person = await scene.linked(language, MAIL[language], notices=True)
    await subscribe(scene, person, ATTACHED[language], language=language)
    scene.portal.faults.set(Fault(fault, path="*/pdf", retry_after=30))
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number="990001")
    await until_settled(scene, 1, State.RETRY)
    return person


async def told_late(scene: Scene, person: Person) -> Message:
    """Let the time pass in steps that are longer than the pauses between the attempts. Returns the notice."""
    for _ in range(20):
        scene.later(minutes=11)
        with suppress(TimeoutError):
            return await person.wait_for_message("990001", new=True, timeout=PATIENCE / 10)
    raise TimeoutError("the notice did not come")


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("fault", [FaultKind.PDF_CORRUPT, FaultKind.NOT_READY, FaultKind.NOT_FOUND])
async def test_notice_goes_without_a_pdf_that_is_never_made(scene: Scene, language: str, fault: FaultKind) -> None:
    """It says so, and its button gets the PDF once the portal has one."""
    person = await attaching(scene, language, fault)
    assert notices(person, "990001") == [], "the PDF is waited for"
    told = await told_late(scene, person)
    assert told.file is None
    assert NOT_ATTACHED[language] in told.text
    assert GET[language] in told.labels
    await until_settled(scene, 1)
    scene.portal.faults.clear()
    person.tap(GET[language], message=told)
    sent = await person.wait_for_message(".pdf", new=True)
    assert sent.file is not None
    assert sent.file.content.startswith(b"%PDF")
    assert len(notices(person, NOT_ATTACHED[language])) == 1


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_notice_waits_for_a_pdf_that_comes_late(scene: Scene, language: str) -> None:
    person = await attaching(scene, language, FaultKind.NOT_READY)
    scene.portal.faults.clear()
    scene.later(minutes=11)
    told = await person.wait_for_message("990001", new=True, timeout=PATIENCE)
    assert told.file is not None
    assert NOT_ATTACHED[language] not in told.text
    await until_settled(scene, 1)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("fault", [FaultKind.NOT_READY, FaultKind.NOT_FOUND])
async def test_copy_goes_without_a_pdf_that_is_never_there(scene: Scene, language: str, fault: FaultKind) -> None:
    await copied(scene, language)
    scene.portal.faults.set(Fault(fault, path="*/pdf", retry_after=30))
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number="990001")
    await until_settled(scene, 1, State.RETRY)
    assert len(scene.mailbox.sent_to(BOOKS)) == 1, "the code alone: the PDF is waited for"
    for _ in range(20):
        scene.later(minutes=31)
        with suppress(TimeoutError):
            await scene.mailbox.wait_for(BOOKS, count=2, timeout=PATIENCE / 10)
            break
    letters = await scene.mailbox.wait_for(BOOKS, count=2, timeout=PATIENCE)
    assert letters[-1].attachments == ()
    assert NOT_MADE[language] in letters[-1].text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_copy_waits_for_a_slow_pdf(scene: Scene, language: str) -> None:
    await copied(scene, language)
    scene.portal.faults.set(Fault(FaultKind.SLOW, path="*/pdf", seconds=8))
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number="990001")
    letters = await scene.mailbox.wait_for(BOOKS, count=2, timeout=4 * PATIENCE)
    assert letters[-1].attachments[0].content.startswith(b"%PDF")
