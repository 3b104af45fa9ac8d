"""An address in a text that nothing awaits: the person's own new one, the bookkeeper's, or nobody knows."""

import pytest

from tests.scene import Scene

FLEET = "flotte@example.test"
ACCOUNTS = {"fr": "Vos comptes", "en": "Your accounts"}
UNASKED = {"fr": "je n’en attendais pas", "en": "not expecting one"}
COPY = {"fr": "Copie pour la comptabilité", "en": "Bookkeeper’s copy"}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "change mon email pour luc@x.test"),
        ("fr", "mon nouveau courriel c'est luc@x.test"),
        ("fr", "je n'ai plus accès à l'ancienne adresse, écrivez à luc@x.test"),
        ("fr", "envoyez tout à ma nouvelle adresse luc@x.test"),
        ("fr", "mon courriel est maintenant luc@x.test"),
        ("en", "my email is changing to luc@x.test"),
        ("en", "my email changed, it's now luc@x.test"),
        ("en", "please send my invoices to my new email luc@x.test"),
        ("en", "I lost access to my old mailbox, use luc@x.test"),
        ("en", "our address is now 55 King St W, luc@x.test from Monday"),
    ],
)
async def test_change_of_own_address_opens_the_accounts(scene: Scene, language: str, text: str) -> None:
    person = await scene.linked(language, FLEET)
    assert (await scene.say(person, text)).text.startswith(ACCOUNTS[language])
    assert scene.mailbox.sent_to("luc@x.test") == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "envoie une copie à luc@x.test"),
        ("fr", "envoye ca a la comptable luc@x.test"),
        ("fr", "le nouveau courriel de ma comptable est luc@x.test"),
        ("fr", "transfère mes factures à ma comptable, luc@x.test"),
        ("en", "cc my accountant luc@x.test"),
        ("en", "send a copy of every invoice to luc@x.test"),
        ("en", "please email them to luc@x.test"),
    ],
)
async def test_copy_that_is_asked_for_starts(scene: Scene, language: str, text: str) -> None:
    person = await scene.linked(language, FLEET)
    assert "luc@x.test" in (await scene.say(person, text)).text
    assert await scene.mailbox.wait_for("luc@x.test")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "luc@x.test"),
        ("fr", "écris à luc@x.test"),
        ("fr", "mon courriel est luc@x.test"),
        ("en", "luc@x.test"),
        ("en", "contact luc@x.test"),
    ],
)
async def test_other_address_gets_the_offer(scene: Scene, language: str, text: str) -> None:
    person = await scene.linked(language, FLEET)
    assert UNASKED[language] in (await scene.say(person, text)).text
    assert scene.mailbox.sent_to("luc@x.test") == []


@pytest.mark.parametrize(
    ("language", "text"),
    [("fr", "arrête les copies à luc@x.test"), ("en", "stop sending copies to luc@x.test")],
)
async def test_stopping_a_copy_starts_none(scene: Scene, language: str, text: str) -> None:
    person = await scene.linked(language, FLEET)
    assert (await scene.say(person, text)).text.startswith(COPY[language])
    assert scene.mailbox.sent_to("luc@x.test") == []
