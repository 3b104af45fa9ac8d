"""Personal data: what is stored, shown, erased and never logged."""

import asyncio

import pytest
from cryptography.fernet import Fernet

from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.persons import Person
from storage.inbox import Inbox
from storage.vault import Vault
from tests.scene import CLIENT, Scene
from tests.storage import file_of, rows_of

POLICY = {
    "fr": ("Odotrack est responsable", "vieprivee@odotrack.test", "telegram.org/privacy", "/mesdonnees", "/oublier",
           "48 heures", "porter plainte", "pendant 400 jours", "27 novembre 2026"),
    "en": ("Odotrack is responsible", "vieprivee@odotrack.test", "telegram.org/privacy", "/mydata", "/forget",
           "48 hours", "complain", "for 400 days", "November 27, 2026"),
}  # fmt: skip
DATA = {
    "fr": ("/mesdonnees", "Rien n’est conservé", "/oublier", "Oui", "Non", "pas encore liée"),
    "en": ("/mydata", "Nothing is kept", "/forget", "Yes", "No", "not linked"),
}


async def written(scene: Scene) -> bytes:
    """Return all bytes of SQLite's files, or the rows of PostgreSQL's tables."""
    if not scene.components.database.is_sqlite:
        return repr(await rows_of(scene.components.database)).encode()
    path = file_of(scene.database_url)
    return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))


async def opened(scene: Scene) -> str:
    """Return all stored data with its sealed columns decrypted, once the inbox is empty."""
    async with asyncio.timeout(10):
        while await Inbox(scene.components.database).load():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    vault = Vault([scene.keys])
    return "\n".join(
        vault.open_or_none(value) if name.endswith("_sealed") and value else str(value)
        for rows in (await rows_of(scene.components.database)).values()
        for row in rows
        for name, value in row.items()
    )


async def forget(scene: Scene, person: Person, language: str = "fr") -> str:
    """Send /oublier and confirm."""
    await scene.say(person, DATA[language][2])
    return (await scene.tap(person, DATA[language][3])).text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_privacy_policy_has_its_required_parts(scene: Scene, language: str) -> None:
    for person in (scene.person(language), await scene.linked(language)):
        screen = await scene.say(person, "/confidentialite")
        parts = [screen.text]
        for label in screen.labels[:3]:  # a tap edits the message, and its buttons
            screen = await scene.say(person, "/confidentialite")
            parts.append((await scene.tap(person, label)).text)
        text = "\n".join(parts)
        assert [word for word in POLICY[language] if word not in text] == []
        assert not any(part.endswith("…") for part in parts)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_data_is_shown_and_erased_after_confirmation(scene: Scene, language: str) -> None:
    show, nothing, ask, yes, no, not_linked = DATA[language]
    person = await scene.linked(language, first_name="Éloïse")

    shown = await scene.say(person, show)
    facts = (str(person.user_id), "Éloïse", CLIENT, "Client Odotrack 2016", "15", "5")
    assert all(fact in shown.text for fact in facts)
    question = await scene.say(person, ask)
    assert [label.split(",")[0] for label in question.labels] == [yes, no]
    await scene.tap(person, no)
    assert CLIENT in (await scene.say(person, show)).text
    await forget(scene, person, language)
    assert nothing in (await scene.say(person, show)).text
    assert not_linked in (await scene.say(person, "/factures")).text


async def test_unlinked_visitor_leaves_no_personal_data(scene: Scene) -> None:
    person = scene.person()
    for command in ("/start", "/aide", "/portail", "/confidentialite", "/commandes", "/langue", "/parametres"):
        await scene.say(person, command)

    assert "Rien n’est conservé" in (await scene.say(person, "/mesdonnees")).text
    assert str(person.user_id) not in await opened(scene)


async def test_requested_address_is_part_of_the_shown_data(scene: Scene) -> None:
    person = await scene.asked(email="nobody@example.test")

    assert "nobody@example.test" in (await scene.say(person, "/mesdonnees")).text


async def test_database_has_no_plain_address_name_or_code(scene: Scene) -> None:
    person = await scene.linked(first_name="Éloïse-Zoé")
    scene.later(minutes=2)
    await scene.say(person, "/lier")
    await scene.say(person, "flotte@example.test")
    code = await scene.code("flotte@example.test")
    await scene.say(person, "/langue")
    assert "Éloïse-Zoé" in await opened(scene)
    assert CLIENT in await opened(scene)

    on_disk = await written(scene)

    for word in (CLIENT, "flotte@", "example.test", "Éloïse", "Zo\u00e9", "Client Odotrack", "Camille Client", code):
        assert word.encode() not in on_disk, word


