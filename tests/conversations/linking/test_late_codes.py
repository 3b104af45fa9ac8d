"""The mail of a code while the mail server greylists, restarts, breaks off or refuses."""

import pytest

from sandbox.mail.faults import PRESETS, Act, Fault, Stage
from services.mailing import sending
from tests.scene import CLIENT, Scene

PASSING = {
    "greylisting": Fault(Stage.RCPT, code=451, times=3, text="4.7.1 Greylisted"),
    "restarting": Fault(Stage.MAIL, code=421, times=2, text="4.3.2 Shutting down"),
    "too many connections": Fault(Stage.CONNECT, code=421, times=3),
    "reset": Fault(Stage.CONNECT, Act.DROP, times=3),
    "content later": Fault(Stage.CONTENT, code=451, times=2),
    "lost after the content": Fault(Stage.CONTENT, Act.DROP, times=2),
}
LATE = {"fr": "tarde à répondre", "en": "slow to answer"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_SHORTEST_PAUSE", 0.05)


@pytest.mark.parametrize("fault", PASSING)
async def test_code_arrives_within_its_validity(scene: Scene, fault: str) -> None:
    scene.mailbox.fail(PASSING[fault])
    person = await scene.asked()
    assert "Connexion réussie" in (await scene.say(person, await scene.code())).text
    assert len([each for each in scene.mailbox.sent_to(CLIENT) if "code" in each.subject]) == 1


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("email", [CLIENT, "nobody@example.test"])
async def test_server_that_is_down_is_told_and_awaited(scene: Scene, language: str, email: str) -> None:
    """The words are the same for an address that the portal does not know."""
    await scene.mailbox.go_down()
    person = await scene.asked(language, email)
    late = await person.wait_for_message(LATE[language])
    assert email in late.text
    await scene.mailbox.come_back()
    if email == CLIENT:
        screen = await scene.say(person, await scene.code(email))
        assert {"fr": "Connexion réussie", "en": "onnected"}[language] in screen.text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_code_that_never_left_is_told(scene: Scene, language: str) -> None:
    await scene.mailbox.go_down()
    person = await scene.asked(language)
    await person.wait_for_message(LATE[language])
    scene.later(minutes=10)
    await person.wait_for_message({"fr": "n’a pu être envoyé", "en": "No code could be sent"}[language])


async def test_stop_of_the_bot_ends_the_wait(scene: Scene) -> None:
    await scene.mailbox.go_down()
    person = await scene.asked()
    await person.wait_for_message(LATE["fr"])
    await scene.settled()
    await person.wait_for_message("n’a pu être envoyé")


async def test_late_mail_says_the_time_that_is_left(scene: Scene) -> None:
    await scene.mailbox.go_down()
    person = await scene.asked()
    await person.wait_for_message(LATE["fr"])
    scene.later(minutes=6)
    await scene.mailbox.come_back()
    await scene.code()
    assert "4 minutes" in scene.mailbox.sent_to(CLIENT)[0].text


async def test_replaced_code_is_not_mailed_late(scene: Scene) -> None:
    await scene.mailbox.go_down()
    person = await scene.asked()
    await person.wait_for_message(LATE["fr"])
    await scene.tap(person, "Réessayer")  # at once: nothing was mailed yet
    await scene.mailbox.come_back()
    await scene.code()
    await scene.settled()
    assert len(scene.mailbox.sent_to(CLIENT)) == 1
    assert "Connexion réussie" in (await scene.say(person, await scene.code())).text


async def test_refused_login_is_told_at_once(scene: Scene) -> None:
    """A retry would not help: an operator has to act."""
    scene.mailbox.fail(PRESETS["tls_breaks"])
    scene.mailbox.fail(Fault(Stage.EHLO, code=554))
    person = await scene.asked()
    await person.wait_for_message("n’a pu être envoyé")


async def test_code_that_was_refused_opens_nothing(scene: Scene) -> None:
    """As for an address that the portal does not know: the answer is that of a wrong code."""
    scene.mailbox.fail(PRESETS["refused"])
    person = await scene.asked()
    await scene.settled()
    assert "pas le bon code" in (await scene.say(person, "123456")).text
