"""Typed texts as people write them: numbers of any shape, commands, questions left, repeated taps and edits."""

import pytest

from sandbox.telegram.model.forums import delete_topic
from tests.scene import CLIENT, Scene

SERIES = "series@example.test"


@pytest.mark.parametrize(
    ("language", "invoice", "order"), [("fr", "Facture nº", "Commande nº"), ("en", "Invoice no.", "Order no.")]
)
async def test_numbers_of_any_series_open(scene: Scene, language: str, invoice: str, order: str) -> None:
    person = await scene.linked(language, SERIES)
    for text, number in (
        ("ACC-SINV-2026-00012", "ACC-SINV-2026-00012"), ("acc-sinv-2026-00012.", "ACC-SINV-2026-00012"),
        ("QWERT", "QWERT"), ("facture qwert svp", "QWERT"), ("INV\u20112026\u20117", "INV-2026-7"),
        ("« F 2026 0042 »", "F 2026 0042"), ("2026/08/0001", "2026/08/0001"), ("2026.09.0001", "2026.09.0001"),
        ("INV 2026 7", "INV-2026-7"), ("n°77", "N°77"), ("facture N°77 svp", "N°77"), ("№ 5-А", "№ 5-А"),
        ("été-1", "Été-1"), ("7", "7"), ("2026-10-15", "2026-10-15"), ("2026/10", "2026/10"),
        ("2026/10/12", "2026/10/12"),
        ("invoice #000123 please", "000123"), ("inv-9001", "inv-9001"), ("INV-9001", "INV-9001"), ("A_B_1", "A_B_1"),
    ):  # fmt: skip
        assert (await scene.say(person, text)).text.startswith(f"{invoice}\u00a0{number}\n"), text
    for text, number in (
        ("TOKYO-A7XK9-1", "TOKYO-A7XK9-1"),
        ("tokyo a7xk9 1", "TOKYO-A7XK9-1"),
        ("SO/2026/0007", "SO/2026/0007"),
        ("CMD 8", "CMD 8"),
        ("cmd 8?", "CMD 8"),
        ("PO#12", "PO#12"),
    ):
        assert (await scene.say(person, text)).text.startswith(f"{order}\u00a0{number}\n"), text


@pytest.mark.parametrize(
    ("language", "several", "none"),
    [("fr", "1 à 2 de 2", "Rien ne correspond"), ("en", "1 to 2 of 2", "Nothing matches")],
)
async def test_search_decides_on_other_texts(scene: Scene, language: str, several: str, none: str) -> None:
    person = await scene.linked(language, SERIES)
    both = await scene.say(person, "Inv-9001")
    assert both.labels[:2] == ["inv-9001", "INV-9001"], "two differ by case only: a list"
    assert several in both.text
    assert "SINV-2026-00012" in (await scene.say(person, "00012")).text, "one hit opens"
    nothing = await scene.say(person, "zzz-404")
    assert none in nothing.text
    assert len(nothing.labels) == 5, "both lists, a search in each, and a person"


async def test_long_text_is_not_sent_to_the_portal(scene: Scene) -> None:
    person = await scene.linked("fr", SERIES)
    scene.portal.log.clear()
    for text in ("pourquoi est-ce que personne ne répond jamais au téléphone ici", "x" * 4096, "mot " * 1000):
        await scene.say(person, text)
    assert scene.portal.log.total == 0


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "Trouvé dans un autre de vos comptes"), ("en", "Found in another of your accounts")]
)
async def test_number_of_another_own_account_opens(scene: Scene, language: str, words: str) -> None:
    camille = await scene.linked(language)
    opened = await scene.say(camille, "30677")
    assert words in opened.text
    assert "Client Odotrack 2016" in opened.text
    assert "40" in opened.text
    assert "212380" in (await scene.say(camille, "/factures")).text, "the current account stays"
    assert (
        len(
            [
                e
                for e in scene.portal.log.entries
                if "a-2001" not in e.path and "a-2002" not in e.path and "/accounts/" in e.path
            ]
        )
        == 0
    )


