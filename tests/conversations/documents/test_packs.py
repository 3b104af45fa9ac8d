"""Everything at once: /releve, the packs of PDFs, spreadsheets and statements."""

import io
import zipfile

import pytest

from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from tests.scene import Scene

BOREAL = "flotte@example.test"
WAIT_SECONDS = 30.0


def file_of(message: Message) -> bytes:
    assert message.file is not None
    return message.file.content


async def arrived(person: Person, name: str) -> Message:
    return await person.wait_for_message(name, timeout=WAIT_SECONDS)


WORDS = {
    "fr": ("/releve", "PDF en zip", "Factures-2026.zip", "factures, envoyées", "Facture-"),
    "en": ("/statement", "PDFs in a zip", "Invoices-2026.zip", "invoices, sent", "Invoice-"),
}


@pytest.mark.parametrize("language", WORDS)
async def test_year_comes_as_a_zip(scene: Scene, language: str) -> None:
    command, button, name, sent, stem = WORDS[language]
    person = await scene.linked(language, BOREAL)
    choice = await scene.say(person, command)
    assert "2026" in choice.text
    person.tap(button)
    pack = await arrived(person, name)
    done = await arrived(person, sent)
    with zipfile.ZipFile(io.BytesIO(file_of(pack))) as archive:
        names = archive.namelist()
        assert all(each.startswith(stem) for each in names)
        assert archive.read(names[0]).startswith(b"%PDF")
        assert archive.testzip() is None
    assert str(len(names)) in done.text
