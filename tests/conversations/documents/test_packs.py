"""Everything at once: /releve, the packs of PDFs, spreadsheets and statements."""

import asyncio
import datetime
import io
import zipfile

import pytest
from pypdf import PdfReader
from sqlalchemy import update
from sqlmodel import select

from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from storage.database import Database
from storage.tables import Pack, PackState
from storage.vault import Vault
from tests.scene import Scene

pytestmark = pytest.mark.timeout(150)

BOREAL = "flotte@example.test"
WAIT_SECONDS = 50.0
MINUTE = datetime.timedelta(minutes=1)


async def states(scene: Scene) -> list[str]:
    """The states of all packs in the database."""
    async with scene.components.database.read() as session:
        return [str(state) for state in await session.exec(select(Pack.state))]


def file_of(message: Message) -> bytes:
    assert message.file is not None
    return message.file.content


async def arrived(person: Person, name: str) -> Message:
    return await person.wait_for_message(name, timeout=WAIT_SECONDS)


WORDS = {
    "fr": ("/releve", "PDF en zip", "Factures-2026.zip", "factures envoyées", "Facture-", "Note-de-credit-"),
    "en": ("/statement", "PDFs in a zip", "Invoices-2026.zip", "invoices sent", "Invoice-", "Credit-note-"),
}


@pytest.mark.parametrize("language", WORDS)
async def test_year_comes_as_a_zip(scene: Scene, language: str) -> None:
    command, button, name, sent, stem, credit = WORDS[language]
    person = await scene.linked(language, BOREAL)
    choice = await scene.say(person, command)
    assert "2026" in choice.text
    person.tap(button)
    pack = await arrived(person, name)
    done = await arrived(person, sent)
    with zipfile.ZipFile(io.BytesIO(file_of(pack))) as archive:
        names = archive.namelist()
        assert {each for each in names if not each.startswith(stem)} == {f"{credit}240204.pdf"}
        assert archive.read(names[0]).startswith(b"%PDF")
        assert archive.testzip() is None
    assert str(len(names)) in done.text


async def test_everything_else_than_pdfs(scene: Scene) -> None:
    """A spreadsheet, CSV, one PDF, and the statement: the caption has the facts of the picture."""
    person = await scene.linked("fr", BOREAL)
    choice = await scene.say(person, "/releve")
    person.tap("Excel", message=choice)
    book = await arrived(person, "Factures-2026.xlsx")
    assert zipfile.is_zipfile(io.BytesIO(file_of(book)))
    await arrived(person, "envoyées")
    choice = await scene.say(person, "/releve")
    person.tap("CSV", message=choice)
    assert file_of(await arrived(person, "Factures-2026.csv")).startswith(b"\xef\xbb\xbfDate;")
    await arrived(person, "envoyées")
    choice = await scene.say(person, "/releve")
    person.tap("Un seul PDF", message=choice)
    merged = PdfReader(io.BytesIO(file_of(await arrived(person, "Factures-2026.pdf"))))
    assert len(merged.pages) >= len(merged.outline) >= 10
    await arrived(person, "envoyées")
    choice = await scene.say(person, "/releve")
    person.tap("Relevé (image", message=choice)
    paper = await arrived(person, "Releve-2026.pdf")
    assert "Relevé de compte" in PdfReader(io.BytesIO(file_of(paper))).pages[0].extract_text()
    await arrived(person, "Le relevé est arrivé")
    pictures = [each for each in person.chat().visible if "photo" in each.media]
    assert len(pictures) == 1
    for fact in ("Facturé", "Payé", "À payer", "en retard"):
        assert fact in pictures[0].text
    person.tap("Version sombre", message=pictures[0])
    dark = await arrived(person, "Releve-2026.png")
    assert file_of(dark) != file_of(pictures[0])


