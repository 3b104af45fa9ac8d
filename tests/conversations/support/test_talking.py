# ruff: noqa: F401, F811  # the fixture is imported and asked for by name
"""A person and the staff write to each other, in both languages."""

import datetime

import pytest

from sandbox.telegram.persons import Person
from tests.conversations.notices.test_copies import BOOKS, asked
from tests.conversations.support.desk import SUPPORT, Desk, desk
from tests.scene import Scene

NBSP = "\u00a0"
WORDS = {
    "fr": {
        "button": "Parler à quelqu’un",
        "told": "Ce que vous écrivez d’ici la fin est transmis",
        "profile": "rien de votre profil Telegram",
        "subject": f"L’équipe voit qu’il s’agit de la facture nº{NBSP}212380.",
        "relayed": "C’est transmis.",
        "end": "Terminer la conversation",
        "ended": "La conversation avec l’équipe est terminée.",
        "by_staff": "L’équipe a mis fin à la conversation.",
        "question": "je veux parler à un humain",
        "language": "Français",
    },
    "en": {
        "button": "Talk to a person",
        "told": "What you write until the end is relayed",
        "profile": "nothing of your Telegram profile",
        "subject": f"The team sees that it is about invoice no.{NBSP}212380.",
        "relayed": "It is relayed.",
        "end": "End the conversation",
        "ended": "The conversation with the team has ended.",
        "by_staff": "The team ended the conversation.",
        "question": "I want to talk to a human",
        "language": "English",
    },
}


@pytest.mark.parametrize("language", WORDS)
async def test_whole_conversation_about_an_invoice(desk: Desk, language: str) -> None:
    scene, words = desk.scene, WORDS[language]
    camille = await scene.linked(language, first_name="Camille-Ève")
    await scene.say(camille, "212380")
    begun = await scene.tap(camille, words["button"])
    assert words["told"] in begun.text
    assert words["profile"] in begun.text
    assert words["subject"] in begun.text
    assert "Client Odotrack" in begun.text
    assert desk.topics() == {}, "nothing leaves the chat yet"
    assert words["relayed"] in (await scene.say(camille, "Le montant est faux.")).text

    assert list(desk.topics().values()) == [f"{language.upper()} · 212380 · Client Odotrack"]
    created, header, copy = desk.seen()
    assert created.media
    assert header.text.splitlines()[:3] == [
        f"Compte{NBSP}: Client Odotrack",
        f"Langue{NBSP}: {words['language']}",
        f"Il s’agit de la facture nº{NBSP}212380.",
    ]
    assert copy.text == "Le montant est faux."
    facts = ("Camille", "client@example.test", str(camille.user_id), "293")
    assert not [fact for fact in facts if fact in header.text + copy.text]

    desk.says("Bonjour, je regarde.")
    answer = await camille.wait_for_message("je regarde")
    assert answer.text == "Marie\nBonjour, je regarde."
    assert answer.html == "<b>Marie</b>\nBonjour, je regarde."
    assert answer.labels == [words["end"]]

    ended = await scene.tap(camille, words["end"])
    assert words["ended"] in ended.text
    assert answer.text.startswith("Marie"), "the staff's answer stays"
    await desk.reads("La personne a mis fin")
    await desk.is_closed(desk.topic())
    assert "212380" in (await scene.say(camille, "212380")).text
    assert len(desk.seen()) == 4 + 1, "nothing more is relayed; the last is the service message"


@pytest.mark.parametrize("language", WORDS)
async def test_each_relayed_message_is_marked(desk: Desk, language: str) -> None:
    """The first has an answer, the others a reaction; who reads it knows that nothing is lost in silence."""
    camille = await desk.scene.linked(language)
    await desk.talking(camille)
    written = camille.say("Encore une chose.")
    assert await desk.scene.telegram.world.log.changed.until(lambda: written.reaction or None, 5.0) == "👌"


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("how", ["/fin", "/END@odobot", "close"])
async def test_staff_end_a_conversation(desk: Desk, language: str, how: str) -> None:
    camille = await desk.scene.linked(language)
    topic = await desk.talking(camille)
    if how == "close":
        desk.marie.manage_topic(desk.forum, topic, "close")
    else:
        desk.says(how)
    ended = await camille.wait_for_message(WORDS[language]["by_staff"])
    assert WORDS[language]["button"] in ended.labels
    await desk.reads("La conversation est terminée, et la personne en est avertie.")
    await desk.is_closed(topic)
    desk.says("Encore un mot", topic)
    await desk.reads("Non transmis")
    await desk.scene.say(camille, "/aide")
    assert not [each for each in camille.chat().visible if "Encore un mot" in each.text]


