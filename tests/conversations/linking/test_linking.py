"""Linking a chat: an address, the mailed code, the accounts, and one question."""

import re

import pytest

from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from tests.scene import CLIENT, Scene

FLEET = "flotte@example.test"
FOUR = "quatre@example.test"
WORDS = {
    "fr": ("courriel", "6 chiffres", "10 minutes", "Connexion réussie", "Non", "C’est noté", "Commandes"),
    "en": ("email", "6-digit", "10 minutes", "connected", "No", "Done", "Orders"),
}


def another(code: str) -> str:
    """Return another code."""
    return f"{(int(code) + 1) % 1_000_000:06}"


async def open_with(scene: Scene, person: Person, email: str = CLIENT, count: int = 1) -> Message:
    """Type the mailed code."""
    return await scene.say(person, await scene.code(email, count))


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_linking_from_start_to_the_first_list(scene: Scene, language: str) -> None:
    address, digits, validity, done, no, noted, orders = WORDS[language]
    camille = scene.person(language)

    camille.start()
    welcome = await camille.wait_for_message("Odotrack")
    assert len(welcome.labels) == 7  # link, three links of the portal, help, privacy, the other language
    asked = await scene.tap(camille, welcome.labels[0])
    assert address in asked.text
    sent = await scene.say(camille, CLIENT)
    assert all(words in sent.text for words in (CLIENT, digits, validity))
    typed = camille.say(await scene.code())
    choice = await camille.wait_for_message(done)
    await camille.wait_for_delete(typed)
    assert choice.labels == ["Client Odotrack", "Client Odotrack 2016"]
    question = await scene.tap(camille, "Client Odotrack")
    assert "Client Odotrack" in question.text
    assert question.labels[0].startswith(("Oui", "Yes"))
    assert question.labels[1].startswith(no)
    home = await scene.tap(camille, no)
    assert noted in home.text
    first_list = await scene.tap(camille, orders)
    assert first_list.text.startswith(f"{orders} · Client Odotrack\n")

    assert len(await scene.mailbox.wait_for(CLIENT, count=2)) == 2


async def test_code_is_accepted_in_any_spelling(scene: Scene) -> None:
    wrong = {}
    for written in (
        "{a}{b}",
        "{a} {b}",
        "{a}-{b}",
        "{a}\u00a0{b}",
        "  {a}{b}  ",
        "Votre code : {a}{b} merci",
        "Your code is {a}{b}.",
        "Il est valable 10 minutes :\n{a}{b}\nmerci",
        "« {a} {b} »",
        *(zero for zero in "\uff10\u0660"),  # the digits of another keyboard: full-width, Arabic-Indic
    ):
        count = len(scene.mailbox.sent_to(CLIENT)) + 1
        camille = await scene.asked()
        code = await scene.code(count=count)
        digits = code.translate({ord("0") + n: chr(ord(written) + n) for n in range(10)}) if len(written) == 1 else ""
        screen = await scene.say(camille, digits or written.format(a=code[:3], b=code[3:]))
        if "Connexion réussie" not in screen.text:
            wrong[written] = screen.text
        await scene.mailbox.wait_for(CLIENT, count=count + 1)
        scene.later(hours=25)  # many chats of one day would make codes long
    assert wrong == {}


async def test_text_that_is_no_code_costs_no_attempt(scene: Scene) -> None:
    for number, text in enumerate(("bonjour", "12345", "1234567", "514 555-1234", "2026-10-15", "123 456 789")):
        camille = await scene.asked(email=f"nobody{number}@example.test")

        first = await scene.say(camille, text)
        assert "6 chiffres" in first.text, text
        assert first.labels[0] == "Renvoyer un code"
        assert "Il reste 4 essais" in (await scene.say(camille, "000000")).text


async def test_address_with_six_digits_is_not_read_as_a_code(scene: Scene) -> None:
    """An address that contains six digits is read as an address, also while a code is awaited."""
    camille = await scene.asked(email="garage@example.test")
    scene.later(minutes=1)

    assert "Si garage418555@example.test est" in (await scene.say(camille, "garage418555@example.test")).text


