"""The bookkeeper's copy: an address that confirmed gets each new invoice by mail, once, until it unsubscribes."""

import re
from datetime import date
from io import BytesIO
from typing import Any

import httpx
import pytest
from pypdf import PdfReader

from sandbox.mail.faults import Act, Fault as MailFault, Stage
from sandbox.mail.received import Received
from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.persons import Person
from services.notices import copies
from storage.tables import State
from tests.conversations.notices.test_notices import (
    ACCOUNT,
    ANNA,
    AVIS,
    FLEET,
    MAIL,
    PATIENCE,
    until,
    until_read,
    until_settled,
)
from tests.scene import Scene

BOOKS = "compta@cabinet.example"
OTHER = "autre@cabinet.example"
WORDS = {
    "fr": (
        "Copie pour la comptabilité",
        "Choisir une adresse",
        "Arrêter les envois",
        "Rien n’a",
        "envoyée",
        "pas le bon code",
    ),
    "en": ("Bookkeeper’s copy", "Choose an address", "Stop the emails", "Nothing has", "sent", "not the right code"),
}


async def asked(scene: Scene, language: str = "fr", email: str = "", address: str = BOOKS) -> Person:
    """Return a person who gave a bookkeeper's address; the bot waits for the code."""
    person = await scene.linked(language, email or MAIL[language])
    await give(scene, person, address, language)
    return person


async def give(scene: Scene, person: Person, address: str, language: str = "fr") -> None:
    """Give a bookkeeper's address, and wait for the mailed code."""
    before = len(scene.mailbox.sent_to(address))
    await scene.say(person, AVIS[language])
    screen = await scene.tap(person, WORDS[language][0])
    change = "Changer d’adresse" if language == "fr" else "Change the address"
    await scene.tap(person, WORDS[language][1] if WORDS[language][1] in screen.labels else change)
    assert address in (await scene.say(person, address)).text
    await scene.mailbox.wait_for(address, count=before + 1)


async def copied(scene: Scene, language: str = "fr", email: str = "", address: str = BOOKS) -> Person:
    """Return a person whose bookkeeper confirmed."""
    person = await asked(scene, language, email, address)
    before = len(scene.mailbox.messages)
    screen = await scene.say(person, await scene.code(address, len(scene.mailbox.sent_to(address))))
    assert address in screen.text
    await scene.mailbox.wait_for(count=before + 1)  # the address of the link is notified
    return person


async def mailed(scene: Scene, number: str, address: str = BOOKS, account: str = "a-2003") -> Received:
    """Issue an invoice. Returns the mail with it."""
    count = len(scene.mailbox.sent_to(address))
    scene.portal.portal.issue_invoice(account, amount="40.19", number=number, due_date=date(2026, 11, 14))
    letters = await scene.mailbox.wait_for(address, count=count + 1, timeout=PATIENCE)
    assert number in letters[-1].subject
    return letters[-1]


async def test_copy_of_a_credit_note_names_it(scene: Scene) -> None:
    await copied(scene)
    scene.portal.portal.issue_invoice("a-2003", amount="-40.19", number="990009")
    letter = (await scene.mailbox.wait_for(BOOKS, count=2, timeout=PATIENCE))[-1]
    assert "note de crédit nº\u00a0990009" in letter.subject
    assert "Voici la note de crédit" in letter.text
    assert "Here is credit note" in letter.text
    assert [each.name for each in letter.attachments] == ["Note-de-credit-990009.pdf"]


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_bookkeeper_gets_each_new_invoice_once(scene: Scene, language: str) -> None:
    copy, _, stop, nothing, sent, _ = WORDS[language]
    person = await asked(scene, language)
    (letter,) = await scene.mailbox.wait_for(BOOKS)
    assert {"fr": "Transport Boréal inc.", "en": "North Shore Couriers Ltd"}[language] in letter.text
    screen = await scene.say(person, await scene.code(BOOKS))
    assert BOOKS in screen.text
    assert nothing in screen.text
    letter = await mailed(scene, "990001", account=ACCOUNT[language])
    assert letter.to == (BOOKS,)
    assert ("40,19\u00a0$" if language == "fr" else "$40.19") in letter.text
    (attachment,) = letter.attachments
    assert (attachment.media_type, "990001" in attachment.name) == ("application/pdf", True)
    assert "990001" in PdfReader(BytesIO(attachment.content)).pages[0].extract_text()
    await mailed(scene, "990002", account=ACCOUNT[language])
    await until_settled(scene, 2)
    assert len(scene.mailbox.sent_to(BOOKS)) == 3  # the code and two invoices
    await scene.say(person, AVIS[language])
    listed = await scene.tap(person, copy)
    lines = [line for line in listed.text.splitlines() if sent in line and "99000" in line]
    assert [re.sub(r"\D*", "", line)[-6:] for line in lines] == ["990002", "990001"]
    assert stop in listed.labels


