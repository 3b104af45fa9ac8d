"""What people type who have never used the bot: small talk, captions, several numbers, words for what buttons do."""

import pytest

from tests.scene import CLIENT, Scene

FLEET = "flotte@example.test"
ASKED_MEANWHILE = {
    "fr": [("combien jdois", "À payer"), ("les 3 dernières factures", "Factures"), ("aide", "/factures")],
    "en": [("how much do I owe", "To pay"), ("last 3 invoices", "Invoices"), ("help", "/invoices")],
}


@pytest.mark.parametrize(
    ("language", "thanks", "home", "about"),
    [
        ("fr", "Avec plaisir", "Que souhaitez-vous consulter", "assistant automatique"),
        ("en", "My pleasure", "What would you like to see", "automatic assistant"),
    ],
)
async def test_small_talk_is_not_searched_for(scene: Scene, language: str, thanks: str, home: str, about: str) -> None:
    person = await scene.linked(language, FLEET)
    scene.portal.log.clear()
    for text in ("merci, bonne journée", "c’est beau merci", "thank you so much!", "thanks, have a nice day"):
        assert thanks in (await scene.say(person, text)).text, text
    for text in ("ça va?", "d’accord", "parfait", "oui svp", "désolé", "hi there", "great", "how are you", "👍", "❤️"):
        assert home in (await scene.say(person, text)).text, text
    for text in ("qui es-tu?", "es-tu un robot", "va chier", "maudit robot", "are you a bot?", "fuck you"):
        assert about in (await scene.say(person, text)).text, text
    assert not [each for each in scene.portal.log.entries if "query=" in each.query or "number=" in each.query]
    stranger = scene.person(language)
    assert about in (await scene.say(stranger, "what is this?")).text
    assert thanks in (await scene.say(stranger, "merci")).text


@pytest.mark.parametrize(
    ("language", "other", "welcome"), [("fr", "English", "Link my account"), ("en", "Français", "Lier mon compte")]
)
async def test_first_screen_offers_the_other_language(scene: Scene, language: str, other: str, welcome: str) -> None:
    person = scene.person(language)
    assert other in (await scene.say(person, "/start")).labels
    assert welcome in (await scene.tap(person, other)).labels


@pytest.mark.parametrize(("language", "words"), [("fr", "ne plus recevoir d’avis"), ("en", "stop receiving notices")])
async def test_stop_without_a_question_names_notices(scene: Scene, language: str, words: str) -> None:
    person = await scene.linked(language, FLEET)
    screen = await scene.say(person, "stop")
    assert words in screen.text
    assert (await scene.tap(person, "Avis" if language == "fr" else "Notices")).labels
    assert words not in (await scene.say(scene.person(language), "stop")).text, "a stranger gets no notices"


@pytest.mark.parametrize(
    ("language", "which", "missing"), [("fr", "Lequel ouvrir", "Introuvable"), ("en", "Which one", "Not found")]
)
async def test_several_numbers_are_all_answered(scene: Scene, language: str, which: str, missing: str) -> None:
    person = await scene.linked(language, FLEET)
    for text in ("240204, 240203", "240204\n240203", "240203 et 240204"):
        screen = await scene.say(person, text)
        assert which in screen.text, text
        assert "240203" in " ".join(screen.labels)
        assert "240204" in " ".join(screen.labels)
    one = await scene.say(person, "240204 et 999999")
    assert f"{missing}" in one.text
    assert "999999" in one.text
    assert "401" in one.text, "the other one opens"


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_file_names_and_grouped_numbers_open(scene: Scene, language: str) -> None:
    person = await scene.linked(language, FLEET)
    for text in ("Facture-240203.pdf", "Invoice-240203.PDF", "240-203", "/240203"):
        assert "240203" in (await scene.say(person, text)).text.split("\n")[0], text


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "déjà dans la conversation"), ("en", "already in the conversation")]
)
async def test_pdf_asked_for_again_in_words_is_answered(scene: Scene, language: str, words: str) -> None:
    person = await scene.linked(language)
    await scene.say(person, "pdf 212380")
    person.say("send me the pdf of 212380" if language == "en" else "envoie-moi le pdf de 212380")
    assert (await person.wait_for_message(words)).reply_to is not None


