"""Unexpected and hostile input: it gets an answer, and never another customer's data."""

import pytest

from handlers.actions import Action, AskSearch, ListInvoices, ListOrders, OpenNumber, SendPdf, ShowInvoice, ShowOrder
from handlers.telegram.callback_data import decode, encode
from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from tests.scene import Scene

ORDERS_ONLY = "commandes@example.test"
INVOICES_ONLY = "comptable@example.test"
BOREAL = "flotte@example.test"


def link_of(screen: Message) -> int:
    """Return the link id of a screen's first button."""
    data = next(button.callback_data for row in screen.buttons for button in row if button.callback_data)
    action = decode(data)
    assert hasattr(action, "link")
    return action.link


async def forged(scene: Scene, person: Person, action: Action | str, message: Message | None = None) -> Message:
    """Send callback data that no button of this chat carries, on a new screen. Returns the answer."""
    data = action if isinstance(action, str) else encode(action)
    assert data is not None
    person.forge_tap(message or await scene.say(person, "/start"), data)
    return await person.wait_for_message()


# Only orders: no invoice by any way in.


@pytest.mark.parametrize(("language", "words"), [("fr", "ne comprend pas"), ("en", "does not include")])
async def test_contact_with_orders_only_sees_no_invoice(scene: Scene, language: str, words: str) -> None:
    """Commands, texts and forged buttons show no invoice to a contact that may see only orders."""
    luc = await scene.linked(language, ORDERS_ONLY)
    home = luc.screen()
    link = link_of(home)
    screens = [home, await scene.say(luc, "/orders"), await scene.say(luc, "31450"), await scene.say(luc, "/aide")]
    screens += [await scene.say(luc, "bonjour"), await scene.say(luc, "240204"), await scene.say(luc, "/start")]
    luc.send_sticker()
    screens.append(await luc.wait_for_message())
    await scene.say(luc, "/orders")
    await scene.tap(luc, "Rechercher" if language == "fr" else "Search")
    screens.append(await scene.say(luc, "240204"))
    for screen in screens:
        assert "401" not in screen.text
        assert not [label for label in screen.labels if "Facture" in label or "Invoice" in label], screen.text

    assert words in (await scene.say(luc, "/factures")).text
    every_way: list[Action] = [
        ListInvoices(link), ListInvoices(link, unpaid=True), ListInvoices(link, order="31450"),
        ListInvoices(link, query="crédit"), ShowInvoice(link, "240204"), SendPdf(link, "240204"),
        SendPdf(link, "240204", again=True), OpenNumber(link, "240204"),
    ]  # fmt: skip
    for action in every_way:
        screen = await forged(scene, luc, action)
        assert "401" not in screen.text, action
        assert "2026-08-31" not in screen.text, action
        assert not screen.file, action


async def test_old_button_shows_no_invoice_after_access_ended(scene: Scene) -> None:
    luc = await scene.linked("fr", BOREAL)
    listed = await scene.say(luc, "/factures")
    labels = {label for label in listed.labels if label != "Commandes"}
    scene.portal.portal.people.change_contact("c-1002", access={"a-2003": ("orders",)})
    for button in [button for row in listed.buttons for button in row if button.label in labels]:
        screen = await forged(scene, luc, button.callback_data or "")
        assert "401" not in screen.text
        assert "293" not in screen.text


async def test_contact_with_invoices_only_sees_no_order(scene: Scene) -> None:
    eric = await scene.linked("fr", INVOICES_ONLY)
    link = link_of(await scene.say(eric, "/factures"))
    assert "ne comprend pas" in (await scene.say(eric, "/commandes")).text
    for action in (ListOrders(link), ShowOrder(link, "31450"), OpenNumber(link, "31450")):
        assert "Caméra" not in (await forged(scene, eric, action)).text
    invoice = await scene.say(eric, "240204")
    assert not [label for label in invoice.labels if label.startswith("Commande")]
    assert not [label for label in (await scene.say(eric, "bonjour")).labels if label == "Commandes"]


# Buttons that are forged, old, or of somebody else.

GARBAGE = [
    *("", "1", "0i1|", "2i1|", "zzzz", "1i", "1i|", "1i1", "1i1||||||||||||", "1i-1|", "1i99999999999|"),
    *("1izzzzzzzzzzzzzz|", "1I1|", "1o1|x y|", "1o1|-1|", "1o1|0|", "1o1|9999999999|", "1O1|26387|-5|"),
    *("1O1|26387|999999|", "1I1||", "1I1|..|", "1I1|.|", "1I1|../orders/26387|", "1I1|%2e%2e|", "1I1|212380/pdf|"),
    *("1I1|\x00|", "1I1|<b>|", "1I1|\\p|", "1I1|\\|", "1I1|2️⃣|", "1d1|..|", "1n1||", "1n1|/|", "1a99|", "1w1|2|"),
    *("1r50002|1|", "1Lxx|", "1Sxyz|", "1S-5|", "🙂", "\u202e1i1|", "x" * 64),
]