async def test_no_copy_before_the_code_or_for_other_kinds(scene: Scene) -> None:
    person = await asked(scene)
    portal = scene.portal.portal
    portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until_read(scene, "990001")
    await scene.say(person, await scene.code(BOOKS))
    portal.mark_paid("a-2003", "990001")
    portal.create_order("a-2003", [(1, "Balise")])
    await mailed(scene, "990002")
    await until_settled(scene, 1)
    assert [each.subject for each in scene.mailbox.sent_to(BOOKS) if "990001" in each.subject] == []


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_wrong_code_does_not_confirm(scene: Scene, language: str) -> None:
    person = await asked(scene, language)
    code = await scene.code(BOOKS)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    assert WORDS[language][5] in (await scene.say(person, wrong)).text
    assert BOOKS in (await scene.say(person, code)).text
    await mailed(scene, "990001", account=ACCOUNT[language])


async def test_another_code_goes_to_the_same_address(scene: Scene) -> None:
    """After a wrong code nobody types the address again, and the answer to an early tap leads on, too."""
    person = await asked(scene)
    code = await scene.code(BOOKS)
    screen = await scene.say(person, f"{(int(code) + 1) % 1_000_000:06}")
    assert screen.labels == ["Renvoyer un code", "Changer d’adresse", "Annuler"]
    early = await scene.tap(person, "Renvoyer un code")
    assert "vient d’être demandé" in early.text
    assert early.labels == screen.labels
    scene.later(minutes=2)
    await scene.tap(person, "Renvoyer un code")
    await scene.mailbox.wait_for(BOOKS, count=2)
    assert BOOKS in (await scene.say(person, await scene.code(BOOKS, 2))).text
    await mailed(scene, "990001")


async def test_five_wrong_codes_invalidate_the_code(scene: Scene) -> None:
    person = await asked(scene)
    code = await scene.code(BOOKS)
    for _ in range(5):
        screen = await scene.say(person, f"{(int(code) + 1) % 1_000_000:06}")
    assert BOOKS not in screen.text
    await scene.say(person, code)
    await scene.say(person, "/avis")
    assert BOOKS not in (await scene.tap(person, "Copie pour la comptabilité")).text


async def test_code_for_a_copy_does_not_link(scene: Scene) -> None:
    """A code mailed for a copy does not prove the address for linking."""
    person = await asked(scene, address=ANNA)
    code = await scene.code(ANNA)
    alix = scene.person(first_name="Alix")
    await scene.say(alix, code)
    assert "pas encore liée" in (await scene.say(alix, "/factures")).text
    await scene.say(person, "/lier")
    await scene.say(person, code)
    assert "North Shore" not in (await scene.say(person, "/compte")).text


async def test_invalid_address_is_explained(scene: Scene) -> None:
    person = await scene.linked(email=FLEET)
    await scene.say(person, "/avis")
    await scene.tap(person, "Copie pour la comptabilité")
    await scene.tap(person, "Choisir une adresse")
    assert "exemple" in (await scene.say(person, "la compta")).text
    assert BOOKS in (await scene.say(person, BOOKS)).text


async def test_unsent_code_is_explained(scene: Scene) -> None:
    person = await scene.linked(email=FLEET)
    await scene.say(person, "/avis")
    await scene.tap(person, "Copie pour la comptabilité")
    await scene.tap(person, "Choisir une adresse")
    scene.mailbox.fail(MailFault(Stage.RCPT, code=550, times=1))
    await scene.say(person, BOOKS)
    screen = await person.wait_for_message("n’a pas pu être envoyé")
    assert screen.labels[0] == "Réessayer"