async def test_oublier_leaves_only_the_count_of_codes(scene: Scene) -> None:
    person = await scene.linked(first_name="Éloïse-Zoé")
    scene.later(minutes=2)
    await scene.say(person, "/lier")
    await scene.say(person, "flotte@example.test")
    await scene.mailbox.wait_for("flotte@example.test")

    await forget(scene, person)

    left = await opened(scene)
    assert all(word not in left for word in (CLIENT, "flotte@example.test", "Éloïse", "Client Odotrack"))


async def test_every_unlinking_deletes_name_and_address(scene: Scene) -> None:
    """Unlinking by the person, another chat, the portal or the operator leaves neither name nor address."""
    camille = await scene.linked()
    scene.later(minutes=2)
    aline = await scene.linked(first_name="Aline-Zoé")
    await scene.say(camille, "/compte")
    await scene.tap(camille, "Retirer")
    await scene.tap(camille, "Oui")
    await aline.wait_for_message("retirée")

    assert "Aline" not in (await scene.say(aline, "/mesdonnees")).text
    await scene.say(camille, "/delier")
    await scene.tap(camille, "Oui")

    left = await opened(scene)
    assert all(word not in left for word in ("Aline-Zoé", "Camille", "Client Odotrack"))


async def test_oublier_resets_the_menu_to_the_client_language(scene: Scene) -> None:
    person = scene.person("fr")
    await scene.say(person, "/langue")
    await scene.tap(person, "English")
    changed = scene.telegram.world.log.changed
    assert await changed.until(lambda: "orders" in str(person.menu()) or None, 5.0)

    await forget(scene, person, "en")

    assert "Bienvenue" in (await scene.say(person, "/start")).text
    assert await changed.until(lambda: "commandes" in str(person.menu()) or None, 5.0)


async def test_button_from_before_oublier_shows_no_data(scene: Scene) -> None:
    person = await scene.linked()
    old = await scene.say(person, "/factures")
    await forget(scene, person)

    person.tap("212380", message=old)

    screen = await person.wait_for_message()
    assert "pas encore liée" in screen.text
    assert "293,08" not in screen.text


async def test_erased_chat_can_link_again(scene: Scene) -> None:
    person = await scene.linked()
    await forget(scene, person)
    scene.later(minutes=2)
    await scene.say(person, CLIENT)

    assert "Connexion réussie" in (await scene.say(person, await scene.code(count=3))).text


async def test_old_keys_still_decrypt(scene: Scene) -> None:
    person = await scene.linked()
    await scene.stop_bot()
    scene.keys = f"{Fernet.generate_key().decode()},{scene.keys}"
    await scene.start_bot()

    assert CLIENT in (await scene.say(person, "/mesdonnees")).text
    scene.later(minutes=2)
    aline = await scene.linked(first_name="Aline")
    assert "Camille" in (await scene.say(aline, "/compte")).text


async def test_failures_log_no_personal_data(scene: Scene, capfd: pytest.CaptureFixture[str]) -> None:
    """No failure logs an address, a code, a name or a text."""
    person = await scene.asked(first_name="Éloïse-Zoé")
    code = await scene.code()
    scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, path="/v1/contacts/search"))
    await scene.say(person, "secretissime")
    await scene.say(person, code)
    scene.portal.faults.clear()
    scene.portal.faults.set(Fault(FaultKind.MALFORMED_JSON, path="/v1/contacts/search"))
    scene.later(seconds=5)
    await scene.tap(person, "Réessayer")
    scene.portal.faults.clear()
    await scene.settled()
    scene.later(minutes=2)
    await scene.mailbox.go_down()
    await scene.say(person, "/lier")
    await scene.say(person, "flotte@example.test")
    await person.wait_for_message(label="Réessayer")
    await scene.stop_bot()

    logged = "".join(capfd.readouterr())

    assert "odobot.started" in logged
    for word in (CLIENT, "flotte@", code, "Éloïse", "secretissime", scene.keys, "AAsandbox"):
        assert word not in logged, word