async def test_forged_callback_data_is_answered(scene: Scene) -> None:
    camille = await scene.linked()
    wrong = {}
    for data in GARBAGE:
        screen = await forged(scene, camille, data)
        if not screen.text or not screen.labels or "fonctionné" in screen.text:
            wrong[data] = screen.text
    assert wrong == {}
    others = [each.path for each in scene.portal.log.entries if "/accounts/" in each.path]
    assert not [path for path in others if "/accounts/a-2001/" not in path and "/accounts/a-2002/" not in path]


async def test_button_of_another_chats_link_shows_no_data(scene: Scene) -> None:
    camille, luc = await scene.linked(first_name="Camille"), await scene.linked("fr", BOREAL, first_name="Luc")
    hers = link_of(await scene.say(camille, "/factures"))
    for action in (ListInvoices(hers), ShowInvoice(hers, "212380"), SendPdf(hers, "212380"), ListOrders(hers),
                   ShowOrder(hers, "26387"), OpenNumber(hers, "212380"), AskSearch(hers, invoices=True)):  # fmt: skip
        screen = await forged(scene, luc, action)
        assert not screen.file
        for secret in ("293", "FedEx", "Client Odotrack"):
            assert secret not in screen.text, action
        assert "Transport Boréal" in " ".join(screen.labels)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_button_in_an_unlinked_chat_asks_to_link(scene: Scene, language: str) -> None:
    camille = await scene.linked(language)
    old = {
        label: await scene.say(camille, "212380") for label in ("PDF", "26387", "All" if language == "en" else "Toutes")
    }
    await scene.say(camille, "/delier")
    await scene.tap(camille, "Oui" if language == "fr" else "Yes")
    for label, screen in old.items():
        camille.tap(label, message=screen)
        assert await camille.wait_for_message() is screen
        assert "293" not in screen.text
        assert screen.labels[:1] == ["Lier mon compte" if language == "fr" else "Link my account"]
    assert "293" not in (await scene.say(camille, "212380")).text


async def test_button_of_an_older_version_shows_the_menu(scene: Scene) -> None:
    camille = await scene.linked()
    old = await scene.say(camille, "/factures")
    screen = await forged(scene, camille, "0i1|", old)
    assert "ancienne version" in screen.text
    assert "Que souhaitez-vous consulter" in (await scene.tap(camille, "Accueil")).text


async def test_second_tap_on_the_same_page_sends_nothing(scene: Scene) -> None:
    camille = await scene.linked("fr", BOREAL)
    listed = await scene.say(camille, "/factures")
    before = listed.text
    for _ in range(3):
        tap = camille.tap("1/7")
        await camille.wait_for_answer(tap)
    await scene.say(camille, "/aide")
    assert listed.text == before
    assert listed.edits == 0
    assert camille.chat().visible[-3] is listed, "nothing came but the help that was asked for"


async def test_tap_below_a_document_sends_a_message(scene: Scene) -> None:
    camille = await scene.linked()
    invoice = await scene.say(camille, "212380")
    link = link_of(invoice)
    camille.tap("PDF")
    document = await camille.wait_for_message("Facture-212380.pdf")
    screen = await forged(scene, camille, ListInvoices(link), document)
    assert "212380" in screen.text
    assert screen is not document


async def test_uneditable_screen_is_sent_again(scene: Scene) -> None:
    camille = await scene.linked()
    listed = await scene.say(camille, "/factures")
    tapped = encode(ShowInvoice(link_of(listed), "212380"))
    camille.delete(listed)
    assert "Payée le" in (await forged(scene, camille, tapped or "", listed)).text

    listed = await scene.say(camille, "/factures")
    scene.telegram.world.faults.add(
        "error", method="editMessageText", status=400, description="Bad Request: message can't be edited"
    )
    invoice = await scene.tap(camille, "212380")
    assert "Payée le" in invoice.text
    assert invoice is not listed


# Anything but a number.

SENT = {
    "a sticker": lambda person: person.send_sticker(),
    "a voice": lambda person: person.send_voice(),
    "a photo": lambda person: person.send_photo(),
    "a photo with words": lambda person: person.send_photo(caption="212380"),
    "a document": lambda person: person.send_document(),
    "a place": lambda person: person.send_location(),
    "a contact": lambda person: person.send_contact(),
    "an emoji": lambda person: person.say("👍"),
    "words": lambda person: person.say("Bonjour, où est ma facture?"),
    "4096 characters": lambda person: person.say("<b>" + "x" * 4093),
    "mark-up": lambda person: person.say("</b><a href='tg://user?id=1'>&lt;</a>"),
    "an unknown command": lambda person: person.say("/nimporte"),
    "another bot's command": lambda person: person.say("/commandes@another_bot"),
    "a slash": lambda person: person.say("/"),
    "digits without end": lambda person: person.say("7" * 4096),
    "marks of direction": lambda person: person.say("\u202e\u2066abc"),
    "marks over marks": lambda person: person.say("Z" + "\u0315" * 500),
}


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_each_message_type_gets_one_answer_with_a_button(scene: Scene, language: str) -> None:
    stranger = scene.person(language, "Zoé")
    linked = await scene.linked(language)
    for person in (stranger, linked):
        for name, send in SENT.items():
            send(person)
            answer = await person.wait_for_message()
            assert answer.labels, name
            assert len(answer.text) < 500, name
        answers = [message for message in person.chat().visible if message.from_bot]
        await scene.say(person, "/aide")
        assert len([message for message in person.chat().visible if message.from_bot]) == len(answers) + 1


