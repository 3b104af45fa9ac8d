"""Links from the portal into the chat: one tap links, once, in one conversation; and links to orders and invoices."""

import re

import pytest

from sandbox.portal.faults import Fault, FaultKind
from tests.scene import CLIENT, Scene

FLEET = "flotte@example.test"
GONE = {"fr": "Ce lien ne peut pas servir", "en": "This link cannot be used"}
YES = {"fr": "Oui, lier", "en": "Yes, link"}
NO = {"fr": "Non, ce n’est pas à moi", "en": "No, this is not mine"}


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_link_from_the_portal_links_with_one_tap(scene: Scene, language: str) -> None:
    camille = scene.person(language)
    offer = await scene.open(camille, await scene.invitation(account="a-2002"))
    question = {"fr": "lier cette conversation à vos 2 comptes", "en": "link this conversation to your 2 accounts"}
    assert question[language] in offer.text
    accounts = re.findall(r"Client Odotrack\S*(?: 2016)?", offer.text)
    assert accounts == ["Client Odotrack 2016", "Client Odotrack"]  # the requested one first
    assert offer.labels[:2] == [YES[language], NO[language]]

    linked = await scene.tap(camille, YES[language])
    assert {"fr": "Connexion réussie", "en": "You are connected"}[language] in linked.text
    assert linked.labels == ["Client Odotrack 2016", "Client Odotrack"]
    (mail,) = await scene.mailbox.wait_for(CLIENT)
    assert "Camille" in mail.text  # told as of any new link, in both languages
    listed = await scene.say(camille, "/factures" if language == "fr" else "/invoices")
    assert "Client Odotrack 2016" in listed.text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_link_is_used_once(scene: Scene, language: str) -> None:
    """A second tap and a second opening show the new links; another chat learns nothing."""
    camille, other = scene.person(language), scene.person(language, "Quelqu’un")
    payload = await scene.invitation("c-1002")
    offer = await scene.open(camille, payload)
    stranger = await scene.open(other, payload)
    assert GONE[language] in stranger.text
    assert "Boréal" not in stranger.text
    data = offer.buttons[0][0].callback_data or ""
    await scene.tap(camille, YES[language])
    await scene.mailbox.wait_for(FLEET)

    camille.forge_tap(await scene.say(camille, "/aide"), data)
    assert "Transport Boréal" in (await camille.wait_for_message()).text
    assert "Transport Boréal" in (await scene.open(camille, payload)).text
    other.forge_tap(await scene.say(other, "/aide"), data)
    assert GONE[language] in (await other.wait_for_message()).text
    assert len(scene.mailbox.sent_to(FLEET)) == 1
    assert scene.components.application.bot_data.security.counts["linked", "portal_new"] == 1


async def test_declined_link_cannot_be_used(scene: Scene) -> None:
    camille = scene.person()
    payload = await scene.invitation()
    offer = await scene.open(camille, payload)
    data = offer.buttons[0][0].callback_data or ""
    declined = await scene.tap(camille, NO["fr"])
    assert "rien n’a été lié" in declined.text
    assert declined.labels == ["Lier mon compte", "Aide"]
    camille.forge_tap(camille.screen(), data)
    assert GONE["fr"] in (await camille.wait_for_message(GONE["fr"])).text
    assert GONE["fr"] in (await scene.open(camille, payload)).text
    assert scene.mailbox.sent_to(CLIENT) == []


@pytest.mark.parametrize("before_tap", [True, False])
async def test_link_expires_after_15_minutes(scene: Scene, before_tap: bool) -> None:
    camille, payload = scene.person(), await scene.invitation()
    if before_tap:
        await scene.open(camille, payload)
        scene.later(minutes=15)
        screen = await scene.tap(camille, YES["fr"])
    else:
        scene.later(minutes=15)
        screen = await scene.open(camille, payload)
    assert GONE["fr"] in screen.text
    assert "courriel" in (await scene.tap(camille, "Lier mon compte")).text