@pytest.mark.parametrize(
    ("language", "email", "search", "nothing"),
    [
        ("fr", "aucune adresse", "recherche est annulée", "rien à annuler"),
        ("en", "no address", "search is cancelled", "nothing to cancel"),
    ],
)
async def test_question_is_left_with_words(scene: Scene, language: str, email: str, search: str, nothing: str) -> None:
    camille = await scene.linked(language)
    for word in ("/annuler", "cancel", "non merci", "stop", "laisse faire", "nevermind"):
        await scene.say(camille, "/lier")
        assert email in (await scene.say(camille, word)).text, word
        await scene.say(camille, "/factures")
        await scene.tap(camille, "Rechercher" if language == "fr" else "Search")
        assert search in (await scene.say(camille, word)).text, word
        assert nothing in (await scene.say(camille, word)).text, word


async def test_code_copy_and_stranger_questions_are_left(scene: Scene) -> None:
    stranger = await scene.asked()
    assert "le code n’est plus attendu" in (await scene.say(stranger, "annuler")).text
    english = await scene.asked("en")
    assert "no longer waiting for the code" in (await scene.say(english, "never mind")).text
    assert "nothing to cancel" in (await scene.say(english, "/cancel")).text


@pytest.mark.parametrize(
    ("language", "near", "far"),
    [("fr", "Vouliez-vous /commandes", "n’existe pas"), ("en", "Did you mean /orders", "There is no command")],
)
async def test_unknown_command_names_the_nearest(scene: Scene, language: str, near: str, far: str) -> None:
    for person in (scene.person(language), await scene.linked(language)):
        assert near in (await scene.say(person, "/comande")).text
        assert far in (await scene.say(person, "/zzz")).text


async def test_commands_are_understood_in_both_languages(scene: Scene) -> None:
    for language in ("fr", "en"):
        camille = await scene.linked(language)
        for text in ("/facture", "/invoice", "mes factures", "My invoices", "／factures", " /factures@bot"):
            assert "212380" in (await scene.say(camille, text)).text, text
        for text, plain in (
            ("/paramètres", "/settings"), ("/réglages", "/settings"), ("/AIDE", "/help"), ("aide", "/help"),
            ("/délier", "/unlink"),
        ):  # fmt: skip
            usual = await scene.say(camille, plain)
            typed = await scene.say(camille, text)
            assert typed is not usual, text
            assert (typed.text, typed.labels) == (usual.text, usual.labels), text
        shown = [(await scene.say(camille, text)).text for text in ("/settings", "/help", "/unlink", "/invoices")]
        assert len(set(shown)) == 4


@pytest.mark.parametrize(("language", "again"), [("fr", "Écrivez un autre mot"), ("en", "Type another word")])
async def test_word_after_an_empty_search_searches_again(scene: Scene, language: str, again: str) -> None:
    camille = await scene.linked(language, "flotte@example.test")
    await scene.say(camille, "/factures")
    await scene.tap(camille, "Rechercher" if language == "fr" else "Search")
    for word in ("zébulon", "xylophone"):
        nothing = await scene.say(camille, word)
        assert word in nothing.text
        assert again in nothing.text
    assert "30" in (await scene.say(camille, "IFTA")).text
    await scene.say(camille, "/factures")
    await scene.tap(camille, "Rechercher" if language == "fr" else "Search")
    assert "30900" in (await scene.say(camille, "30900")).text, "an order's number opens, also in a search of invoices"