@pytest.mark.parametrize(("language", "words"), [("fr", "ni lue ni transmise"), ("en", "neither read nor passed on")])
async def test_caption_is_read_and_the_file_is_not(scene: Scene, language: str, words: str) -> None:
    person = await scene.linked(language, FLEET)
    person.send_photo(caption="preuve de paiement de la 240203")
    invoice = await person.wait_for_message("240203")
    assert words in invoice.text
    assert "3" in invoice.text
    person.send_document("Facture.pdf", caption="voilà")
    assert words.replace("lue", "lu").replace("transmise", "transmis") in (await person.wait_for_message()).text
    stranger = scene.person(language)
    stranger.send_photo(caption=CLIENT)
    assert CLIENT in (await stranger.wait_for_message()).text
    stranger.send_photo(caption=f"code {await scene.code()}")
    assert "Odotrack 2016" in " ".join((await stranger.wait_for_message("2")).labels)


@pytest.mark.parametrize(
    ("language", "address", "code"),
    [
        ("fr", "avec laquelle vous vous connectez", "J’attends le code"),
        ("en", "you sign in", "I am waiting for the 6-digit code"),
    ],
)
async def test_voice_while_something_is_awaited(scene: Scene, language: str, address: str, code: str) -> None:
    stranger = scene.person(language)
    await scene.say(stranger, "/link")
    stranger.send_voice()
    assert address in (await stranger.wait_for_message()).text
    await scene.say(stranger, CLIENT)
    stranger.send_voice()
    assert code in (await stranger.wait_for_message()).text


@pytest.mark.parametrize(
    ("language", "menu"),
    [
        ("fr", ("Vos comptes", "Copie pour la comptabilité", "Tout effacer")),
        ("en", ("accounts", "Bookkeeper’s copy", "Erase")),
    ],
)
async def test_words_for_what_buttons_do(scene: Scene, language: str, menu: tuple[str, str, str]) -> None:
    person = await scene.linked(language)
    accounts, copy, erase = menu
    for text in ("changer de compte", "autre compte", "switch account", "other account"):
        assert accounts.lower() in (await scene.say(person, text)).text.lower(), text
    for text in ("copie comptable", "envoyer à mon comptable", "send to my bookkeeper"):
        assert copy in (await scene.say(person, text)).text, text
    for text in ("supprimer mes données", "oublie-moi", "delete my data"):
        assert erase in (await scene.say(person, text)).text, text
    for text in ("annuler ma commande", "cancel my order", "changer ma carte de crédit"):
        assert "Odotrack" in (await scene.say(person, text)).text, text


@pytest.mark.parametrize(("language", "none"), [("fr", "Rien ne correspond"), ("en", "Nothing matches")])
async def test_a_question_beside_no_number_lists(scene: Scene, language: str, none: str) -> None:
    person = await scene.linked(language, FLEET)
    for text in ("envoyez-moi toutes mes factures", "send me all my invoices", "la plus vieille facture"):
        assert "240130" in (await scene.say(person, text)).text, text
    assert "240130" in (await scene.say(person, "/factures impayées")).text
    assert "240203" not in (await scene.say(person, "/factures impayées")).text, "only the unpaid ones"
    nothing = (await scene.say(person, "lolo")).text
    assert none in nothing
    assert "nº" not in nothing.split("\n")[0], "a word is no number"
    assert "IFTA" in (await scene.say(person, "/search IFTA")).text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_request_instead_of_a_search_text(scene: Scene, language: str) -> None:
    person = await scene.linked(language, FLEET)
    search = "Rechercher" if language == "fr" else "Search"
    for text, words in (
        ("combien je dois", "4\u00a0971,64" if language == "fr" else "4,971.64"),
        ("aide", "/fact" if language == "fr" else "/inv"),
    ):
        await scene.say(person, "/invoices")
        await scene.tap(person, search)
        assert words in (await scene.say(person, text)).text, text
        assert "«" not in (await scene.say(person, "240203")).text.split("\n")[0], "no search goes on"


async def test_account_is_chosen_by_a_part_of_its_name(scene: Scene) -> None:
    person = await scene.linked("fr", "quatre@example.test")
    for words, account in (("lévis", "Lévis"), ("Rouyn-Noranda", "Rouyn-Noranda"), ("quebec", "Québec")):
        assert account in (await scene.say(person, words)).text
    assert "De quel compte" in (await scene.say(person, "laflamme")).text, "all four have it"


@pytest.mark.parametrize(
    ("language", "text", "first", "second"),
    [
        ("fr", "j’ai besoin de la facture 240203 pis de savoir combien je dois", "Le numéro 240203", "Solde"),
        ("en", "could you send me invoice 240203 and tell me what we owe?", "The number 240203", "Balance"),
        ("fr", "ma facture d’août pis celle de septembre", "août", "septembre"),
        ("en", "the august invoice and then the september invoice", "August", "September"),
    ],
)
async def test_each_of_two_requests_is_offered(scene: Scene, language: str, text: str, first: str, second: str) -> None:
    person = await scene.linked(language, FLEET)
    labels = " | ".join((await scene.say(person, text)).labels)
    assert first in labels
    assert second in labels