@pytest.mark.parametrize("language", WORDS)
async def test_questions_in_words_lead_to_a_person(desk: Desk, language: str) -> None:
    words = WORDS[language]
    camille = await desk.scene.linked(language)
    texts = {"fr": ("un humain", "parler à quelqu'un"), "en": ("a human", "talk to a person")}
    for text in (words["question"], *texts[language]):
        assert words["told"] in (await desk.scene.say(camille, text)).text
        await desk.scene.say(camille, "/fin")


@pytest.mark.parametrize(
    ("language", "asks", "unsent", "end"),
    [
        ("fr", "parler à quelqu'un", "n’a pas été transmis", "annule"),
        ("en", "talk to a person", "not passed on", "stop"),
    ],
)
async def test_words_begin_and_end_a_conversation(desk: Desk, language: str, asks: str, unsent: str, end: str) -> None:
    """What began it is said not to be passed on; a yes or no is meant for the staff, and words that end it are not."""
    camille = await desk.scene.linked(language)
    assert unsent in (await desk.scene.say(camille, asks)).text
    await desk.talking(camille)
    camille.say("non")
    await desk.reads("non")
    assert WORDS[language]["ended"] in (await desk.scene.say(camille, end)).text
    await desk.scene.say(camille, "/aide")
    assert not [each for each in desk.seen() if each.text == end]


@pytest.mark.parametrize("language", WORDS)
async def test_way_to_a_person_is_on_every_answer(desk: Desk, language: str) -> None:
    button, scene = WORDS[language]["button"], desk.scene
    stranger = scene.person(language)
    for text in ("/aide", "quatorze chevaux bleus trottent", "/zzzzzz"):
        assert button in (await scene.say(stranger, text)).labels
    camille = await scene.linked(language)
    for text in ("/aide", "quatorze chevaux bleus trottent", "/zzzzzz", "999999", "212380", "26387"):
        assert button in (await scene.say(camille, text)).labels, text
    camille.send_sticker()
    assert button in (await camille.wait_for_message()).labels


@pytest.mark.parametrize("language", WORDS)
async def test_without_a_forum_the_contact_is_told(scene: Scene, language: str) -> None:
    await scene.stop_bot()
    await scene.start_bot(support=SUPPORT)
    camille = await scene.linked(language)
    await scene.say(camille, "212380")
    assert SUPPORT in (await scene.tap(camille, WORDS[language]["button"])).text
    assert "26387" in (await scene.say(camille, "26387")).text


async def test_stranger_may_talk_without_an_account(desk: Desk) -> None:
    stranger = desk.scene.person("en")
    await desk.talking(stranger, "The code never comes")
    assert list(desk.topics().values()) == ["EN"]
    assert "Aucun compte lié" in desk.seen()[1].text


async def test_commands_and_taps_are_not_relayed(desk: Desk) -> None:
    scene = desk.scene
    camille = await scene.linked()
    await desk.talking(camille)
    assert "Factures" in (await scene.say(camille, "/factures")).text
    assert "212380" in (await scene.tap(camille, "212380")).text
    await scene.tap(camille, "Toutes les factures")
    await scene.tap(camille, "Rechercher")
    assert "Recherche" in (await scene.say(camille, "212380")).text, "the search was asked for last"
    camille.say("factures")
    await desk.reads("factures")
    assert [each.text for each in desk.seen()[2:]] == ["Bonjour", "factures"]


async def test_mailed_code_is_never_relayed(desk: Desk) -> None:
    scene = desk.scene
    camille = await scene.asked()
    await desk.talking(camille, "Je ne trouve pas le code")
    linked = await scene.say(camille, f"Ah, le voici {await scene.code()}")
    assert "Client Odotrack" in linked.text or linked.labels
    assert (await scene.code()) not in "".join(each.text for each in desk.seen())


async def test_code_of_a_bookkeeper_is_never_relayed(desk: Desk) -> None:
    scene = desk.scene
    camille = await asked(scene)
    code = await scene.code(BOOKS)
    await desk.talking(camille)
    told = await scene.say(camille, f"Le code est {code}")
    assert code not in "".join(each.text for each in desk.seen())
    assert BOOKS in told.text