@pytest.mark.parametrize("language", WORDS)
async def test_taps_that_piled_up_make_one_pack(scene: Scene, language: str) -> None:
    command, button, name, sent, *_ = WORDS[language]
    person = await scene.linked(language, BOREAL)
    choice = await scene.say(person, command)
    await scene.stop_bot()
    for _ in range(6):
        person.tap(button, message=choice)
    await scene.start_bot()
    await arrived(person, name)
    await arrived(person, sent)
    await scene.say(person, "/aide")
    await scene.settled()
    files = [message for message in person.chat().visible if message.file and message.from_bot]
    assert [message.file.name for message in files if message.file] == [name]
    assert len(await states(scene)) == 1


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("les PDF de mars à juin 2025", "Factures-2025-03-01-2025-06-30.zip"),
        ("mon relevé 2025", "Releve-2025.pdf"),
        ("relevé 2025 en excel", "Factures-2025.xlsx"),
        ("les pdf des factures impayées", "Factures-a-payer.zip"),
        ("les pdf des factures en retard", "Factures-en-retard.zip"),
    ],
)
async def test_question_in_words_is_packed(scene: Scene, asked: str, name: str) -> None:
    person = await scene.linked("fr", BOREAL)
    person.say(asked)
    await arrived(person, name)


async def test_missing_pdfs_are_named_and_tried_again(scene: Scene) -> None:
    """A 404, a page of HTML and a PDF that is never ready leave the others; the button brings what is missing."""
    person = await scene.linked("en", BOREAL)
    faults = scene.portal.portal.faults
    faults.set(Fault(FaultKind.NOT_FOUND, "*/240130/pdf"))
    faults.set(Fault(FaultKind.PDF_HTML, "*/240129/pdf"))
    faults.set(Fault(FaultKind.NOT_READY, "*/240128/pdf", retry_after=60))
    choice = await scene.say(person, "/statement")
    person.tap("PDFs in a zip", message=choice)
    pack = await arrived(person, "Invoices-2026.zip")
    done = await arrived(person, "3 PDFs are missing")
    assert "not found on the portal: 240130" in done.text
    assert "not readable: 240129" in done.text
    assert "not ready yet: 240128" in done.text
    names = zipfile.ZipFile(io.BytesIO(file_of(pack))).namelist()
    assert not {"Invoice-240128.pdf", "Invoice-240129.pdf", "Invoice-240130.pdf"} & set(names)
    faults.clear()
    person.tap("Try what is missing again", message=done)
    rest = await person.wait_for_message("Invoices-2026.zip", timeout=WAIT_SECONDS)
    assert zipfile.ZipFile(io.BytesIO(file_of(rest))).namelist() == [
        "Invoice-240128.pdf", "Invoice-240129.pdf", "Invoice-240130.pdf",
    ]  # fmt: skip
    await arrived(person, "3 invoices sent")


async def test_pack_is_kept_by_file_id_while_unchanged(scene: Scene) -> None:
    """The second time no PDF is loaded: the portal is only asked whether they are the same; a payment changes them."""
    person = await scene.linked("fr", BOREAL)
    sent = []
    for turn in range(3):
        if turn == 2:
            scene.portal.portal.mark_paid("a-2003", "240130")
        choice = await scene.say(person, "/releve")
        person.tap("PDF en zip", message=choice)
        sent.append(await arrived(person, "Factures-2026.zip"))
        await arrived(person, "envoyées")
    assert sent[0].file is sent[1].file
    assert sent[0].file is not sent[2].file


async def test_cancelled_pack_stops(scene: Scene) -> None:
    """The button works while the portal hangs; a second pack meanwhile is refused, with the same button."""
    person = await scene.linked("fr", BOREAL)
    scene.portal.portal.faults.set(Fault(FaultKind.SLOW, "*/pdf", seconds=3600))
    choice = await scene.say(person, "/releve")
    progress = await scene.tap(person, "PDF en zip")
    assert progress.message_id == choice.message_id, "the message is edited"
    choice = await scene.say(person, "/releve")
    person.tap("CSV", message=choice)
    busy = await arrived(person, "déjà en préparation")  # the first pack's message may be edited in between
    assert len(await states(scene)) == 1, "there is no second pack"
    person.tap("Annuler", message=busy)
    await person.wait_for_message("Annulé")
    scene.portal.portal.faults.clear()
    person.say("/releve")
    person.tap("CSV", message=await person.wait_for_message(label="CSV"))
    await arrived(person, "Factures-2026.csv")
    assert not [each for each in person.chat().visible if each.file and each.file.name.endswith(".zip")]


