"""The codes of a bookkeeper's copy and of a revocation: own numbers that look like them, older ones, and leaving."""

import pytest

from sandbox.telegram.model import Message
from sandbox.telegram.persons import Person
from tests.conversations.notices.test_copies import BOOKS, WORDS, asked, give, mailed
from tests.conversations.notices.test_notices import ACCOUNT, AVIS, MAIL
from tests.scene import CLIENT, Scene
from tests.security.access.test_revocation import ask_to_revoke, owner_and_thief

SERIES = "series@example.test"
INVOICE = {"fr": "Facture nº\u00a0990001", "en": "Invoice no.\u00a0990001"}
ORDER = {"fr": "Commande nº\u00a0990002", "en": "Order no.\u00a0990002"}
NOT_COMPARED = {"fr": "aucun essai", "en": "no attempt"}
WAS_CODE = {"fr": "C’était le code", "en": "It was the code"}
TWO_LEFT = {"fr": "Il reste 2 essais", "en": "2 attempts are left"}
FOUR_LEFT = {"fr": "Il reste 4 essais", "en": "4 attempts are left"}
OLDER = {"fr": "courriel précédent", "en": "an earlier email"}
LEFT = {"fr": "n’attendais pas de réponse", "en": "not waiting for an answer"}
COPY_LEFT = {"fr": "copie pour la comptabilité n’a pas été changée", "en": "copy was not changed"}
REVOCATION_LEFT = {"fr": "aucune conversation n’a été retirée", "en": "no conversation was removed"}
LEAVING = {"fr": ("/annuler", "annuler", "laisse faire"), "en": ("/cancel", "cancel", "never mind")}
OTHER_ACCOUNT = {"fr": "Trouvé dans un autre de vos comptes", "en": "Found in another of your accounts"}


async def opens(scene: Scene, person: Person, text: str, title: str, language: str) -> Message:
    """Type an own number while a code is awaited, and assert that it is shown and not compared."""
    opened = await scene.say(person, text)
    assert title in opened.text, text
    assert NOT_COMPARED[language] in opened.text.lower(), text
    assert opened.labels[-1] == WAS_CODE[language]
    return opened


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_own_number_while_a_bookkeepers_code_is_awaited(scene: Scene, language: str) -> None:
    """More of them than there are attempts; the button compares, and the right code confirms after it."""
    person = await asked(scene, language)
    code = await scene.code(BOOKS)
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number="990001")
    scene.portal.portal.create_order(ACCOUNT[language], [(1, "Balise")], number="990002")
    for text in ("990001", "990 001", "990001."):
        await opens(scene, person, text, INVOICE[language], language)
    await opens(scene, person, "990002", ORDER[language], language)
    assert TWO_LEFT[language] in (await scene.tap(person, WAS_CODE[language])).text
    assert BOOKS in (await scene.say(person, code)).text
    await mailed(scene, "990003", account=ACCOUNT[language])


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_own_number_that_is_a_bookkeepers_code(scene: Scene, language: str) -> None:
    """The number opens, and its button confirms the copy."""
    person = await asked(scene, language)
    code = await scene.code(BOOKS)
    scene.portal.portal.issue_invoice(ACCOUNT[language], amount="40.19", number=code)
    title = INVOICE[language].replace("990001", code)
    await opens(scene, person, code, title, language)
    assert BOOKS in (await scene.tap(person, WAS_CODE[language])).text
    await mailed(scene, "990003", account=ACCOUNT[language])


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_foreign_number_is_compared_with_a_bookkeepers_code(scene: Scene, language: str) -> None:
    person = await asked(scene, language)
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="990001")
    assert WORDS[language][5] in (await scene.say(person, "990001")).text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_own_number_in_another_account_while_a_code_is_awaited(scene: Scene, language: str) -> None:
    person = await scene.linked(language, SERIES)
    scene.portal.portal.issue_invoice("a-2013", amount="40.19", number="990001")
    scene.portal.portal.issue_invoice("a-2012", amount="40.19", number="990002")
    scene.later(minutes=2)
    await scene.say(person, "/lier")
    await scene.say(person, CLIENT)
    code = await scene.code(CLIENT)
    titles = set()
    for number in ("990001", "990002"):
        title = INVOICE[language].replace("990001", number)
        opened = await opens(scene, person, number, title, language)
        titles.add(OTHER_ACCOUNT[language] in opened.text)
    assert titles == {True, False}, "one of the two is in the account that is not shown"
    assert FOUR_LEFT[language] in (await scene.tap(person, WAS_CODE[language])).text
    assert {"fr": "Connexion réussie", "en": "onnected"}[language] in (await scene.say(person, code)).text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_own_number_while_a_revocation_code_is_awaited(scene: Scene, language: str) -> None:
    owner, newer = await owner_and_thief(scene, language)
    before = len(scene.mailbox.sent_to(CLIENT))
    await ask_to_revoke(scene, newer, language)
    code = await scene.code(count=before + 1)
    title = {"fr": "Facture nº\u00a0212380", "en": "Invoice no.\u00a0212380"}[language]
    for _ in range(6):
        await opens(scene, newer, "212380", title, language)
    assert FOUR_LEFT[language] in (await scene.tap(newer, WAS_CODE[language])).text
    await scene.say(newer, code)
    await owner.wait_for_message({"fr": "retirée d’un compte", "en": "was removed from"}[language])


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_older_code_of_a_bookkeeper_costs_nothing(scene: Scene, language: str) -> None:
    """More often than there are attempts; the last code confirms after it."""
    person = await asked(scene, language)
    older = await scene.code(BOOKS)
    scene.later(minutes=2)
    await give(scene, person, BOOKS, language)
    newer = await scene.code(BOOKS, 2)
    for _ in range(4):
        assert OLDER[language] in (await scene.say(person, older)).text
    assert BOOKS in (await scene.say(person, newer)).text
    await mailed(scene, "990003", account=ACCOUNT[language])


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_older_code_of_a_revocation_costs_nothing(scene: Scene, language: str) -> None:
    owner, newer = await owner_and_thief(scene, language)
    before = len(scene.mailbox.sent_to(CLIENT))
    await ask_to_revoke(scene, newer, language)
    older = await scene.code(count=before + 1)
    scene.later(minutes=2)
    await ask_to_revoke(scene, newer, language)
    last = await scene.code(count=before + 2)
    for _ in range(6):
        assert OLDER[language] in (await scene.say(newer, older)).text
    await scene.say(newer, last)
    await owner.wait_for_message({"fr": "retirée d’un compte", "en": "was removed from"}[language])