async def test_notes_of_the_staff_and_other_topics_stay(desk: Desk) -> None:
    camille = await desk.scene.linked()
    topic = await desk.talking(camille)
    desk.marie.say("Qui s'en occupe?", group=desk.forum)
    desk.forum.chat.open_topic(900)
    desk.says("Interne", 900)
    desk.says("// Le client a raison", topic)
    desk.marie.send_photo(caption="//capture", group=desk.forum, topic=topic)
    desk.says("/rembourser", topic)
    await desk.reads("Non transmis", topic)
    desk.says("Voilà", topic)
    await camille.wait_for_message("Voilà")
    told = [each.text for each in camille.chat().visible if each.from_bot and each.text.startswith("Marie")]
    assert told == ["Marie\nVoilà"]


async def test_every_kind_of_message_is_relayed(desk: Desk) -> None:
    camille = await desk.scene.linked()
    topic = await desk.talking(camille)
    camille.send_voice()
    camille.send_photo(caption="Le compteur")
    camille.send_document("contrat.pdf")
    camille.send_location()
    camille.send_sticker()
    camille.send_contact()
    camille.send_album(3, caption="Les camions")
    await desk.forum.chat.changed.until(lambda: len(desk.seen()) >= 12 or None, 20)
    kinds = [next(iter(each.media), "text") for each in desk.seen()[2:]]
    assert kinds == ["text", "voice", "photo", "document", "location", "sticker", "contact", *["photo"] * 3]
    camille.send_invoice()
    assert "ne peut pas être transmis" in (await camille.wait_for_message()).text

    send = {"group": desk.forum, "topic": topic}
    desk.marie.send_document("facture corrigée.pdf", caption="Voici", **send)
    document = await camille.wait_for_message("corrigée")
    assert (document.text, document.media.keys()) == ("Marie\nVoici", {"document"})
    desk.marie.send_photo(**send)
    desk.marie.send_voice(**send)
    desk.marie.send_sticker(**send)
    await camille.chat().changed.until(
        lambda: next((m for m in camille.chat().visible if m.from_bot and "sticker" in m.media), None), 20
    )
    last = [m for m in camille.chat().visible if m.from_bot][-4:]
    assert [(m.text, next(iter(m.media), "")) for m in last] == [
        ("Marie", "photo"), ("Marie", "voice"), ("Marie", ""), ("", "sticker"),
    ]  # fmt: skip
    desk.marie.send_invoice(**send)
    await desk.reads("Message can't be copied")


async def test_replies_and_edits_on_both_sides(desk: Desk) -> None:
    scene = desk.scene
    camille = await scene.linked()
    await desk.talking(camille)
    asked = camille.say("Combien de camions?")
    copy = await desk.reads("camions")
    await desk.remembers(copy)
    told = desk.says("Douze", reply_to=copy)
    answer = await camille.wait_for_message("Douze")
    await desk.remembers(told)
    assert answer.reply_to is asked
    camille.say("Merci", reply_to=answer)
    assert (await desk.reads("Merci")).reply_to is told

    camille.edit(asked, "Combien de remorques?")
    await desk.forum.chat.changed.until(lambda: copy.edits or None, 20)
    assert copy.text == "Combien de remorques?"
    desk.marie.edit(told, "Treize")
    await camille.wait_for_message("Treize")
    assert (answer.text, answer.edits) == ("Marie\nTreize", 1)
    assert answer.labels == ["Terminer la conversation"]

    photo = camille.send_photo(caption="avant")
    shown = await desk.reads("avant")
    await desk.remembers(shown)
    camille.replace_photo(photo, caption="après")
    await desk.forum.chat.changed.until(lambda: shown.edits or None, 20)
    assert (shown.text, shown.file) == ("après", photo.file)
    scene.telegram.world.delete(copy)
    camille.edit(asked, "Combien de semi-remorques?")
    again = await desk.reads("semi-remorques")
    assert again is not copy


async def test_edit_of_an_older_message_is_not_relayed(desk: Desk) -> None:
    scene = desk.scene
    camille = await scene.linked()
    older = camille.say("26387")
    await camille.wait_for_message()
    scene.later(minutes=1)
    await desk.talking(camille)
    camille.edit(older, "26387, en privé")
    camille.say("fini")
    await desk.reads("fini")
    assert not [each for each in desk.seen() if "privé" in each.text]