async def test_restart_resumes_a_pack(scene: Scene) -> None:
    """A stop in between queues the pack again: nobody has to ask twice, and the same message shows the end."""
    person = await scene.linked("fr", BOREAL)
    slow = scene.portal.portal.faults.set(Fault(FaultKind.SLOW, "*/pdf", seconds=3600))
    await scene.say(person, "/releve")
    progress = await scene.tap(person, "PDF en zip")
    await scene.stop_bot()
    scene.portal.portal.faults.clear(slow.fault_id)
    await scene.start_bot()
    await arrived(person, "Factures-2026.zip")
    done = await arrived(person, "envoyées")
    assert done.message_id == progress.message_id


@pytest.mark.parametrize("command", ["/delier", "/oublier"])
async def test_unlinking_stops_a_pack_with_words(scene: Scene, command: str) -> None:
    person = await scene.linked("fr", BOREAL)
    scene.portal.portal.faults.set(Fault(FaultKind.SLOW, "*/pdf", seconds=3600))
    await scene.say(person, "/releve")
    await scene.tap(person, "PDF en zip")
    await scene.say(person, command)
    person.tap(row=0, column=0)
    await person.wait_for_message("Arrêté", timeout=WAIT_SECONDS)
    async with asyncio.timeout(WAIT_SECONDS):
        while await states(scene):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_lost_access_stops_a_pack(scene: Scene) -> None:
    """The portal is asked as the contact before a file is sent: nothing comes after the access ended."""
    person = await scene.linked("fr", BOREAL)
    scene.portal.portal.faults.set(Fault(FaultKind.SLOW, "*/pdf", seconds=2))
    await scene.say(person, "/releve")
    await scene.tap(person, "PDF en zip")
    scene.portal.portal.people.remove_contact("c-1002")
    await person.wait_for_message("Arrêté", timeout=WAIT_SECONDS)
    assert not [each for each in person.chat().visible if each.file]


async def test_portal_away_in_between_is_waited_for(scene: Scene) -> None:
    person = await scene.linked("fr", BOREAL)
    await scene.say(person, "/releve")
    scene.portal.portal.faults.set(Fault(FaultKind.UNAVAILABLE, "*", times=6))
    person.tap("PDF en zip")
    await arrived(person, "Factures-2026.zip")
    await arrived(person, "envoyées")


async def test_link_without_invoices_gets_none(scene: Scene) -> None:
    person = await scene.linked("fr", "commandes@example.test")
    refused = await scene.say(person, "/releve")
    assert not [label for label in refused.labels if "zip" in label]
    refused = await scene.say(person, "mon relevé 2025")
    assert "Factures" not in refused.labels


async def test_months_are_chosen_by_buttons(scene: Scene) -> None:
    person = await scene.linked("fr", BOREAL)
    await scene.say(person, "/releve")
    await scene.tap(person, "Par mois")
    await scene.tap(person, "2025")
    await scene.tap(person, "mars")
    chosen = await scene.tap(person, "juin")
    assert "Du 1er mars 2025 au 30 juin 2025" in chosen.text
    assert "4 factures" in chosen.text


async def test_list_button_selects_its_invoices(scene: Scene) -> None:
    person = await scene.linked("fr", BOREAL)
    await scene.say(person, "/apayer")
    chosen = await scene.tap(person, "tout recevoir")
    assert "Factures à payer" in chosen.text
    person.tap("PDF en zip", message=chosen)
    await arrived(person, "Factures-a-payer.zip")


@pytest.mark.parametrize(
    ("asked", "words", "file"),
    [("mes factures en retard", "Factures en retard", "Factures-en-retard.csv"),
     ("mes notes de crédit", "Notes de crédit", "Factures-notes-de-credit.csv")],
)  # fmt: skip
async def test_filtered_list_is_taken_whole(scene: Scene, asked: str, words: str, file: str) -> None:
    """The file has the rows of the list that its button stood under, and no others."""
    person = await scene.linked("fr", BOREAL)
    listed = (await scene.say(person, asked)).text
    chosen = await scene.tap(person, "tout recevoir")
    assert words in chosen.text
    person.tap("CSV", message=chosen)
    rows = file_of(await arrived(person, file)).decode("utf-8-sig").splitlines()[1:]
    numbers = [row.split(";")[1] for row in rows if row.split(";")[1].isdigit()]
    assert numbers
    assert [number for number in numbers if number not in listed] == []


