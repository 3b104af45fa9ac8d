"""The PDF: sent as a document, by ``file_id`` if Telegram has it, and with an explanation if it cannot be sent."""

from io import BytesIO

import pytest
from pypdf import PdfReader

from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from tests.scene import Scene

BOREAL = "flotte@example.test"
PDF_PATH = "*/pdf"
NAMES = {"fr": "Facture-212380.pdf", "en": "Invoice-212380.pdf"}
RETRY = {"fr": "Réessayer", "en": "Try again"}


def sent(scene: Scene) -> list[bool]:
    """Return, for each document that Telegram accepted, whether it was uploaded or named by its ``file_id``."""
    return [bool(call.files) for call in scene.telegram.world.log.find(method="sendDocument") if call.status == 200]


def documents(person: Person) -> list[Message]:
    return [message for message in person.chat().visible if message.file and message.from_bot]


async def pdf(person: Person, name: str = "") -> Message:
    """Tap the PDF button on the newest screen that has one."""
    person.tap("PDF")
    return await person.wait_for_message(name or ".pdf", new=True)


async def pdf_again(scene: Scene, person: Person, name: str = "") -> Message:
    """Tap the PDF button a minute later, and then the button that sends the PDF a second time."""
    scene.later(minutes=1)
    await scene.tap(person, "PDF")
    person.tap(row=0)
    return await person.wait_for_message(name or ".pdf", new=True)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_second_request_reuses_the_file_id(scene: Scene, language: str) -> None:
    camille = await scene.linked(language)
    await scene.say(camille, "212380")
    first = await pdf(camille, NAMES[language])
    second = await pdf_again(scene, camille, NAMES[language])
    assert sent(scene) == [True, False]
    assert first.file
    assert second.file
    assert first.file.content == second.file.content
    assert "212380" in PdfReader(BytesIO(first.file.content)).pages[0].extract_text()
    assert camille.screen() is second, "the screen stays where it is, the document comes below"


async def test_another_chat_of_the_account_reuses_the_file_id(scene: Scene) -> None:
    scene.portal.portal.people.add_contact(
        "c-9001", "autre@example.test", "Autre", access={"a-2001": ("orders", "invoices")}
    )
    for email in ("client@example.test", "autre@example.test"):
        person = await scene.linked("fr", email)
        await scene.say(person, "212380")
        await pdf(person, NAMES["fr"])
    assert sent(scene) == [True, False]


async def test_upload_action_is_shown_while_sending(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "212380")
    scene.portal.faults.set(Fault(FaultKind.SLOW, PDF_PATH, seconds=0.3))
    tap = camille.tap("PDF")
    assert await camille.wait_for_action() == "upload_document"
    await camille.wait_for_message(NAMES["fr"])
    kinds = [change.kind for change in camille.chat().since(tap.seq)]
    assert kinds.index("action") < kinds.index("message")
    assert kinds.index("answer") < kinds.index("message")


async def test_failed_chat_action_does_not_prevent_sending(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "212380")
    scene.telegram.world.faults.add("error", method="sendChatAction", status=500, count=None)
    await pdf(camille, NAMES["fr"])


