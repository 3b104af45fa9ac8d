"""Answers beside the contract: only the portal itself says gone or forbidden; anything else is "does not answer"."""

import pytest

from sandbox.portal.faults import Fault, FaultKind
from tests.scene import Scene

DOWN = {"fr": "Le portail ne répond pas", "en": "The portal is not answering"}
LIST = {"fr": "/factures", "en": "/invoices"}
RETRY = {"fr": "Réessayer", "en": "Try again"}
NOT_OF_THE_CONTRACT = [
    ("404 of a proxy", {"kind": FaultKind.PROXY_PAGE, "status": 404}),
    ("403 of a proxy", {"kind": FaultKind.PROXY_PAGE, "status": 403}),
    ("502 of a proxy", {"kind": FaultKind.PROXY_PAGE, "status": 502}),
    ("login page with 200", {"kind": FaultKind.LOGIN_PAGE}),
    ("redirect", {"kind": FaultKind.REDIRECT}),
    ("truncated JSON", {"kind": FaultKind.MALFORMED_JSON}),
    ("another shape", {"kind": FaultKind.WRONG_SHAPE}),
    ("huge body", {"kind": FaultKind.JSON_ENDLESS, "megabytes": 3}),
]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    "fault", [fault for _, fault in NOT_OF_THE_CONTRACT], ids=[name for name, _ in NOT_OF_THE_CONTRACT]
)
async def test_not_of_the_contract_is_no_answer(scene: Scene, language: str, fault: dict[str, object]) -> None:
    """The person reads that the portal does not answer, keeps the link, and succeeds by the button."""
    person = await scene.linked(language)
    scene.portal.faults.set(Fault(**fault))  # type: ignore[arg-type]
    for typed in (LIST[language], "212380"):
        trouble = await scene.say(person, typed)
        assert DOWN[language] in trouble.text
        assert RETRY[language] in trouble.labels
    scene.portal.faults.clear()
    assert "212380" in (await scene.tap(person, RETRY[language])).text


async def test_portal_itself_says_gone_and_forbidden(scene: Scene) -> None:
    person = await scene.linked()
    scene.portal.faults.set(Fault(FaultKind.FORBIDDEN, "*/invoices*"))
    assert "ne comprend pas cette partie" in (await scene.say(person, "/factures")).text
    scene.portal.faults.clear()
    listed = await scene.say(person, "/factures")
    scene.portal.faults.set(Fault(FaultKind.NOT_FOUND, "*/invoices/212380"))
    assert "Aucune commande ni facture" in (await scene.tap(person, "212380")).text
    assert listed
