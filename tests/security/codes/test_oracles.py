"""What a person who guesses learns without paying an attempt: nothing about the awaited code.

The ways without an attempt are the look-up of an own number, the code before the last one, a text with several codes
and repeated taps. Each is tried with the right code, with a wrong one, and with the attempts counted.
"""

import pytest

from sandbox.telegram.persons import Person
from services.linking import linking as linking_service
from storage.linking.codes import latest
from storage.tables import Code, CodeState
from tests.scene import CLIENT, Scene

SERIES = "series@example.test"
WRONG = "pas le bon code"
OLDER = "courriel précédent"


async def attempts(scene: Scene, person: Person) -> int:
    async with scene.components.database.read() as session:
        stored = await latest(session, person.user_id, CodeState.LIVE)
        assert stored is not None
        row = await session.get(Code, stored.code_id)
        assert row is not None
        return row.attempts


async def waiting(scene: Scene, email: str = CLIENT) -> Person:
    """Return a person linked to the account of odd numbers, who asked for a code for another address."""
    person = await scene.linked("fr", SERIES)
    scene.later(minutes=2)
    await scene.say(person, "/lier")
    await scene.say(person, email)
    await scene.settled()  # the code is on its way, and a portal that fails from here on does not revoke it
    return person


async def test_own_number_costs_nothing_until_it_is_compared(scene: Scene) -> None:
    person = await waiting(scene)
    for text in ("654321", "654 321", "654321.", "commande 654321 svp"):
        opened = await scene.say(person, text)
        assert "Commande nº\u00a0654321" in opened.text, text
        assert opened.labels[-1] == "C’était le code"
    assert await attempts(scene, person) == 0
    data = opened.buttons[-1][0].callback_data or ""
    for _ in range(4):  # taps that piled up
        person.forge_tap(opened, data)
    await scene.say(person, "/aide")
    assert await attempts(scene, person) == 1
    assert WRONG in opened.text


async def test_look_up_says_nothing_about_the_code(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to an own number is the same whether or not it is the code; the button then proves it."""
    person = await waiting(scene)
    wrong = await scene.say(person, "654321")
    scene.later(minutes=2)
    monkeypatch.setattr(linking_service, "new_code", lambda *, is_long: "654321")
    await scene.say(person, CLIENT)
    await scene.code(CLIENT, 2)
    right = await scene.say(person, "654321")
    assert (right.text, right.labels) == (wrong.text, wrong.labels)
    person.tap("C’était le code")
    assert "Connexion réussie" in (await person.wait_for_message()).text


async def test_number_that_is_not_own_costs_an_attempt(scene: Scene) -> None:
    """The portal's search, which finds part of a number, never replaces the comparison."""
    person = await waiting(scene)
    for count, text in enumerate(("212380", "200012", "000000"), start=1):
        assert WRONG in (await scene.say(person, text)).text, text
        assert await attempts(scene, person) == count


@pytest.mark.parametrize("email", [CLIENT, "nobody@example.test"])
async def test_code_before_the_last_costs_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch, email: str) -> None:
    """It is the same for an address that the portal does not know. Any other guess costs an attempt."""
    drawn = iter(("111111", "111111", "222222"))
    monkeypatch.setattr(linking_service, "new_code", lambda *, is_long: next(drawn))
    person = await scene.asked(email=email)
    scene.later(seconds=61)
    await scene.tap(person, "Renvoyer un code")
    await scene.settled()
    for _ in range(7):
        assert OLDER in (await scene.say(person, "111111")).text, "the new code is never the one that it replaces"
    assert await attempts(scene, person) == 0
    assert WRONG in (await scene.say(person, "333333")).text
    assert await attempts(scene, person) == 1
    if email == CLIENT:
        assert "Connexion réussie" in (await scene.say(person, "222222")).text


