"""An event before its paper, and papers that changed since their event: what is told follows the state of today."""

import httpx
import pytest

from sandbox.portal.faults import Fault, FaultKind
from storage.tables import State
from tests.conversations.notices.test_notices import ACCOUNT, MAIL, PATIENCE, notices, subscribe, until_settled
from tests.scene import Scene


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


async def test_paper_that_never_comes_is_given_up(scene: Scene) -> None:
    """After hours, with a metric that an operator sees."""
    person = await scene.linked(notices=True, email=MAIL["fr"])
    scene.portal.faults.set(Fault(FaultKind.NOT_FOUND, "*/invoices/990001"))
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until_settled(scene, 1, State.RETRY)
    scene.later(hours=7)
    await until_settled(scene, 1, State.CANCELLED)
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