async def test_linked_chat_gets_the_further_account(scene: Scene) -> None:
    """A chat that is linked keeps its accounts; the new one becomes current, and its mailbox's chats are told."""
    owner = await scene.linked(email=FLEET, first_name="Geneviève")
    camille = await scene.linked()
    await scene.open(camille, await scene.invitation("c-1002"))
    linked = await scene.tap(camille, YES["fr"])
    assert "Transport Boréal inc." in linked.text
    assert "Camille" in (await owner.wait_for_message("Camille")).text
    await scene.tap(camille, "Non")
    assert "Transport Boréal inc." in (await scene.say(camille, "/factures")).text
    accounts = await scene.say(camille, "/compte")
    assert "Client Odotrack 2016" in accounts.text


async def test_portal_down_keeps_the_link(scene: Scene) -> None:
    camille, payload = scene.person(), await scene.invitation("c-1002")
    scene.portal.portal.faults.set(Fault(FaultKind.UNAVAILABLE))
    down = await scene.open(camille, payload)
    assert down.labels[0] == "Réessayer"
    scene.portal.portal.faults.clear()
    scene.later(minutes=1)
    assert "Transport Boréal" in (await scene.tap(camille, "Réessayer")).text
    scene.portal.portal.people.remove_contact("c-1002")
    assert GONE["fr"] in (await scene.tap(camille, YES["fr"])).text


async def test_portal_chooses_the_language_of_a_new_chat(scene: Scene) -> None:
    camille = scene.person("en")
    offer = await scene.open(camille, await scene.invitation(language="fr"))
    assert offer.labels[:2] == [YES["fr"], NO["fr"]]
    anna = await scene.linked("en", "anna@example.test")
    offer = await scene.open(anna, await scene.invitation(language="fr"))
    assert offer.labels[:2] == [YES["en"], NO["en"]]  # the chat's choice wins


async def test_too_many_wrong_links_wait_an_hour(scene: Scene) -> None:
    camille, payload = scene.person(), await scene.invitation()
    for _ in range(10):
        assert GONE["fr"] in (await scene.open(camille, "l-" + "x" * 43)).text
    refused = await scene.open(camille, payload)
    assert "à partir de 15\u00a0h" in refused.text
    assert refused.labels == ["Lier mon compte", "Aide"]
    scene.later(minutes=61)
    assert YES["fr"] in (await scene.open(camille, await scene.invitation())).labels


@pytest.mark.parametrize(
    ("language", "payload", "waits", "opens"),
    [
        ("fr", "f-240130", "Pour voir la facture nº\u00a0240130", "Facture nº\u00a0240130"),
        ("en", "c-31200", "To see order no.\u00a031200", "Order no.\u00a031200"),
    ],
)
async def test_paper_opens_after_linking(scene: Scene, language: str, payload: str, waits: str, opens: str) -> None:
    """The link of an order or invoice asks an unlinked chat to link; the paper opens below the new links."""
    camille = scene.person(language)
    asked = await scene.open(camille, payload)
    assert waits in asked.text
    await scene.tap(camille, asked.labels[0])
    await scene.say(camille, FLEET)
    camille.say(await scene.code(FLEET))
    assert "Transport Boréal" in (await camille.wait_for_message("Transport Boréal")).text
    assert opens in (await camille.wait_for_message(opens)).text
    await scene.mailbox.wait_for(FLEET, count=2)
    # Opened once: the next link shows nothing else.
    assert opens in (await scene.open(camille, payload)).text


async def test_paper_that_waited_too_long_does_not_open(scene: Scene) -> None:
    camille = scene.person()
    await scene.open(camille, "f-240130")
    scene.later(hours=3)
    await scene.open(camille, await scene.invitation("c-1002"))
    await scene.tap(camille, YES["fr"])
    await scene.mailbox.wait_for(FLEET)
    assert await camille.hears_nothing()
    assert "240130" not in camille.screen().text


async def test_paper_of_somebody_else_is_not_found(scene: Scene) -> None:
    camille = await scene.linked()
    other = await scene.open(camille, "f-240130")
    assert "Facture nº" not in other.text
    assert "240130" in other.text