@pytest.mark.parametrize("count", [2, 5])
async def test_album_gets_one_answer(scene: Scene, count: int) -> None:
    camille = await scene.linked()
    since = scene.telegram.world.events.sequence
    camille.send_album(count, caption="Voici")
    camille.send_album(count)
    camille.say("/aide")
    await camille.wait_for_message("/factures")
    came = [change for change in camille.chat().since(since) if change.message and change.message.from_bot]
    assert [change.kind for change in came] == ["message"] * 3, "one for each album, and the help"


async def test_edited_message_is_handled_again(scene: Scene) -> None:
    camille = await scene.linked()
    typed = camille.say("21238")
    await camille.wait_for_message("21238")
    camille.edit(typed, "212380")
    assert "Payée le" in (await camille.wait_for_message("Facture nº")).text
    command = camille.say("/comande")
    await camille.wait_for_message()
    camille.edit(command, "/commandes")
    assert "26387" in (await camille.wait_for_message("Commandes ·")).text


async def test_command_is_recognized_in_any_spelling(scene: Scene) -> None:
    camille = await scene.linked()
    for text in ("/commandes", "/ORDERS", "/Commandes", "/commandes@odobot", "/commandes 2", "/commandes\n2"):
        assert "26387" in (await scene.say(camille, text)).text, text


# Somebody else's words on a screen.


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_markup_and_direction_marks_in_names_are_text(scene: Scene, language: str) -> None:
    tom = await scene.linked(language, "html@example.test", first_name="<b>Tom</b>\u202e & Co")
    name = '<b>Tom & "Jerry"</b> evil'
    assert name in tom.screen().text
    for way in ("/orders", "/invoices", "/start", "/account", "/notices", "/mydata", "999999"):
        screen = await scene.say(tom, way)
        assert "\u202e" not in screen.text
        assert "&amp;" not in screen.text
        assert "&lt;" not in screen.text
        bold = [entity for entity in screen.entities if entity["type"] == "bold"]
        assert all(entity["offset"] == 0 for entity in bold), f"{way}: only the title is bold"
        assert not [entity for entity in screen.entities if entity["type"] in ("text_link", "text_mention")]
    order = await scene.say(tom, "/orders")
    order = await scene.tap(tom, "A/26")
    assert '2 × <a href="https://evil.example">Plan & Co</a>' in order.text
    assert "1 × _100 %_ *gras*" in order.text
    assert not [entity for entity in order.entities if entity["type"] == "text_link"]
    await scene.tap(tom, "(1)")
    invoice = await scene.tap(tom, "F/1&2")
    assert "F/1&2 <3>" in invoice.text


async def test_right_to_left_text_does_not_change_amounts(scene: Scene) -> None:
    people = scene.portal.portal.people
    people.add_account("a-9001", "\u202eשירותי מעקב\u202c\u0000 Inc\nRésumé")
    people.add_contact("c-9001", "rtl@example.test", "רות", access={"a-9001": ("orders", "invoices")})
    scene.portal.portal.create_order("a-9001", [(1, "\u2067מכשיר\u202e"), (2, "Plan")], number="90010")
    scene.portal.portal.issue_invoice("a-9001", amount="10.00", number="90011")
    ruth = await scene.linked("fr", "rtl@example.test", first_name="רות\u202e")
    for way in ("/commandes", "/factures", "90010", "90011", "/compte", "/mesdonnees", "999999"):
        screen = await scene.say(ruth, way)
        assert not set(screen.text) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u0000"), way
        for line in screen.text.split("\n"):
            assert line.count("\u2068") == line.count("\u2069"), f"{way}: what is isolated ends on its line"
    assert "מכשיר" in (await scene.say(ruth, "90010")).text


async def test_long_words_fit_into_a_message(scene: Scene) -> None:
    people = scene.portal.portal.people
    people.add_account("a-9001", "Très long " * 60)
    people.add_contact("c-9001", "long@example.test", "L", access={"a-9001": ("orders", "invoices")})
    lines = [(1, "é" * 1000 + str(each)) for each in range(60)]  # ten such orders are 1.2 MB: a page has 2 MiB
    for number in range(10):
        scene.portal.portal.create_order("a-9001", lines, number=f"LONG-{number}-" + "0" * 30)
    person = await scene.linked("fr", "long@example.test")
    await scene.say(person, "/parametres")
    await scene.tap(person, "10 lignes")
    listed = await scene.say(person, "/commandes")
    assert "1 à 10 de 10" in listed.text
    order = await scene.tap(person, "LONG-0")
    assert "1 à 20 de 60" in order.text