@pytest.mark.parametrize(("language", "again"), [("fr", "Écrivez un autre mot"), ("en", "Type another word")])
async def test_word_after_an_empty_search_of_orders(scene: Scene, language: str, again: str) -> None:
    camille = await scene.linked(language, "flotte@example.test")
    await scene.say(camille, "/commandes" if language == "fr" else "/orders")
    await scene.tap(camille, "Rechercher" if language == "fr" else "Search")
    for word in ("zébulon", "xylophone"):
        nothing = await scene.say(camille, word)
        assert word in nothing.text
        assert again in nothing.text
    found = await scene.say(camille, "telemetrie sonde")
    assert "30900" in found.labels
    assert again not in found.text


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "déjà dans la conversation"), ("en", "already in the conversation")]
)
async def test_repeated_taps_send_one_pdf(scene: Scene, language: str, words: str) -> None:
    camille = await scene.linked(language)
    invoice = await scene.say(camille, "212380")
    await scene.stop_bot()
    for _ in range(8):
        camille.tap("PDF", message=invoice)
    await scene.start_bot()
    await camille.wait_for_message(".pdf")
    await scene.say(camille, "/aide")
    files = [message for message in camille.chat().visible if message.file and message.from_bot]
    assert len(files) == 1
    for _ in range(3):
        scene.later(minutes=40)
        camille.tap("PDF", message=invoice)
        told = await camille.wait_for_message(words)
        assert told.reply_to is files[0]
    assert len([message for message in camille.chat().visible if message.file and message.from_bot]) == 1


async def test_repeated_unlinking_answers_as_the_first(scene: Scene) -> None:
    camille = await scene.linked()
    screen = await scene.say(camille, "/delier")
    data = screen.buttons[0][0].callback_data or ""
    for _ in range(3):
        camille.forge_tap(screen, data)
    await scene.say(camille, "/aide")
    assert "n’est plus liée à aucun compte" in screen.text


async def test_edit_without_a_change_does_nothing(scene: Scene) -> None:
    camille = await scene.linked()
    typed = camille.say("212380")
    await camille.wait_for_message("Facture nº")
    older = camille.say("/factures")
    await camille.wait_for_message("Factures ·")
    count = len(camille.chat().visible)
    camille.edit(older, "/factures")
    camille.edit(typed, "26387")
    await scene.say(camille, "/aide")
    assert len(camille.chat().visible) == count + 2, "the help that was asked for, and nothing else"
    last = camille.say("2123")
    await camille.wait_for_message()
    camille.edit(last, "26387")
    assert "Commande nº" in (await camille.wait_for_message("26387")).text


@pytest.mark.parametrize(("minutes", "is_answered"), [(8, True), (12, False)])
async def test_edit_after_a_restart(scene: Scene, minutes: int, is_answered: bool) -> None:
    """The bot does not know the message any more: a young one was corrected, an older one only got a reaction."""
    camille = await scene.linked()
    typed = camille.say("2123")
    await camille.wait_for_message()
    await scene.settled()
    scene.later(minutes=minutes)
    camille.edit(typed, "26387")
    if is_answered:
        await camille.wait_for_message("Commande nº\u00a026387")
    await scene.say(camille, "/aide")
    answers = [message for message in camille.chat().visible if message.text.startswith("Commande nº\u00a026387")]
    assert len(answers) == is_answered


async def test_addresses_as_programs_write_them(scene: Scene) -> None:
    for number, text in enumerate(
        (f"Mailto:{CLIENT}", f"{CLIENT}<mailto:{CLIENT}>", f'"Ana" <{CLIENT}>', "client＠example.test.")
    ):
        assert f"Si {CLIENT} est" in (await scene.say(scene.person(), text)).text, number


@pytest.mark.parametrize(("language", "words"), [("fr", "Connexion réussie"), ("en", "You are connected")])
@pytest.mark.parametrize(
    "email", ["keitai..odo@docomo.example.test", "ana@usine.local", "ana@usine", "ana@my_host.example.test"]
)
async def test_odd_address_that_the_portal_knows_links(scene: Scene, email: str, language: str, words: str) -> None:
    if email in ("ana@usine", "ana@my_host.example.test"):
        scene.portal.portal.people.add_contact("c-9001", email, "Ana", access={"a-2001": ("orders", "invoices")})
    person = await scene.asked(language, email)
    assert words in (await scene.say(person, await scene.code(email))).text


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("domain", ["usine", "my_host.example.test"])
async def test_odd_address_says_nothing_about_the_portal(scene: Scene, language: str, domain: str) -> None:
    scene.portal.portal.people.add_contact("c-9001", f"ana@{domain}", "Ana", access={"a-2001": ("orders",)})
    answers = []
    for name in ("ana", "eva"):
        person = await scene.asked(language, f"{name}@{domain}")
        await scene.settled()
        asked, wrong = person.screen(), await scene.say(person, "000000")
        answers.append(tuple((each.text.replace(name, ""), each.labels) for each in (asked, wrong)))
    assert answers[0] == answers[1]
    assert len(scene.mailbox.sent_to(f"ana@{domain}")) == 1