@pytest.mark.parametrize(
    ("language", "text"), [("fr", "factures de plus de 2000$"), ("en", "invoices between 500 and 1600 dollars")]
)
async def test_amounts_that_are_compared_show_the_list(scene: Scene, language: str, text: str) -> None:
    person = await scene.linked(language, FLEET)
    assert {"240130", "240129"} <= set((await scene.say(person, text)).labels)


@pytest.mark.parametrize(
    ("language", "texts", "words", "opens"),
    [
        (
            "fr",
            ["j’ai payé la 240203 hier par chèque", "le montant de la 240203 est pas bon"],
            "l’équipe, oui",
            "Le numéro 240203",
        ),
        ("en", ["i already paid 240203 by cheque", "invoice 240203 is wrong"], "the team can", "The number 240203"),
    ],
)
async def test_what_only_a_person_can_change_leads_to_one(
    scene: Scene, language: str, texts: list[str], words: str, opens: str
) -> None:
    person = await scene.linked(language, FLEET)
    for text in texts:
        screen = await scene.say(person, text)
        assert words in screen.text, text
        assert ("Parler à quelqu’un" if language == "fr" else "Talk to a person") in screen.labels
    assert "240203" in (await scene.tap(person, opens)).text


@pytest.mark.parametrize(("language", "text"), [("fr", "envoie-moi le pdf"), ("en", "send me the pdf")])
async def test_the_pdf_is_that_of_the_invoice_on_the_screen(scene: Scene, language: str, text: str) -> None:
    person = await scene.linked(language, FLEET)
    listed = "Factures" if language == "fr" else "Invoices"
    assert listed in (await scene.say(person, text)).text, "no invoice was opened"
    await scene.say(person, "240203")
    person.say(text)
    assert (await person.wait_for_message("240203.pdf", new=True)).file is not None


@pytest.mark.parametrize(
    ("language", "other", "welcome", "lost", "portal"),
    [
        ("fr", "english please", "continues in English", "j’ai perdu mon mot de passe", "Mot de passe oublié"),
        ("en", "en français svp", "se poursuit en français", "i forgot my password", "Forgot"),
    ],
)
async def test_stranger_is_answered_in_words(
    scene: Scene, language: str, other: str, welcome: str, lost: str, portal: str
) -> None:
    person = scene.person(language)
    assert any(portal in label for label in (await scene.say(person, lost)).labels)
    assert welcome in (await scene.say(person, other)).text


@pytest.mark.parametrize(
    ("language", "text", "unasked", "own"),
    [
        (
            "fr",
            "envoyez une copie à ma comptable julie@books.test",
            "je n’en attendais pas",
            "mon courriel est a@b.test",
        ),
        ("en", "please send everything to julie@books.test", "not expecting one", "my email is a@b.test"),
    ],
)
async def test_address_in_a_request_for_copies_is_taken(
    scene: Scene, language: str, text: str, unasked: str, own: str
) -> None:
    person = await scene.linked(language, FLEET)
    assert "julie@books.test" in (await scene.say(person, text)).text
    assert await scene.mailbox.wait_for("julie@books.test")
    for question, answered in ASKED_MEANWHILE[language]:
        assert answered in (await scene.say(person, question)).text, "the code is awaited for a day"
    assert ("attends le code" if language == "fr" else "waiting for the code") in (await scene.say(person, "xyz")).text
    stranger = await scene.linked(language)
    assert unasked in (await scene.say(stranger, own)).text
    assert unasked in (await scene.say(stranger, "julie@books.test")).text


@pytest.mark.parametrize(
    ("language", "texts", "words"),
    [
        ("fr", ["page suivante", "plus", "la deuxième", "ouvre la première"], "un bouton sous la liste"),
        ("en", ["next page", "more", "the second one", "open the first one"], "a button under the list"),
    ],
)
async def test_words_that_point_at_a_list_lead_to_its_buttons(
    scene: Scene, language: str, texts: list[str], words: str
) -> None:
    person = await scene.linked(language, FLEET)
    for text in texts:
        assert words in (await scene.say(person, text)).text, text
    last = "la dernière" if language == "fr" else "the last one"
    assert words not in (await scene.say(person, last)).text, "the newest document may be meant"