async def test_address_is_accepted_in_any_pasted_form(scene: Scene) -> None:
    wrong = {}
    for text in (
        "client@example.test",
        "CLIENT@Example.TEST",
        "Camille Client <client@example.test>",
        '"Client, Camille" <client@example.test>',
        "mon courriel est client@example.test, merci",
        "mailto:client@example.test",
        "\u200fclient@example.test\u200f",  # pasted from a right-to-left text, a contact card, a web page
        "\u2068client@example.test\u2069",
        "client@example.test\u200b",
        "\ufeffclient@example.test",
    ):
        screen = await scene.say(scene.person(), text)
        if "Si client@example.test est" not in screen.text:
            wrong[text] = screen.text
        scene.later(hours=1)
    assert wrong == {}


async def test_invalid_address_is_explained_and_gets_no_mail(scene: Scene) -> None:
    camille = scene.person()
    await scene.say(camille, "/lier")

    for text in (
        "client",
        "@",
        "client@",
        "@example.test",
        "client@example..test",
        "client@example.test flotte@example.test",
        "client@example.test,flotte@example.test",
        "<script>@example.test",
        "cli\nent@exam\nple.test",
        "a" * 4084 + "@example.tes",
        "@" * 4096,
        "123456 " * 585,
        "\U0001f600",
    ):
        assert "nom@exemple.com" in (await scene.say(camille, text)).text, text[:40]
    await scene.say(camille, CLIENT)
    assert "Connexion réussie" in (await open_with(scene, camille)).text
    await scene.settled()
    assert [letter.to for letter in scene.mailbox.messages] == [(CLIENT,), (CLIENT,)]


async def test_look_alike_address_gets_the_usual_answer_and_no_mail(scene: Scene) -> None:
    for email in (
        "cl\u0131ent@example.test",  # dotless i
        "client@ex\u0430mple.test",  # Cyrillic a
        "\uff43\uff4c\uff49\uff45\uff4e\uff54@example.test",
        "\U0001f600@example.test",
        "client+odobot@example.test",
        "o'brien&fils@example.test",
    ):
        assert f"Si {email} est" in (await scene.say(scene.person(), email)).text
    await scene.settled()
    assert scene.mailbox.messages == ()


@pytest.mark.parametrize(
    ("email", "client", "tag", "first", "second"),
    [
        (CLIENT, "en", "fr", "écrivez ce code", "type this code"),
        ("anna@example.test", "fr", "en", "type this code", "écrivez ce code"),
    ],
)
async def test_mail_has_both_languages_the_contacts_first(
    scene: Scene, email: str, client: str, tag: str, first: str, second: str
) -> None:
    await scene.asked(client, email, first_name="Éloïse")

    [letter] = await scene.mailbox.wait_for(email)

    code = await scene.code(email)
    assert letter.parsed.get_content_type() == "multipart/alternative"
    for body in (letter.text, letter.html):
        assert body.index(first) < body.index(second)
        assert body.count("Éloïse") == body.count(code) == 2
        assert "Odotrack" in body
    assert "Odotrack" in letter.subject
    assert code not in letter.subject
    assert letter.headers["Auto-Submitted"] == "auto-generated"
    assert letter.headers["Content-Language"] == tag
    assert re.search(r"Ce n’était pas vous\?", letter.text)


async def test_first_name_injects_nothing_into_a_mail(scene: Scene) -> None:
    for first_name, shown in (
        ("<b>x</b>", "b x b"),
        ("evil.com/login", "evil com login"),
        ("https://evil.com", "https evil com"),
        ("call@evil.com", "call evil com"),
        ("Camille\u202e\u2066", "Camille"),
        ("Anne-Marie D’Amours", "Anne-Marie D’Amours"),
        ("\U0001f600", "dans Telegram"),
        ("y" * 64, "y" * 40),
        ("Tom & Jerry &amp;", "Tom Jerry amp"),
        ("{code} %s {name}", "code s name"),
    ):
        scene.mailbox.clear()
        camille = await scene.asked(first_name=first_name)
        await open_with(scene, camille)
        asked, linked = await scene.mailbox.wait_for(CLIENT, count=2)

        assert shown in asked.text
        for body in (asked.text, asked.html, linked.text, linked.html):
            assert first_name == shown or first_name not in body
            assert not any(part in body for part in ("evil.com", "<b>", "\u202e", "y" * 41))
        await scene.say(camille, "/delier")
        await scene.tap(camille, "Oui")
        scene.later(hours=25)