@pytest.mark.parametrize(("language", "words"), [("fr", "adresse"), ("en", "address")])
async def test_mention_is_no_address(scene: Scene, language: str, words: str) -> None:
    """Nor is a word with an ``@`` in a sentence, nor the beginning of an address."""
    person = scene.person(language)
    await scene.say(person, "/lier")
    for text in ("@usine", "merci @ana", "on se voit ana@work demain", "camille@gmail"):
        answer = await scene.say(person, text)
        assert words in answer.text, text
        assert "ana@work" not in answer.text
        assert "camille@gmail" not in answer.text
    assert scene.mailbox.sent_to("ana@work") == []
    assert CLIENT in (await scene.say(person, CLIENT)).text, "an address is still awaited"


@pytest.mark.parametrize(("language", "words"), [("fr", "n’en attendais pas"), ("en", "not expecting one")])
async def test_unasked_address_offers_to_link(scene: Scene, language: str, words: str) -> None:
    camille = await scene.linked(language)
    screen = await scene.say(camille, "flotte@example.test")
    assert words in screen.text
    assert screen.labels[0] in ("Lier une autre adresse", "Link another address")


async def test_answers_stay_in_the_topic_of_a_private_chat(scene: Scene) -> None:
    camille = await scene.linked()
    camille.chat().open_topic(7)
    camille.say("212380", topic=7)
    invoice = await camille.wait_for_message("Facture nº")
    assert invoice.topic == 7
    camille.tap("PDF", message=invoice)
    assert (await camille.wait_for_message(".pdf")).topic == 7
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="990007")
    camille.say("990007", topic=7)
    other = await camille.wait_for_message("990007")
    camille.chat().open_topic(7, is_open=False)
    camille.say("26387", topic=7)
    assert (await camille.wait_for_message("Commande nº")).topic is None, "a closed topic: in the chat itself"
    camille.tap("PDF", message=other)
    assert (await camille.wait_for_message(".pdf")).topic is None


async def test_answer_to_a_deleted_topic_is_in_the_chat(scene: Scene) -> None:
    camille = await scene.linked()
    camille.chat().open_topic(7)
    await scene.stop_bot()
    camille.say("212380", topic=7)
    delete_topic(scene.telegram.world, camille.chat(), 7)
    await scene.start_bot()
    assert (await camille.wait_for_message("Facture nº")).topic is None


async def test_group_topics_are_answered_or_left_in_silence(scene: Scene) -> None:
    camille = await scene.linked()
    group = scene.telegram.world.create_group("Flotte", [camille], supergroup=True)
    group.chat.open_topic(3)
    camille.say("/aide@odobot", group=group, topic=3)
    assert (await camille.wait_for_message("privée", group=group)).topic == 3
    group.chat.open_topic(3, is_open=False)
    camille.say("/aide@odobot", group=group, topic=3)
    scene.telegram.world.bot().reads_all_group_messages = True
    for text in ("/help", "/start", "/factures", "/aide@another_bot"):
        camille.say(text, group=group)
    await scene.say(camille, "/aide")
    assert len([message for message in group.chat.visible if message.from_bot]) == 1


@pytest.mark.parametrize("what", ["text", "tap"])
async def test_error_before_the_chat_was_read_is_in_its_language(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    camille = await scene.linked("fr")
    await scene.say(camille, "/langue")
    await scene.tap(camille, "English")
    invoice = await scene.say(camille, "212380")
    from handlers.context import Context

    async def broken(_: Context) -> None:
        raise RuntimeError("before the chat was read")

    with monkeypatch.context() as patched:
        patched.setattr(Context, "refresh_data", broken)
        if what == "tap":
            camille.tap("PDF", message=invoice)
        else:
            camille.say("212380")
        answer = await camille.wait_for_message()
    assert "Something went wrong" in answer.text or "on our side" in answer.text, answer.text