# Leaving


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_bookkeepers_address_is_left(scene: Scene, language: str) -> None:
    """Afterwards an address is no longer taken for the bookkeeper's."""
    person = await scene.linked(language, MAIL[language])
    for word in LEAVING[language]:
        await scene.say(person, AVIS[language])
        await scene.tap(person, WORDS[language][0])
        await scene.tap(person, WORDS[language][1])
        assert COPY_LEFT[language] in (await scene.say(person, word)).text, word
        assert LEFT[language] in (await scene.say(person, word)).text, word
    await scene.say(person, BOOKS)
    await scene.settled()
    assert scene.mailbox.sent_to(BOOKS) == []


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("word", [0, 1, 2])
async def test_bookkeepers_code_is_left(scene: Scene, language: str, word: int) -> None:
    """Afterwards the code confirms nothing."""
    person = await asked(scene, language)
    code = await scene.code(BOOKS)
    assert COPY_LEFT[language] in (await scene.say(person, LEAVING[language][word])).text
    assert LEFT[language] in (await scene.say(person, LEAVING[language][word])).text
    assert BOOKS not in (await scene.say(person, code)).text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_revocation_code_is_left(scene: Scene, language: str) -> None:
    """Afterwards the code revokes nothing."""
    owner, newer = await owner_and_thief(scene, language)
    before = len(scene.mailbox.sent_to(CLIENT))
    await ask_to_revoke(scene, newer, language)
    code = await scene.code(count=before + 1)
    assert REVOCATION_LEFT[language] in (await scene.say(newer, LEAVING[language][0])).text
    assert LEFT[language] in (await scene.say(newer, LEAVING[language][0])).text
    await scene.say(newer, code)
    assert "212380" in (await scene.say(owner, {"fr": "/factures", "en": "/invoices"}[language])).text
