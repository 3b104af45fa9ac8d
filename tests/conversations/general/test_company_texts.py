"""The company's own words in the chat, in mails and on pages, and a third language."""

from pathlib import Path

import httpx
from structlog.testing import capture_logs

from sandbox.telegram.persons import Person
from storage.tables import State
from tests.conversations.notices.test_notices import PATIENCE, until_settled
from tests.scene import CLIENT, Scene
from tests.texts.test_company_texts import a_whole_language

FRENCH = """
msgid ""
msgstr ""

msgid "home.what"
msgstr "Que voulez-vous voir chez nous?"

msgid "letter.code.subject"
msgstr "{company} : votre clé d’entrée"

msgid "command.invoices"
msgstr "Vos comptes à payer"
"""


async def with_texts(scene: Scene, folder: Path, /, **files: str) -> None:
    """Restart the bot with the company's catalogues."""
    for name, content in files.items():
        (folder / f"{name}.po").write_text(content, "utf-8")
    await scene.stop_bot()
    await scene.start_bot(texts=str(folder))


async def described(scene: Scene, person: Person, text: str) -> bool:
    """Return whether the person's client shows a command with this description within 5 s."""
    found = await scene.telegram.world.log.changed.until(
        lambda: text in [entry["description"] for entry in person.menu()] or None, 5.0
    )
    return found or False


async def test_an_override_is_seen_everywhere(scene: Scene, tmp_path: Path) -> None:
    """In a screen, a mail and the menu; the other messages and the other language are as shipped."""
    await with_texts(scene, tmp_path, fr_CA=FRENCH)
    camille = await scene.linked()
    assert "Que voulez-vous voir chez nous?" in (await scene.say(camille, "/start")).text
    assert scene.mailbox.sent_to(CLIENT)[0].subject == "Odotrack : votre clé d’entrée"
    assert await described(scene, camille, "Vos comptes à payer")
    alex = scene.person("en")
    assert "Welcome" in (await scene.say(alex, "/start")).text
    await scene.stop_bot()
    await scene.start_bot(texts="")
    assert "Que souhaitez-vous consulter?" in (await scene.say(camille, "/start")).text


async def test_a_third_language(scene: Scene, tmp_path: Path) -> None:
    """It is recognised, offered, and used for screens, menu, mails, notices and pages; commands and buttons work."""
    await with_texts(scene, tmp_path, es_MX='msgid ""\nmsgstr ""\n\n' + a_whole_language("es_MX"))
    ana = scene.person("es-419", "Ana")
    welcome = await scene.say(ana, "/start")
    assert welcome.text.startswith("es Welcome")
    assert {"Français", "English"} <= set(welcome.labels)
    assert await described(scene, ana, "es Your invoices and their PDFs")
    assert "factures" in [entry["command"] for entry in ana.menu()]

    await scene.say(ana, "/lier")
    assert (await scene.say(ana, CLIENT)).text.startswith("es Check your email")
    await scene.say(ana, await scene.code())
    await scene.tap(ana, "Client Odotrack")
    await scene.tap(ana, "es Yes, tell me")

    listed = await scene.say(ana, "/invoices")
    assert "es Invoices · Client Odotrack" in listed.text
    assert "es Invoice no.\u00a0212380" in (await scene.tap(ana, "212380")).text
    assert "es Orders" in (await scene.say(ana, "/commandes")).text
    assert "es " in (await scene.say(ana, "mes factures impayées")).text, "a question in French"
    assert "es " in (await scene.say(ana, "how much do I owe")).text, "a question in English"
    number = scene.portal.portal.issue_invoice("a-2001", amount="40.19")
    notice = await ana.wait_for_message(number, new=True, timeout=PATIENCE)
    assert notice.text.startswith("es New invoice")
    await until_settled(scene, 1, State.SENT)
    assert {request.query for request in scene.portal.log.entries if "language=es" in request.query} == set()

    assert "Español" in " ".join((await scene.say(ana, "changer de langue")).labels), "which of two others is asked"
    choice = await scene.say(ana, "/langue")
    assert choice.labels[:3] == ["Français", "English", "✓ Español"]
    assert "Continuons" not in (await scene.tap(ana, "Français")).text
    assert "Langue" in (await scene.say(ana, "/langue")).text
    await scene.tap(ana, "Español")

    async with httpx.AsyncClient() as client:
        page = (await client.get(f"{scene.public_url}/privacy")).text
    assert 'lang="fr-CA"' in page
    assert 'lang="es-MX"' in page

    await scene.stop_bot()
    await scene.start_bot(texts="")
    assert (await scene.say(ana, "/start")).text.startswith("Client Odotrack"), "a language that is gone stops nothing"
    assert "Langue" in (await scene.say(ana, "/langue")).text


async def test_the_start_says_what_a_language_lacks(scene: Scene, tmp_path: Path) -> None:
    """One line of the log names the messages; the bot starts, and shows them in the default language."""
    with capture_logs() as logs:
        await with_texts(scene, tmp_path, es_MX='msgid "language.name"\nmsgstr "Español"\n')
    (line,) = [each for each in logs if each["event"] == "odobot.texts_incomplete"]
    assert line["log_level"] == "warning"
    assert line["reason"].startswith("es_MX.po lacks ")
    assert "home.what" in line["reason"]
    assert (await scene.say(scene.person("es"), "/start")).text.startswith("Bienvenue")