async def test_list_unsubscribe_header_stops_the_copies(scene: Scene) -> None:
    await scene.stop_bot()
    await scene.start_bot(public_url="https://odobot.example.com")
    person = await copied(scene)
    letter = await mailed(scene, "990001")
    assert letter.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.fullmatch(
        r"<https://odobot\.example\.com(/unsubscribe/[^>]+)>, <mailto:[^>]+>", letter.headers["List-Unsubscribe"]
    )
    assert found
    assert f"https://odobot.example.com{found[1]}" in letter.text
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(scene.public_url + found[1])).status_code == 200
        await mailed(scene, "990002")  # opened by a mail scanner: nothing is stopped
        answer = await client.post(scene.public_url + found[1], data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    await scene.say(person, "/avis")
    screen = await scene.tap(person, "Copie pour la comptabilité")
    assert BOOKS not in screen.text
    await nothing_more(scene)


async def test_unsubscribing_while_the_database_is_away(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost connection costs nothing; a longer outage has words in both languages and a button."""
    await scene.stop_bot()
    await scene.start_bot(public_url="https://odobot.example.com")
    await copied(scene)
    found = re.search(r"(/unsubscribe/[^>]+)>", (await mailed(scene, "990001")).headers["List-Unsubscribe"])
    assert found
    page, failures = scene.public_url + found[1], iter([ConnectionError(), ConnectionError()])
    open_token = copies.open_stop_token

    async def opened(*arguments: Any) -> Any:
        for failure in failures:
            raise failure
        return await open_token(*arguments)

    monkeypatch.setattr(copies, "open_stop_token", opened)
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        assert (await client.get(page)).status_code == 200
        failures = iter(ConnectionError() for _ in range(10_000))
        monkeypatch.setattr("bot.http.unsubscribe._RETRY_SECONDS", 0.5)
        away = await client.post(page)
        assert (away.status_code, "pour le moment" in away.text, "right now" in away.text) == (503, True, True)
        assert "<button>" in away.text
        failures = iter([])
        assert "plus envoyées" in (await client.post(page)).text


async def test_mail_names_a_contact_without_a_public_url(scene: Scene) -> None:
    await copied(scene)
    letter = await mailed(scene, "990001")
    assert re.fullmatch(r"<mailto:odobot@odotrack\.test\?subject=[^>]+>", letter.headers["List-Unsubscribe"])
    assert "List-Unsubscribe-Post" not in letter.headers


async def test_button_stops_the_copies(scene: Scene) -> None:
    person = await copied(scene)
    await mailed(scene, "990001")
    await scene.say(person, "/avis")
    await scene.tap(person, "Copie pour la comptabilité")
    assert BOOKS not in (await scene.tap(person, "Arrêter les envois")).text
    await nothing_more(scene)


async def nothing_more(scene: Scene) -> None:
    """Issue an invoice and assert that it is not mailed, while another account's is."""
    before = len(scene.mailbox.sent_to(BOOKS))
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990009")
    await copied(scene, "en", address=OTHER)
    await mailed(scene, "990010", OTHER, "a-2004")
    assert len(scene.mailbox.sent_to(BOOKS)) == before


async def test_new_address_replaces_the_first(scene: Scene) -> None:
    person = await copied(scene)
    await give(scene, person, OTHER)
    await mailed(scene, "990001")  # until it is confirmed, the first one stays
    await scene.say(person, await scene.code(OTHER))
    await mailed(scene, "990002", OTHER)
    assert [each.subject for each in scene.mailbox.sent_to(BOOKS) if "990002" in each.subject] == []


async def test_list_shows_no_copy_of_another_chat(scene: Scene) -> None:
    person = await copied(scene)
    await mailed(scene, "990001")
    await until_settled(scene, 1)
    await scene.say(person, "/avis")
    await scene.tap(person, "Copie pour la comptabilité")
    await scene.tap(person, "Arrêter les envois")
    anna = await copied(scene, "en", address=OTHER)
    await scene.say(anna, "/notices")
    screen = await scene.tap(anna, "Bookkeeper’s copy")
    assert "990001" not in screen.text
    assert "Nothing has been sent yet" in screen.text


async def test_unlinking_stops_the_copies(scene: Scene) -> None:
    person = await copied(scene)
    await scene.say(person, "/delier")
    await scene.tap(person, "Oui")
    await nothing_more(scene)


async def test_copy_is_sent_once_after_a_mail_outage(scene: Scene) -> None:
    await copied(scene)
    await scene.mailbox.go_down()
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until_settled(scene, 1, State.RETRY)
    await scene.mailbox.come_back()
    scene.later(minutes=1)
    await scene.mailbox.wait_for(BOOKS, count=2, timeout=PATIENCE)
    await until_settled(scene, 1)
    assert len(scene.mailbox.sent_to(BOOKS)) == 2


async def test_uncertain_mail_is_not_sent_again_unmarked(scene: Scene) -> None:
    """Its marked repetition: ``test_repetitions``."""
    await copied(scene)
    scene.mailbox.fail(MailFault(Stage.STORED, Act.DROP, times=1))
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until_settled(scene, 1, State.UNCERTAIN)
    scene.later(minutes=10)
    await mailed(scene, "990002")
    assert len([each for each in scene.mailbox.sent_to(BOOKS) if "990001" in each.subject]) == 1


async def test_refused_address_is_not_retried_forever(scene: Scene) -> None:
    await copied(scene)
    scene.mailbox.fail(MailFault(Stage.RCPT, code=550, times=1))
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until_settled(scene, 1, State.BLOCKED)


async def test_copy_waits_for_its_pdf(scene: Scene) -> None:
    await copied(scene)
    scene.portal.faults.set(Fault(FaultKind.NOT_READY, path="*/pdf", retry_after=30))
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until_settled(scene, 1, State.RETRY)
    scene.portal.faults.clear()
    scene.later(minutes=1)
    letters = await scene.mailbox.wait_for(BOOKS, count=2, timeout=PATIENCE)
    assert letters[-1].attachments[0].content.startswith(b"%PDF")


async def test_invoice_access_is_checked_before_each_copy(scene: Scene) -> None:
    await copied(scene)
    scene.portal.portal.people.change_contact("c-1002", access={"a-2003": ["orders"]})
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await until_settled(scene, 1, State.CANCELLED)
    assert len(scene.mailbox.sent_to(BOOKS)) == 1
    await until(scene, lambda found: sum(found.values()) == 1)