async def test_changed_pdf_is_uploaded_again(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    await scene.say(camille, "240130")
    before = await pdf(camille, "Facture-240130.pdf")
    scene.portal.portal.mark_paid("a-2003", "240130")
    after = await pdf(camille, "Facture-240130.pdf")
    await pdf_again(scene, camille, "Facture-240130.pdf")
    assert sent(scene) == [True, True, False]
    assert before.file
    assert after.file
    assert before.file.content != after.file.content


async def test_each_language_has_its_own_file_id(scene: Scene) -> None:
    camille = await scene.linked("fr")
    for number, (choice, name) in enumerate((("Français", NAMES["fr"]), ("English", NAMES["en"])) * 2):
        await scene.say(camille, "/langue")
        await scene.tap(camille, choice)
        await scene.say(camille, "212380")
        await (pdf(camille, name) if number < 2 else pdf_again(scene, camille, name))
    assert sent(scene) == [True, True, False, False]


async def test_same_number_in_two_accounts_is_two_documents(scene: Scene) -> None:
    scene.portal.portal.issue_invoice("a-2002", amount="7.77", number="212380")
    camille = await scene.linked()
    await scene.say(camille, "212380")
    first = await pdf(camille)
    await scene.say(camille, "/compte")
    await scene.tap(camille, "Client Odotrack 2016")
    await scene.say(camille, "212380")
    second = await pdf(camille)
    assert sent(scene) == [True, True]
    assert first.file
    assert second.file
    assert first.file.content != second.file.content


async def test_pdf_is_uploaded_again_when_the_file_id_expired(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "212380")
    await pdf(camille)
    scene.telegram.world.faults.add(
        "error", method="sendDocument", status=400, description="Bad Request: wrong file identifier/HTTP URL specified"
    )
    await pdf_again(scene, camille)
    await pdf_again(scene, camille)
    assert sent(scene) == [True, True, False]


@pytest.mark.parametrize(("language", "declared"), [("fr", True), ("en", False)])
async def test_pdf_over_50_mb_links_to_the_portal(scene: Scene, language: str, declared: bool) -> None:
    scene.portal.faults.set(Fault(FaultKind.PDF_HUGE, PDF_PATH, declared_length=declared))
    camille = await scene.linked(language)
    await scene.say(camille, "212380")
    screen = await scene.tap(camille, "PDF")
    assert "Telegram" in screen.text
    assert [button.url for row in screen.buttons for button in row if button.url and "212380" in button.url]
    assert scene.telegram.world.log.find(method="sendDocument") == []
    invoice = await scene.tap(camille, "212380")
    assert any("PDF" in label for label in invoice.labels)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_pdf_over_50_mb_without_portal_link_is_explained(scene: Scene, language: str) -> None:
    """It is a credit note, and called one."""
    scene.portal.faults.set(Fault(FaultKind.PDF_HUGE, PDF_PATH))
    camille = await scene.linked(language, BOREAL)
    await scene.say(camille, "240204")
    screen = await scene.tap(camille, "PDF")
    assert ("/portail" if language == "fr" else "/portal") in screen.text
    assert screen.text.startswith("Note de crédit" if language == "fr" else "Credit note")
    name = "Note de crédit 240204" if language == "fr" else "Credit note 240204"
    assert name in screen.labels
    assert name.split(" 2")[0] in (await scene.tap(camille, name)).text


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("way", ["button", "words", "newest"])
async def test_pdf_of_a_credit_note_is_named_so(scene: Scene, language: str, way: str) -> None:
    camille = await scene.linked(language, BOREAL)
    number = "240204"
    if way == "button":
        await scene.say(camille, number)
        camille.tap("PDF")
    elif way == "words":
        camille.say(f"pdf {number}")
    else:
        number = "990001"
        scene.portal.portal.issue_invoice("a-2003", amount="-40.19", number=number)
        camille.say("pdf de ma dernière facture" if language == "fr" else "pdf of my last invoice")
    document = await camille.wait_for_message(".pdf", new=True)
    assert document.file
    assert document.file.name == f"{'Note-de-credit' if language == 'fr' else 'Credit-note'}-{number}.pdf"


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_button_after_the_pdf_of_a_credit_note(scene: Scene, language: str) -> None:
    """The PDF comes at the second attempt, and the portal cannot be read for the screen below it."""
    camille = await scene.linked(language, BOREAL)
    await scene.say(camille, "240204")
    scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, PDF_PATH, times=1))
    await scene.tap(camille, "PDF")
    scene.portal.faults.set(Fault(FaultKind.TOO_MANY, "*/invoices/240204", times=1))
    camille.tap(RETRY[language])
    await camille.wait_for_message(label="Note de crédit 240204" if language == "fr" else "Credit note 240204")


PORTAL_FAULTS = [
    (FaultKind.NOT_READY, "préparation", "being prepared"),
    (FaultKind.PDF_EMPTY, "illisible", "cannot be read"),
    (FaultKind.PDF_CORRUPT, "illisible", "cannot be read"),
    (FaultKind.PDF_TRUNCATED, "illisible", "cannot be read"),
    (FaultKind.PDF_HTML, "illisible", "cannot be read"),
    (FaultKind.CUT, "ne répond pas", "not answering"),
    (FaultKind.DROP, "ne répond pas", "not answering"),
    (FaultKind.UNAVAILABLE, "ne répond pas", "not answering"),
    (FaultKind.TOO_MANY, "ne répond pas", "not answering"),
]


