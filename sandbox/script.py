"""Plays the main conversation with two people and the real bot: one in French, one in English."""

import re
from collections.abc import Callable
from pathlib import Path

from sandbox.stage import Stage
from sandbox.telegram.model.chats import Message
from sandbox.telegram.persons.person import Person
from sandbox.transcript import Transcript

WAIT_SECONDS = 20.0


class Player:
    """A person who types, taps and reads. Each step goes to the transcript."""

    def __init__(self, stage: Stage, person: Person, transcript: Transcript) -> None:
        self._stage = stage
        self._person = person
        self._transcript = transcript
        self._name = person.first_name

    async def say(self, text: str) -> Message:
        """Send a text and return the answer."""
        self._transcript.person(self._name, text)
        self._person.say(text)
        return await self._read()

    async def ask(self, text: str, *, file: str) -> Message:
        """Send a text and wait for a file."""
        self._transcript.person(self._name, text)
        self._person.say(text)
        return await self._read(file)

    async def tap(self, label: str, *, file: str = "") -> Message:
        """Tap a button whose label contains `label`, and return the answer. With ``file``, wait for that document."""
        screen = self._person.screen()
        shown = next((each for each in screen.labels if label in each), label)
        self._transcript.tap(self._name, shown)
        self._person.tap(label, message=screen)
        return await self._read(file)

    async def link(self, email: str) -> Message:
        """Send an email address, read the mail, and send its code. Returns the answer."""
        await self.say(email)
        letter = (await self._stage.mailbox.wait_for(email, timeout=WAIT_SECONDS))[-1]
        self._transcript.mail(email, letter.subject, letter.text)
        found = re.search(r"^\d{6}$", letter.text, re.MULTILINE)
        if found is None:
            raise AssertionError("the mail holds no code")
        return await self.say(found.group())

    async def hear(self, words: str, *, new: bool = True) -> Message:
        """Wait for a message that the bot sends on its own, such as a notice; with ``new`` off also for an edit."""
        message = await self._person.wait_for_message(words, new=new, timeout=WAIT_SECONDS)
        self._transcript.bot(message)
        return message

    async def _read(self, containing: str = "") -> Message:
        message = await self._person.wait_for_message(containing, timeout=WAIT_SECONDS)
        self._transcript.bot(message)
        return message


async def play(stage: Stage, write: Callable[[str], object] = print) -> list[Path]:
    """Play the conversation.

    Returns:
        The received PDFs, saved in the stage's folder.

    Raises:
        TimeoutError: The bot did not answer in time.
    """
    transcript = Transcript(write)
    world = stage.telegram.world

    transcript.scene("En français : Camille, client@example.test")
    camille = Player(stage, world.create_person(first_name="Camille", language_code="fr"), transcript)
    await camille.say("/start")
    await camille.tap("Lier mon compte")
    await camille.link("client@example.test")
    await camille.tap("Client Odotrack")
    await camille.tap("Oui")
    await camille.say("/commandes")
    await camille.tap("26387")
    await camille.tap("Facture (1)")
    await camille.tap("212380")
    french = await camille.tap("PDF", file="Facture-212380.pdf")
    transcript.happening("Le portail émet une facture.")
    number = stage.portal.portal.issue_invoice("a-2001", amount="293.08", order_number="26387")
    await camille.hear(number)
    await camille.say("montre-moi mes factures impayées svp")
    await camille.say("combien je dois?")
    await camille.say("/start")
    await camille.say("/releve")
    await camille.tap("PDF en zip", file=".zip")
    await camille.hear("envoyée", new=False)
    await camille.say("/langue")
    await camille.tap("English")

    transcript.scene("In English: Anna, anna@example.test")
    anna = Player(stage, world.create_person(first_name="Anna", language_code="en"), transcript)
    await anna.say("/start")
    await anna.tap("Link my account")
    await anna.link("anna@example.test")
    await anna.tap("No")
    orders = await anna.say("/orders")
    await anna.tap(orders.labels[0])
    await anna.tap("nvoice")
    invoices = await anna.say("/invoices")
    number = invoices.labels[0]
    await anna.tap(number)
    english = await anna.tap("PDF", file=f"{number}.pdf")  # an invoice or a credit note
    await anna.say("what did we pay since january 2020?")
    statement = await anna.ask("my statement for the last 12 months", file=".png")
    await anna.hear("statement has arrived", new=False)
    await anna.say("/help")
    return [_saved(stage, document) for document in (french, statement, english)]


def _saved(stage: Stage, document: Message) -> Path:
    if document.file is None:
        raise AssertionError("no document came")
    path = stage.folder / document.file.name
    path.write_bytes(document.file.content)
    return path
