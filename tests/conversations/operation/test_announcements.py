"""An announcement of the company, from its file to the chats that subscribed to its news."""

from pathlib import Path

import pytest

from sandbox.telegram.persons import Person
from storage import announcements
from storage.tables import State
from tests.bot.commands import facts_of
from tests.bot.test_cli import Shell, shell
from tests.conversations.notices.test_notices import PATIENCE, quiet, until_nothing_is_due, until_settled
from tests.scene import Scene

__all__ = ["shell"]
FILE = """\
# fr: Fermé le 24 juin

Nos bureaux sont fermés <24 h>.

- Urgences\u00a0: 418 555-0100

[Nos heures](https://portail.exemple.ca/heures)

# en: Closed on June 24

Our offices are closed.
"""


@pytest.fixture
def operator(scene: Scene, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The operator's shell, by the scene's clock."""
    shell.settings = scene.process_settings
    monkeypatch.setattr("bot.commands.announce_facts.utc_now", scene.clock.now)
    return shell


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of an announcement."""
    path = tmp_path / "fermeture.md"
    path.write_text(FILE, encoding="utf-8")
    return path


async def subscribed(scene: Scene, language: str = "fr", first_name: str = "Camille") -> Person:
    person = await scene.linked(language, first_name=first_name)
    await scene.say(person, "/avis" if language == "fr" else "/notices")
    await scene.tap(person, "Client Odotrack")
    await scene.tap(person, "Nouvelles de l’entreprise" if language == "fr" else "News from the company")
    return person


async def test_announcement_reaches_who_subscribed(scene: Scene, operator: Shell, file: Path) -> None:
    """In each one's language, with a button to end it; whoever did not ask for news gets nothing."""
    camille = await subscribed(scene)
    scene.later(minutes=2)
    ann = await subscribed(scene, "en", "Ann")
    scene.later(minutes=2)
    other = await scene.linked(first_name="Paule", notices=True)
    before = len(other.chat().visible)
    shown = await operator.run("announce", "send", str(file))
    assert shown.code == 0
    assert "Fermé le 24 juin" in shown.out
    assert "2 chats would get it; --yes sends it" in shown.out
    assert facts_of(await operator.run("announce", "list", "--json"))["announcements"] == []

    sent = facts_of(await operator.run("announce", "send", str(file), "--yes", "--json"))

    assert sent == {"sent": True, "announcement": 1, "chats": 2}
    message = await camille.wait_for_message("Fermé le 24 juin", timeout=PATIENCE)
    assert message.text == ("Fermé le 24 juin\n\nNos bureaux sont fermés <24 h>.\n\n• Urgences\u00a0: 418 555-0100")
    assert message.buttons[0][0].url == "https://portail.exemple.ca/heures"
    english = await ann.wait_for_message("Closed on June 24", timeout=PATIENCE)
    assert english.labels == ["Stop these notices"]
    await until_settled(scene, 2, State.SENT)
    assert len(other.chat().visible) == before
    (listed,) = facts_of(await operator.run("announce", "list", "--json"))["announcements"]
    assert (listed["states"], listed["is_queued_to_all"]) == ({"sent": 2}, True)

    stopped = await scene.tap(camille, "Ne plus recevoir ces avis")
    assert "Nouvelles de l’entreprise" in stopped.text
    again = facts_of(await operator.run("announce", "send", str(file), "--yes", "--json"))
    assert again["chats"] == 1


async def test_cancelled_announcement_is_not_sent(scene: Scene, operator: Shell, file: Path) -> None:
    """It waits for the end of quiet hours; a cancelled one cannot be resumed."""
    camille = await subscribed(scene)
    await quiet(scene, camille)
    scene.later(hours=8)
    await operator.run("announce", "send", str(file), "--yes")
    await until_nothing_is_due(scene, 1)
    assert facts_of(await operator.run("announce", "cancel", "1", "--json")) == {"announcement": 1, "cancelled": 1}
    scene.later(hours=12)
    await scene.settled()
    assert not [message for message in camille.chat().visible if "24 juin" in message.text]
    resumed = await operator.run("announce", "resume", "1")
    assert (resumed.code, resumed.err) == (1, "announcement 1 was cancelled; send its file again as a new one\n")
    assert (await operator.run("announce", "cancel", "7")).code == 1


async def test_interrupted_command_goes_on(scene: Scene, operator: Shell) -> None:
    """The text was stored, and the command ended before it queued anybody."""
    camille = await subscribed(scene)
    texts = {"fr": {"title": "Bonne année", "paragraphs": ["À bientôt."], "buttons": []}}
    async with scene.components.database.write() as session:
        number = await announcements.create(session, texts, scene.clock.now())
    for chats in (1, 0):
        assert facts_of(await operator.run("announce", "resume", str(number), "--json"))["chats"] == chats
    await camille.wait_for_message("Bonne année", timeout=PATIENCE)


@pytest.mark.parametrize(
    ("content", "code", "error"),
    [
        (b"# fr: A\n\nb\n", 1, "there is no part for en"),
        (b"\xff\xfe", 2, "it is not UTF-8"),
        (b"x" * 100_001, 2, "it has more than 100000 bytes"),
        (None, 2, "No such file or directory"),
    ],
)
async def test_file_that_cannot_be_sent(
    scene: Scene, operator: Shell, tmp_path: Path, content: bytes | None, code: int, error: str
) -> None:
    path = tmp_path / "texte.md"
    if content is not None:
        path.write_bytes(content)
    result = await operator.run("announce", "send", str(path), "--yes")
    assert (result.code, result.err.count("\n")) == (code, 1)
    assert error in result.err
    assert str(path) in result.err


async def test_news_that_are_off_are_not_sent(scene: Scene, operator: Shell, file: Path) -> None:
    operator.settings["features"] = "-news"
    result = await operator.run("announce", "send", str(file), "--yes")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "news is switched off" in result.err