@pytest.mark.parametrize(("kind", "french", "english"), PORTAL_FAULTS, ids=[kind for kind, *_ in PORTAL_FAULTS])
async def test_missing_pdf_is_explained_and_can_be_retried(
    scene: Scene, kind: FaultKind, french: str, english: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.telegram.documents.READY_SECONDS", 0.5)
    language, words = ("fr", french) if kind not in (FaultKind.NOT_READY, FaultKind.PDF_HTML) else ("en", english)
    camille = await scene.linked(language)
    await scene.say(camille, "212380")
    scene.portal.faults.set(Fault(kind, PDF_PATH))
    trouble = await scene.tap(camille, "PDF")
    assert words in trouble.text
    assert trouble.labels[0] == RETRY[language]
    assert documents(camille) == []

    # A retry with the same failure changes nothing: no second message, no error.
    again = camille.tap(row=0)
    await camille.wait_for_answer(again)
    scene.portal.faults.clear()
    camille.tap(row=0, message=trouble)
    await camille.wait_for_message(NAMES[language], new=True)
    restored = await camille.wait_for_message(label="PDF")
    assert restored is trouble, "the failure's screen becomes the invoice again"
    assert "212380" in restored.text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_pdf_with_bytes_around_is_delivered(scene: Scene, language: str) -> None:
    """A warning before ``%PDF`` and text after ``%%EOF``."""
    scene.portal.faults.set(Fault(FaultKind.PDF_BYTES_AROUND, PDF_PATH))
    camille = await scene.linked(language)
    await scene.say(camille, "212380")
    document = await pdf(camille, NAMES[language])
    assert document.file
    assert "212380" in PdfReader(BytesIO(document.file.content)).pages[0].extract_text()


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_pdf_that_is_being_made_arrives_by_itself(scene: Scene, language: str) -> None:
    """409 with Retry-After, twice: the chat shows that a document is coming, and it comes without another tap."""
    scene.portal.faults.set(Fault(FaultKind.NOT_READY, PDF_PATH, times=2, retry_after=1))
    camille = await scene.linked(language)
    await scene.say(camille, "212380")
    await pdf(camille, NAMES[language])
    assert scene.telegram.world.log.find(method="sendChatAction")


@pytest.mark.parametrize(("language", "words"), [("fr", "prépare le PDF"), ("en", "is preparing the PDF")])
async def test_slow_pdf_is_delivered_with_progress(scene: Scene, language: str, words: str) -> None:
    """It takes longer than a list may: the chat action is repeated, and one line says what is happening until then."""
    scene.portal.faults.set(Fault(FaultKind.SLOW, PDF_PATH, seconds=11))
    camille = await scene.linked(language)
    await scene.say(camille, "212380")
    before = len(camille.chat().visible)
    camille.tap("PDF")
    line = await camille.wait_for_message(words, new=True, timeout=40)
    await camille.wait_for_message(NAMES[language], new=True, timeout=40)
    await camille.wait_for_delete(line, timeout=40)
    assert len(camille.chat().visible) == before + 1, "the file, and nothing beside it"
    assert len(scene.telegram.world.log.find(method="sendChatAction")) >= 3


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "retry_after", "retry_after": 1},
        {"kind": "error", "status": 500, "description": "Internal Server Error"},
    ],
    ids=["429", "500"],
)
async def test_upload_that_was_not_done_is_repeated(scene: Scene, fault: dict[str, object]) -> None:
    """A document that Telegram refuses twice is sent once, a moment later."""
    camille = await scene.linked()
    await scene.say(camille, "212380")
    scene.telegram.world.faults.add(method="sendDocument", count=2, **fault)
    camille.tap("PDF")
    document = await camille.wait_for_message(NAMES["fr"], new=True, timeout=20)
    assert document.file
    assert "212380" in PdfReader(BytesIO(document.file.content)).pages[0].extract_text()
    await scene.say(camille, "/aide")
    assert len(documents(camille)) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "retry_after", "retry_after": 3600},
        {"kind": "error", "status": 500, "description": "Internal Server Error"},
        {"kind": "gateway", "status": 502},
        {"kind": "close_before"},
        {"kind": "hang_before"},
    ],
    ids=["429 for an hour", "500", "502", "closed", "silent"],
)
async def test_refused_upload_is_explained_and_can_be_retried(
    scene: Scene, fault: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.telegram.documents.UPLOAD_SECONDS", 0.5)
    monkeypatch.setattr("handlers.telegram.reply.ANSWER_SECONDS", 0.5)
    camille = await scene.linked()
    invoice = await scene.say(camille, "212380")
    scene.telegram.world.faults.add(method="sendDocument", count=None, **fault)
    camille.tap("PDF")
    trouble = await camille.wait_for_message(label="Réessayer")
    assert trouble is invoice
    assert trouble.labels[0] == "Réessayer"
    assert trouble.text

    scene.telegram.world.faults.clear()
    camille.tap("Réessayer")
    await camille.wait_for_message(NAMES["fr"], new=True)
    restored = await camille.wait_for_message(label="PDF")
    assert restored is invoice
    assert len(documents(camille)) == 1


@pytest.mark.parametrize("kind", ["hang_after", "close_after", "reset_after"])
async def test_uncertain_document_is_not_sent_again(scene: Scene, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.telegram.documents.UPLOAD_SECONDS", 0.5)
    camille = await scene.linked()
    await scene.say(camille, "212380")
    scene.telegram.world.faults.add(kind, method="sendDocument")
    camille.tap("PDF")
    trouble = await camille.wait_for_message(label="Réessayer")
    assert "Telegram" in trouble.text
    assert len(documents(camille)) == 1


async def test_portal_failure_after_sending_does_not_resend(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "212380")
    scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, PDF_PATH, times=1))
    await scene.tap(camille, "PDF")
    scene.portal.faults.set(Fault(FaultKind.TOO_MANY, "*/invoices/212380", times=1))
    camille.tap("Réessayer")
    await camille.wait_for_message(NAMES["fr"], new=True)
    await camille.wait_for_message(label="212380")
    camille.tap("212380")
    await camille.wait_for_message(label="PDF")
    assert len(documents(camille)) == 1, "what is missing is the screen, not the document"


async def test_removed_invoice_is_explained(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "212380")
    scene.portal.portal.people.close_account("a-2001")
    screen = await scene.tap(camille, "PDF")
    assert documents(camille) == []
    assert screen.labels


async def test_number_that_is_no_file_name_is_sent(scene: Scene) -> None:
    tom = await scene.linked("en", "html@example.test")
    await scene.say(tom, "/invoices")
    await scene.tap(tom, "F/1&2 <3>")
    document = await pdf(tom)
    assert document.file
    assert document.file.name == "Invoice-F-1-2-3.pdf"
    assert sent(scene) == [True]
