"""``/avis``: every subscription on and off, per account, in both languages."""

import pytest

from handlers.actions import SetSubscription, ShowSubscriptions
from handlers.telegram.callback_data import encode
from storage import chats
from tests.conversations.notices.test_notices import ANNA, AVIS, FLEET, LABELS, MAIL, NAME, PATIENCE, notices, subscribe
from tests.scene import CLIENT, Scene


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_no_subscription_by_default(scene: Scene, language: str) -> None:
    person = await scene.linked(language, MAIL[language])
    screen = await scene.say(person, AVIS[language])
    assert NAME[language] in screen.text
    assert screen.labels[:5] == list(LABELS[language])
    assert [label for label in screen.labels if label.startswith("✓")] == []


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_yes_at_linking_subscribes_to_new_invoices_only(scene: Scene, language: str) -> None:
    person = await scene.linked(language, MAIL[language], notices=True)
    screen = await scene.say(person, AVIS[language])
    assert [label for label in screen.labels if label.startswith("✓")] == [f"✓ {LABELS[language][0]}"]


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_each_subscription_is_switched_and_stored(scene: Scene, language: str) -> None:
    person = await scene.linked(language, MAIL[language])
    pdf = {"fr": "PDF joint aux nouvelles factures", "en": "PDF"}[language]
    await subscribe(scene, person, *LABELS[language], language=language)
    await scene.tap(person, pdf)
    await scene.settled()
    screen = await scene.say(person, AVIS[language])
    assert len([label for label in screen.labels if label.startswith("✓")]) == 6
    for label in LABELS[language]:
        screen = await scene.tap(person, f"✓ {label}")
        assert label in screen.labels
    screen = await scene.tap(person, pdf)
    assert [label for label in screen.labels if label.startswith("✓")] == []


async def test_subscriptions_are_per_account(scene: Scene) -> None:
    camille = await scene.linked()
    which = await scene.say(camille, "/avis")
    assert which.labels[:2] == ["Client Odotrack", "Client Odotrack 2016"]
    await scene.tap(camille, "Client Odotrack 2016")
    await scene.tap(camille, "Nouvelle facture")
    await scene.tap(camille, "Autres comptes")
    other = await scene.tap(camille, "Client Odotrack")
    assert "✓ Nouvelle facture" not in other.labels
    portal = scene.portal.portal
    portal.issue_invoice("a-2001", amount="40.19", number="212381")
    portal.issue_invoice("a-2002", amount="40.19", number="39999")
    await camille.wait_for_message("39999", new=True, timeout=PATIENCE)
    assert notices(camille, "212381") == []


async def test_chats_of_one_address_have_separate_subscriptions(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET)
    scene.later(minutes=2)  # one address gets one code a minute
    alix = await scene.linked(email=FLEET, first_name="Alix", notices=True)
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await alix.wait_for_message("990001", new=True, timeout=PATIENCE)
    assert notices(camille, "990001") == []


async def test_account_linked_by_two_addresses_gives_one_notice(scene: Scene) -> None:
    """An account that two addresses of the chat open gives one notice for each event."""
    camille = await scene.linked(email=FLEET, notices=True)
    await scene.say(camille, "/lier")
    await scene.say(camille, "Comptable@Example.Test")  # c-1009: a-2003 too, and a-2004
    await scene.say(camille, await scene.code("Comptable@Example.Test"))
    camille.tap(row=0, column=0)
    await camille.wait_for_message("Voulez-vous")
    await scene.tap(camille, "Oui")
    before = len(camille.chat().visible)
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    await camille.wait_for_message("990001", new=True, timeout=PATIENCE)
    scene.portal.portal.issue_invoice("a-2004", amount="40.19", number="990002")
    await camille.wait_for_message("990002", new=True, timeout=PATIENCE)
    assert len(camille.chat().visible) == before + 2


async def test_unlinked_chat_has_no_subscriptions(scene: Scene) -> None:
    stranger = scene.person()
    assert "pas encore liée" in (await scene.say(stranger, "/avis")).text


async def test_forged_button_changes_no_other_subscription(scene: Scene) -> None:
    camille, anna = await scene.linked(email=FLEET), await scene.linked("en", ANNA)
    async with scene.components.database.read() as session:
        (link,) = (await chats.load(session, camille.user_id)).links
    screen = await scene.say(anna, "/notices")
    for action in (SetSubscription(link.link_id, "invoice.issued", on=True), ShowSubscriptions(link.link_id)):
        await anna.wait_for_answer(anna.forge_tap(screen, encode(action) or ""))
    await scene.settled()
    assert notices(anna, "Boréal") == []
    async with scene.components.database.read() as session:
        (link,) = (await chats.load(session, camille.user_id)).links
    assert not link.subscriptions