async def test_first_name_cannot_change_its_sentence(scene: Scene) -> None:
    await scene.asked(first_name="Urgent, appelez le 514 555 0000")

    [letter] = await scene.mailbox.wait_for(CLIENT)

    assert not letter.text.startswith("Urgent")


async def test_french_elides_de_before_a_vowel(scene: Scene) -> None:
    eloise = await scene.asked(first_name="Éloïse")
    await open_with(scene, eloise)

    letters = await scene.mailbox.wait_for(CLIENT, count=2)

    assert all("de Éloïse" not in letter.text for letter in letters)


@pytest.mark.parametrize(
    ("email", "first"), [(CLIENT, "vient d’être liée"), ("anna@example.test", "has just been linked")]
)
async def test_contact_is_notified_of_the_new_link(scene: Scene, email: str, first: str) -> None:
    marie = await scene.asked("fr", email, first_name="Marie")
    await open_with(scene, marie, email)

    letter = (await scene.mailbox.wait_for(email, count=2))[1]

    assert first in letter.text.split("———")[0]
    assert letter.text.count("Marie") == 2
    assert "/compte" in letter.text
    assert "/account" in letter.text
    assert not re.search(r"^\d{6}$", letter.text, re.MULTILINE)
    assert letter.headers["Auto-Submitted"] == "auto-generated"


async def test_linking_again_repeats_no_mail_and_no_question(scene: Scene) -> None:
    """Linking the same address again sends no second mail and repeats no question."""
    camille = await scene.linked(email=FLEET)
    scene.later(minutes=2)

    await scene.say(camille, "/lier")
    await scene.say(camille, FLEET)
    again = await open_with(scene, camille, FLEET, 3)

    assert "Non" not in again.labels
    assert again.labels[:2] == ["Commandes", "Factures"]
    await scene.settled()
    assert len(scene.mailbox.sent_to(FLEET)) == 3


async def test_contact_without_accounts_is_informed(scene: Scene) -> None:
    """A contact without accounts gets an explanation, and no mail that claims a link."""
    camille = await scene.asked(email="seul@example.test")

    screen = await open_with(scene, camille, "seul@example.test")

    assert "aucun compte" in screen.text
    assert screen.labels
    await scene.settled()
    assert len(scene.mailbox.sent_to("seul@example.test")) == 1
    assert "pas encore liée" in (await scene.say(camille, "/factures")).text


async def test_one_of_four_accounts_is_chosen(scene: Scene) -> None:
    """One account is chosen, and the question about notices comes once."""
    laflamme = await scene.asked(email=FOUR)

    choice = await open_with(scene, laflamme, FOUR)
    towns = ["Québec", "Lévis", "Gatineau", "Rouyn-Noranda"]
    assert choice.labels == [f"Groupe Laflamme – {town}" for town in towns]
    assert "4 comptes" in choice.text
    question = await scene.tap(laflamme, "Lévis")
    assert question.labels == ["Oui, m’aviser", "Non"]
    assert "Groupe Laflamme – Lévis" in (await scene.tap(laflamme, "Oui")).text
    assert (await scene.say(laflamme, "/commandes")).text.startswith("Commandes · Groupe Laflamme – Lévis")
    accounts = await scene.say(laflamme, "/compte")
    home = await scene.tap(laflamme, "Gatineau")
    assert accounts.message_id == home.message_id
    assert home.labels[:2] == ["Commandes", "Factures"]
    for town in towns:
        await scene.say(laflamme, "/avis")
        notices = await scene.tap(laflamme, town)
        assert "✓ Nouvelle facture" in notices.labels, town