async def test_older_code_is_of_the_same_request_only(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A code of another chat, or for another address, is a wrong one."""
    drawn = iter(("111111", "222222", "333333", "444444"))
    monkeypatch.setattr(linking_service, "new_code", lambda *, is_long: next(drawn))
    other = await scene.asked()
    assert other
    thief = await scene.asked(email="flotte@example.test")
    scene.later(seconds=61)
    await scene.say(thief, CLIENT)
    for code in ("111111", "222222"):
        assert WRONG in (await scene.say(thief, code)).text, code
    assert await attempts(scene, thief) == 2


def draw(monkeypatch: pytest.MonkeyPatch, *long_codes: str) -> None:
    """Have these long codes drawn, one after the other; short ones are drawn as they are."""
    drawn, new_code = iter(long_codes), linking_service.new_code
    monkeypatch.setattr(
        linking_service, "new_code", lambda *, is_long: next(drawn) if is_long else new_code(is_long=False)
    )


async def crowded(scene: Scene, email: str) -> None:
    """Let five others ask for codes of an address, so that the next ones are long."""
    for _ in range(5):
        await scene.asked(email=email)
    await scene.settled()


@pytest.mark.parametrize(
    ("language", "older", "wrong"),
    [("fr", OLDER, WRONG), ("en", "an earlier email", "not the right code")],
)
@pytest.mark.parametrize("email", [CLIENT, "nobody@example.test"])
async def test_older_long_code_costs_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, email: str, language: str, older: str, wrong: str
) -> None:
    """Its time is over. It is the same for an address that the portal does not know; any other guess is counted."""
    draw(monkeypatch, "AAAA2222", "BBBB3333")
    await crowded(scene, email)
    person = await scene.asked(language, email)
    await scene.settled()
    scene.later(hours=3)
    await crowded(scene, email)
    await scene.say(person, email)
    await scene.settled()
    for text in ("AAAA-2222", "aaaa2222", "code: AAAA 2222", "AAAA-2222") * 2:
        assert older in (await scene.say(person, text)).text, text
    assert await attempts(scene, person) == 0
    assert wrong in (await scene.say(person, "CCCC-4444")).text
    assert await attempts(scene, person) == 1
    linked = {"fr": "Connexion réussie", "en": "connected"}[language]
    assert (linked if email == CLIENT else wrong) in (await scene.say(person, "BBBB-3333")).text


async def test_used_long_code_costs_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do those of other chats, which it withdrew: a person cannot tell their mails apart."""
    draw(monkeypatch, "AAAA2222", "BBBB3333", "CCCC4444")
    await crowded(scene, CLIENT)
    owner, other = await scene.asked(), await scene.asked()
    await scene.settled()
    assert "Connexion réussie" in (await scene.say(owner, "AAAA-2222")).text
    scene.later(seconds=61)
    await scene.say(other, CLIENT)
    await scene.settled()
    for text in ("AAAA-2222", "BBBB-3333"):
        assert OLDER in (await scene.say(other, text)).text, text
    assert await attempts(scene, other) == 0
    assert "Connexion réussie" in (await scene.say(other, "CCCC-4444")).text


async def test_long_code_before_the_last_is_accepted(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as its mail says; another address's code is a wrong one."""
    draw(monkeypatch, "AAAA2222", "BBBB3333", "CCCC4444")
    await crowded(scene, "flotte@example.test")
    await scene.asked(email="flotte@example.test")
    await crowded(scene, CLIENT)
    person = await scene.asked()
    await scene.settled()
    scene.later(seconds=61)
    await scene.tap(person, "Renvoyer un code")
    await scene.settled()
    assert WRONG in (await scene.say(person, "AAAA-2222")).text
    assert await attempts(scene, person) == 1
    assert "Connexion réussie" in (await scene.say(person, "BBBB-3333")).text


async def test_several_codes_in_a_text_are_not_compared(scene: Scene) -> None:
    person = await scene.asked()
    code = await scene.code()
    other = "000000" if code != "000000" else "111111"
    assert "plusieurs codes" in (await scene.say(person, f"{other} ou {code}")).text
    assert await attempts(scene, person) == 0
    english = await scene.asked("en", "flotte@example.test")
    assert "more than one code" in (await scene.say(english, "123456 or 654321")).text


async def test_portal_that_is_away_does_not_stop_a_code(scene: Scene) -> None:
    """Without the portal no number is known to be own: the text is compared, and costs its attempt."""
    from sandbox.portal.faults import Fault, FaultKind

    person = await waiting(scene)
    scene.portal.faults.set(
        Fault(FaultKind.SERVER_ERROR, "*/orders*"),
    )
    scene.portal.faults.set(Fault(FaultKind.SERVER_ERROR, "*"))
    await scene.say(person, "654321")
    assert await attempts(scene, person) == 1