async def test_nobody_cancels_the_pack_of_another(scene: Scene) -> None:
    camille, other = await scene.linked("fr", BOREAL), await scene.linked("fr")
    scene.portal.portal.faults.set(Fault(FaultKind.SLOW, "*/pdf", seconds=3600))
    await scene.say(camille, "/releve")
    progress = await scene.tap(camille, "PDF en zip")
    data = progress.buttons[0][0].callback_data
    assert data is not None
    await scene.say(other, "/factures")
    other.forge_tap(other.screen(), data)
    assert "déjà terminé" in (await other.wait_for_message()).text
    assert await states(scene) in (["running"], ["queued"])


async def test_pack_of_a_killed_process_goes_on(scene: Scene) -> None:
    """After kill -9 the lease of the dead process is left: released at the start on SQLite, by its end elsewhere."""
    person = await scene.linked("fr", BOREAL)
    slow = scene.portal.portal.faults.set(Fault(FaultKind.SLOW, "*/pdf", seconds=3600))
    await scene.say(person, "/releve")
    progress = await scene.tap(person, "PDF en zip")
    await scene.stop_bot()
    database = Database(scene.database_url, Vault([scene.keys]))
    async with database.write() as session:
        left = {"state": PackState.RUNNING, "lease_owner": "dead", "lease_until": scene.clock.now() + MINUTE}
        assert await session.change(update(Pack).values(**left)) == 1
    await database.close()
    scene.portal.portal.faults.clear(slow.fault_id)
    if not database.is_sqlite:
        scene.later(seconds=61)
    await scene.start_bot()
    await arrived(person, "Factures-2026.zip")
    assert (await arrived(person, "envoyées")).message_id == progress.message_id


async def test_large_pack_comes_in_parts(scene: Scene) -> None:
    """No part reaches Telegram's 50 MB, and each says what is in it."""
    person = await scene.linked("fr", BOREAL)
    scene.portal.portal.faults.set(Fault(FaultKind.PDF_LARGE, "*/pdf", megabytes=9))
    choice = await scene.say(person, "/releve")
    person.tap("PDF en zip", message=choice)
    await arrived(person, "factures envoyées")
    parts = [each for each in person.chat().visible if each.file is not None]
    assert [each.file.name for each in parts if each.file] == [
        f"Factures-2026-{n}.zip" for n in range(1, len(parts) + 1)
    ]
    assert len(parts) >= 3
    assert all(len(file_of(each)) < 50_000_000 for each in parts)
    assert "Partie 2, 5 PDF" in parts[1].text


async def test_pdf_that_cannot_be_merged_is_named(scene: Scene) -> None:
    person = await scene.linked("en", BOREAL)
    scene.portal.portal.faults.set(Fault(FaultKind.PDF_HUGE, "*/240130/pdf", megabytes=1))
    choice = await scene.say(person, "/statement")
    person.tap("One single PDF", message=choice)
    await arrived(person, "Invoices-2026.pdf")
    assert "cannot be merged; take it in a zip: 240130" in (await arrived(person, "1 PDF is missing")).text


async def test_telegram_may_refuse_for_a_while(scene: Scene) -> None:
    person = await scene.linked("fr", BOREAL)
    scene.telegram.world.faults.add("retry_after", method="sendDocument", retry_after=1)
    choice = await scene.say(person, "/releve")
    person.tap("CSV", message=choice)
    await arrived(person, "Factures-2026.csv")
    await arrived(person, "envoyées")


async def test_file_that_may_have_arrived_is_not_sent_twice(scene: Scene) -> None:
    """Only the person knows whether it arrived: the button continues, and sends it again."""
    person = await scene.linked("fr", BOREAL)
    scene.telegram.world.faults.add("close_after", method="sendDocument")
    choice = await scene.say(person, "/releve")
    person.tap("CSV", message=choice)
    stopped = await arrived(person, "n’a pas confirmé")
    person.tap("Continuer", message=stopped)
    await arrived(person, "envoyées")
    assert len([each for each in person.chat().visible if each.file is not None]) == 2