async def test_two_contacts_with_one_address_link_both_accounts(scene: Scene) -> None:
    shared = await scene.asked(email="partage@example.test")

    choice = await open_with(scene, shared, "partage@example.test")

    assert choice.labels == ["Garage Chénier & Filles", "Chenier Towing"]


async def test_markup_in_an_account_name_is_text(scene: Scene) -> None:
    tom = await scene.asked("en", "html@example.test")

    question = await open_with(scene, tom, "html@example.test")

    assert '<b>Tom & "Jerry"</b> evil' in question.text
    home = await scene.tap(tom, "No")
    assert '<b>Tom & "Jerry"</b> evil' in home.text
    accounts = await scene.say(tom, "/account")
    assert "<b>Tom" in accounts.text


async def test_linking_again_adds_an_address(scene: Scene) -> None:
    camille = await scene.linked()
    scene.later(minutes=1)

    asked = await scene.say(camille, "/lier")
    assert "restent liés" in asked.text
    await scene.say(camille, FLEET)
    question = await open_with(scene, camille, FLEET)
    assert "Transport Boréal inc." in question.text
    await scene.tap(camille, "Oui")

    accounts = await scene.say(camille, "/compte")
    assert "● Transport Boréal inc." in accounts.text
    assert accounts.labels[:2] == ["Client Odotrack", "Client Odotrack 2016"]


async def test_same_account_by_two_addresses_shows_the_addresses(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET)
    scene.later(minutes=2)
    await scene.say(camille, "/lier")
    await scene.say(camille, "commandes@example.test")
    await open_with(scene, camille, "commandes@example.test")

    accounts = await scene.say(camille, "/compte")

    lines = [
        line.lstrip("●○ ").removesuffix(" (compte courant)") for line in accounts.text.splitlines() if "Bor" in line
    ]
    assert len(lines) == len(set(lines))


async def test_restart_keeps_the_linking_step(scene: Scene) -> None:
    camille = scene.person()
    await scene.say(camille, "/lier")
    await scene.settled()
    await scene.say(camille, CLIENT)
    code = await scene.code()
    await scene.settled()
    assert "Il reste 4 essais" in (await scene.say(camille, another(code))).text
    await scene.settled()
    assert "Connexion réussie" in (await scene.say(camille, code)).text
    await scene.settled()
    await scene.tap(camille, "2016")
    await scene.settled()
    assert "C’est noté" in (await scene.tap(camille, "Non")).text


async def test_messages_sent_while_stopped_are_answered_after_start(scene: Scene) -> None:
    camille = await scene.asked()
    code = await scene.code()
    await scene.stop_bot()
    camille.say(code)

    await scene.start_bot()

    await camille.wait_for_message("Connexion réussie")


async def test_six_digits_are_a_code_only_while_one_is_expected(scene: Scene) -> None:
    camille = await scene.linked()
    assert "293,08" in (await scene.say(camille, "212380")).text
    scene.later(minutes=2)
    await scene.say(camille, "/lier")
    await scene.say(camille, FLEET)
    await scene.code(FLEET)

    opened = await scene.say(camille, "212380")
    assert "293,08" in opened.text
    assert "aucun essai" in opened.text
    assert "Il reste 4 essais" in (await scene.tap(camille, "C’était le code")).text
    scene.later(minutes=11)
    opened = await scene.say(camille, "212380")
    assert "293,08" in opened.text
    assert "C’était le code" not in opened.labels, "the wait ends with the code"


async def test_unexpected_six_digits_are_explained(scene: Scene) -> None:
    stranger = scene.person()

    screen = await scene.say(stranger, "212380")

    assert "expiré" not in screen.text  # no code was ever asked for
    assert screen.labels[0] == "Lier mon compte"


@pytest.mark.parametrize("when", ["before the code", "after the code"])
async def test_block_and_unblock_keep_the_linking_step(scene: Scene, when: str) -> None:
    camille = await scene.asked()
    code = await scene.code()
    if when == "after the code":
        await scene.say(camille, code)
    camille.block()
    camille.unblock()

    answer = await scene.say(camille, code if when == "before the code" else "/compte")

    assert "Client Odotrack 2016" in answer.labels