async def test_unknown_subscription_is_not_stored(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET)
    async with scene.components.database.read() as session:
        (link,) = (await chats.load(session, camille.user_id)).links
    screen = await scene.say(camille, "/avis")
    for kind in ("contact.removed", "x y", ""):
        await camille.wait_for_answer(
            camille.forge_tap(screen, encode(SetSubscription(link.link_id, kind, on=True)) or "")
        )
    await scene.settled()
    async with scene.components.database.read() as session:
        (link,) = (await chats.load(session, camille.user_id)).links
    assert not link.subscriptions


async def test_unsubscribe_button_of_a_removed_link_is_answered(scene: Scene) -> None:
    camille = await scene.linked(email=FLEET, notices=True)
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number="990001")
    notice = await camille.wait_for_message("990001", new=True, timeout=PATIENCE)
    await scene.say(camille, "/delier")
    await scene.tap(camille, "Oui")
    camille.tap("Ne plus recevoir", message=notice)
    assert "pas encore liée" in (await camille.wait_for_message()).text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_quiet_hours_and_time_zone_are_stored_and_shown(scene: Scene, language: str) -> None:
    french = language == "fr"
    person = await scene.linked(language, CLIENT)
    await scene.say(person, AVIS[language])
    screen = await scene.tap(person, "Heures calmes" if french else "Quiet hours")
    assert screen.labels[0] == ("✓ Aucune" if french else "✓ None")
    assert screen.text.endswith("Toronto")
    screen = await scene.tap(person, "de 22" if french else "10:00")
    assert [label for label in screen.labels if label.startswith("✓ ") and ("22" in label or "10:00" in label)]
    cities = await scene.tap(person, "fuseau" if french else "zone")
    assert "✓ Montréal, Toronto" in cities.labels
    assert "Winnipeg" in cities.labels
    screen = await scene.tap(person, "Halifax")
    assert screen.text.endswith("Halifax")
    await scene.settled()
    await scene.say(person, AVIS[language])
    screen = await scene.tap(person, "Heures calmes" if french else "Quiet hours")
    assert screen.text.endswith("Halifax")
    assert ("22\u00a0h" in screen.text or "22 h" in screen.text) if french else "10:00" in screen.text
    screen = await scene.tap(person, "Aucune" if french else "None")
    assert screen.labels[0].startswith("✓ ")


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_quiet_hours_of_other_hours(scene: Scene, language: str) -> None:
    """Start and end are asked for one after the other; each question leads back."""
    french = language == "fr"
    person = await scene.linked(language)
    await scene.say(person, "/avis")
    first = await scene.tap(person, "Heures calmes" if french else "Quiet hours")
    assert ("de 20\u00a0h à 7\u00a0h" if french else "8:00") in "\n".join(first.labels)
    await scene.tap(person, "Autres heures" if french else "Other hours")
    await scene.tap(person, "Retour" if french else "Back")
    await scene.tap(person, "Autres heures" if french else "Other hours")
    asked = await scene.tap(person, "19\u00a0h" if french else "7:00\u202fp.m.")
    assert ("19\u00a0h" if french else "7:00\u202fp.m.") in asked.text
    done = await scene.tap(person, "5\u00a0h" if french else "5:00\u202fa.m.")
    assert ("de 19\u00a0h à 5\u00a0h" if french else "5:00\u202fa.m.") in done.text
    assert ".." not in done.text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_cities_of_the_time_zones(scene: Scene, language: str) -> None:
    """The list has Regina and the company's own zone, and leads back."""
    french = language == "fr"
    await scene.stop_bot()
    await scene.start_bot(timezone="America/Moncton")
    person = await scene.linked(language)
    await scene.say(person, "/avis")
    await scene.tap(person, "Heures calmes" if french else "Quiet hours")
    cities = await scene.tap(person, "fuseau" if french else "time zone")
    assert "✓ Moncton" in cities.labels
    assert [label for label in cities.labels if label.endswith("John’s")]
    chosen = await scene.tap(person, "Regina")
    assert "Regina" in chosen.text
    await scene.tap(person, "fuseau" if french else "time zone")
    back = await scene.tap(person, "Retour" if french else "Back")
    assert "Regina" in back.text


@pytest.mark.parametrize(("company_zone", "city"), [("America/Regina", "Regina"), ("America/Whitehorse", "Whitehorse")])
async def test_company_zone_can_be_chosen(database_url: str, company_zone: str, city: str) -> None:
    """The company's own zone is offered, also one that is not among the usual ones; so is Regina."""
    async with Scene(database_url, timezone=company_zone) as scene:
        person = await scene.linked()
        await scene.say(person, AVIS["fr"])
        await scene.tap(person, "Heures calmes")
        cities = await scene.tap(person, "fuseau")
        assert f"✓ {city}" in cities.labels
        assert {"Regina", "Halifax"} <= {label.removeprefix("✓ ") for label in cities.labels}
        await scene.tap(person, "Halifax")
        await scene.tap(person, "fuseau")
        assert city in (await scene.tap(person, city)).text
