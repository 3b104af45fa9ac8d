"""Questions in words: what a person asks is answered at once, and nothing is removed without a question."""

import pytest

from storage import chats
from tests.scene import Scene


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("montre-moi les factures impayées svp", "Factures à payer"),
        ("qu'est-ce qui est dû", "Solde · "),
        ("mes factures en retard", "Factures en retard"),
        ("factures annulées", "Factures annulées"),
        ("contrats qui finissent bientôt", "Commandes qui se terminent bientôt"),
        ("abonnements actifs", "Commandes en cours"),
        ("liste des abonnements expirés", "Commandes terminées"),
        ("commandes annulées svp", "Commandes annulées"),
        ("combien je vous dois?", "Solde · "),
        ("mes factures payées", "Factures payées"),
        ("factures de septembre 2026", "Du 1er septembre 2026 au 30 septembre 2026"),
        ("toutes les factures depuis janvier 2026", "Depuis le 1er janvier 2026"),
        ("factures avant mars 2026", "Jusqu’au 28 février 2026"),
        ("pouvez-vous me montrer ma dernière facture", "Facture nº"),
        ("ma dernière commande svp", "Commande nº"),
        ("quand finissent mes contrats", "Commandes qui se terminent bientôt"),
        ("je veux parler à quelqu'un", "Parler à quelqu’un"),
        ("arrêtez de m'envoyer des messages", "Avis"),
        ("switch to english please", "English"),
        ("please unlink my account", "délier"),
        ("c du pour quand", "Solde · "),
        ("es ce que jpeux payer par carte", "Factures à payer"),
        ("ma comptable s'appelle Julie", "Copie pour la comptabilité"),
        ("rappelle moi de payer demain", "Avis"),
        ("pas de messages le soir apres 20h svp", "Heures"),
        ("changer de courriel", "Vos comptes"),
        ("ferme mon compte", "Tout effacer"),
        ("mes infos perso vous faites quoi avec", "onfidentialité"),
        ("jai perdu mon mot de passe", "Portail"),
        ("L'unité 12 transmet pus depuis hier", "Parler à quelqu’un"),
        ("relever de compte", "Relevé · "),
    ],
)
async def test_french_question(scene: Scene, text: str, expected: str) -> None:
    camille = await scene.linked()
    assert expected in (await scene.say(camille, text)).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("show me the unpaid invoices pls", "Invoices to pay"),
        ("what's due", "Balance · "),
        ("overdue invoices", "Overdue invoices"),
        ("cancelled invoices", "Cancelled invoices"),
        ("contracts expiring soon", "Orders that end soon"),
        ("active subscriptions", "Current orders"),
        ("expired subscriptions list", "Ended orders"),
        ("canceled orders thx", "Cancelled orders"),
        ("how much do I owe you guys", "Balance · "),
        ("the invoices we already paid", "Paid invoices"),
        ("invoices from september 2026", "From September 1, 2026 to September 30, 2026"),
        ("all invoices since january 2026", "Since January 1, 2026"),
        ("can you show me my latest invoice", "Invoice no."),
        ("my last order please", "Order no."),
        ("what can you do for me", "Help"),
        ("can I talk to a human", "Talk to a person"),
        ("stop sending me messages", "Notices"),
        ("parlez-moi en français svp", "français"),
        ("unlink my account please", "unlink"),
        ("due dates pls", "Balance · "),
        ("where do i send the cheque", "Talk to a person"),
        ("can you email it to my bookkeeper", "Bookkeeper’s copy"),
        ("turn on reminders", "Notices"),
        ("no texts after 9pm", "Quiet hours"),
        ("change my email", "Account"),
        ("cancel my account", "Erase everything"),
        ("what do you know about me", "data"),
        ("lost my password", "Portal"),
        ("unit 12 is offline since yesterday", "Talk to a person"),
        ("soa", "Statement · "),
    ],
)
async def test_english_question(scene: Scene, text: str, expected: str) -> None:
    anna = await scene.linked("en")
    assert expected.lower() in (await scene.say(anna, text)).text.lower()


@pytest.mark.parametrize(
    ("language", "text"), [("fr", "le pdf de la facture 212380"), ("en", "pdf of invoice 212380 pls")]
)
async def test_pdf_of_a_number(scene: Scene, language: str, text: str) -> None:
    person = await scene.linked(language)
    person.say(text)
    message = await person.wait_for_message(new=True)
    assert message.file is not None
    assert "212380" in message.file.name


async def test_pdf_of_a_number_of_another_account(scene: Scene) -> None:
    person = await scene.linked("fr", "quatre@example.test")
    person.say("pdf de la facture 260020")
    message = await person.wait_for_message(new=True)
    assert message.file is not None
    assert "260020" in message.file.name
    told = await person.wait_for_message("autre de vos comptes")
    assert "Groupe Laflamme – Lévis" in told.text


async def test_pages_keep_their_period(scene: Scene) -> None:
    camille = await scene.linked("fr", "flotte@example.test")
    first = await scene.say(camille, "toutes les factures depuis janvier 2015")
    assert "Depuis le 1er janvier 2015" in first.text
    second = await scene.tap(camille, "›")
    assert "Depuis le 1er janvier 2015" in second.text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_two_readings_are_asked_about(scene: Scene, language: str) -> None:
    person = await scene.linked(language)
    asked = await scene.say(person, "invoices of 03/04/2026" if language == "en" else "pdf 875")
    assert ("looking for" if language == "en" else "cherchez-vous") in asked.text
    assert len(asked.labels) >= 2
    question = asked.text
    assert (await scene.tap(person, asked.labels[0])).text != question


async def test_unlinking_in_words_only_asks(scene: Scene) -> None:
    camille = await scene.linked()
    await scene.say(camille, "déliez mon compte tout de suite")
    async with scene.components.database.read() as session:
        assert (await chats.load(session, camille.user_id)).links


@pytest.mark.parametrize("text", ["c'est quoi la météo", "what a nice day for a walk", "combien font 2 + 2"])
async def test_other_subjects_are_not_understood(scene: Scene, text: str) -> None:
    camille = await scene.linked()
    answer = (await scene.say(camille, text)).text
    assert "compris" in answer or "Rien ne correspond" in answer
    assert "Besoin de parler à quelqu’un" in answer


async def test_stranger_is_asked_to_link(scene: Scene) -> None:
    stranger = scene.person("fr", "P")
    stranger.start()
    await stranger.wait_for_message()
    assert "liée" in (await scene.say(stranger, "montre-moi mes factures impayées")).text