async def test_formatting_of_the_staff_is_kept(desk: Desk) -> None:
    camille = await desk.scene.linked()
    await desk.talking(camille)
    desk.says("Voyez https://odotrack.test 😀 et /aide")
    answer = await camille.wait_for_message("Voyez")
    shown = [(each["type"], each["offset"]) for each in answer.entities]
    assert ("bold", 0) in shown
    assert ("url", len("Marie\nVoyez ")) in shown


async def test_long_text_of_the_staff_is_not_cut(desk: Desk) -> None:
    camille = await desk.scene.linked()
    await desk.talking(camille)
    desk.says("x" * 4096)
    long = await camille.wait_for_message("x" * 100)
    assert len(long.text) == 4096
    before = [each for each in camille.chat().visible if each.from_bot][-2]
    assert before.text == "Marie"


async def test_subject_changes_within_a_conversation(desk: Desk) -> None:
    scene = desk.scene
    camille = await scene.linked()
    topic = await desk.talking(camille)
    await scene.say(camille, "/commandes")
    await scene.tap(camille, "26387")
    await scene.tap(camille, "Parler à quelqu’un")
    camille.say("Celle-ci aussi")
    await desk.reads("Celle-ci aussi", topic)
    await desk.reads("commande nº\u00a026387", topic)
    assert desk.topics() == {topic: "FR · 26387 · Client Odotrack"}


async def test_conversation_ends_after_a_week_of_silence(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.worker._SUPPORT_SECONDS", 0.05)
    await desk.open()
    camille = await desk.scene.linked("en")
    topic = await desk.talking(camille)
    desk.scene.later(days=7, minutes=1)
    assert "no message for seven days" in (await camille.wait_for_message("seven days")).text
    await desk.is_closed(topic)
    await desk.reads("Aucun message depuis sept jours", topic)


@pytest.mark.parametrize("command", ["/delier", "/oublier"])
async def test_unlinking_and_forgetting_end_it(desk: Desk, command: str) -> None:
    scene = desk.scene
    camille = await scene.linked()
    topic = await desk.talking(camille)
    await scene.say(camille, command)
    await scene.tap(camille, "Oui")
    told = {"/delier": "a délié son compte", "/oublier": "a tout effacé"}
    await desk.reads(told[command], topic)
    await desk.is_closed(topic)
    desk.says("Êtes-vous là?", topic)
    await desk.reads("Non transmis", topic)
    await scene.say(camille, "bonjour")
    assert not [each for each in desk.seen(topic) if "bonjour" in each.text]
    await scene.settled()
    async with scene.components.database.engine.connect() as connection:
        conversations = await connection.exec_driver_sql("SELECT chat_id, subject_sealed FROM support_conversations")
        assert [tuple(row) for row in conversations] == [(None, None)]
        assert list(await connection.exec_driver_sql("SELECT * FROM support_messages")) == []


async def test_no_message_text_is_stored(desk: Desk) -> None:
    scene = desk.scene
    camille = await scene.linked()
    await desk.talking(camille, "un secret de camionneur")
    desk.says("une réponse secrète")
    await camille.wait_for_message("secrète")
    await scene.settled()
    async with scene.components.database.engine.connect() as connection:
        rows = [
            *await connection.exec_driver_sql("SELECT * FROM support_conversations"),
            *await connection.exec_driver_sql("SELECT * FROM support_messages"),
        ]
    stored = str([tuple(row) for row in rows])
    assert not [fact for fact in ("secret", "Camille", "Marie", "Odotrack") if fact in stored]


async def test_another_group_is_not_let_in(desk: Desk) -> None:
    camille = await desk.scene.linked()
    topic = await desk.talking(camille)
    other = desk.world.create_group("Autre", [desk.marie], forum=True)
    other.promote(desk.world.bot(), desk.marie)
    other.chat.open_topic(topic)
    desk.marie.say("D'ailleurs", group=other, topic=topic)
    desk.says("D'ici", topic)
    await camille.wait_for_message("D'ici")
    assert not [each for each in camille.chat().visible if "ailleurs" in each.text]


def test_age_of_an_idle_conversation_is_a_week() -> None:
    from storage.support import IDLE_AFTER

    assert datetime.timedelta(days=7) == IDLE_AFTER, "the texts say seven days"
