"""Linking under limits and failures: attempts, time, requests an hour, unknown addresses, outages."""

import asyncio
import re
from collections.abc import Callable

import pytest

from sandbox.mail.faults import Act, Fault as MailFault, Stage
from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.persons import Person
from tests.scene import CLIENT, Scene

STRANGER = "nobody@example.test"
SEARCH = "/v1/contacts/search"
WORDS = {
    "fr": ("Il reste 4 essais", "Il reste 1 essai.", "plus d’essai", "n’est plus valable", "Renvoyer un code"),
    "en": ("4 attempts are left", "1 attempt is left.", "no attempt is left", "no longer valid", "Send another code"),
}
AT = re.compile(r"14\s?h[\d\s hmins]*")
RETRY = {"fr": "Réessayer", "en": "Try again"}


def another(code: str, step: int = 1) -> str:
    """Return another code."""
    return f"{(int(code) + step) % 1_000_000:06}"


async def burn(scene: Scene, person: Person, code: str) -> list[str]:
    """Type five wrong codes. Returns the answers."""
    return [(await scene.say(person, another(code, step))).text for step in range(1, 6)]


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_five_wrong_codes_invalidate_the_right_code(scene: Scene, language: str) -> None:
    four, one, none, over, resend = WORDS[language]
    camille = await scene.asked(language)
    code = await scene.code()

    answers = await burn(scene, camille, code)
    assert four in answers[0]
    assert one in answers[3]
    assert none in answers[4]
    refused = await scene.say(camille, code)
    assert over in refused.text

    scene.later(minutes=1)
    await scene.tap(camille, resend)
    assert len((await scene.say(camille, await scene.code(count=2))).labels) == 2


async def test_right_code_is_accepted_at_the_fifth_attempt(scene: Scene) -> None:
    camille = await scene.asked()
    code = await scene.code()

    for step in range(1, 5):
        await scene.say(camille, another(code, step))

    assert "Connexion réussie" in (await scene.say(camille, code)).text


@pytest.mark.parametrize(
    ("seconds", "words"), [(9 * 60 + 30, "Connexion réussie"), (10 * 60 + 1, "n’est plus valable")]
)
async def test_code_expires_after_ten_minutes(scene: Scene, seconds: int, words: str) -> None:
    camille = await scene.asked()
    code = await scene.code()
    scene.later(seconds=seconds)

    screen = await scene.say(camille, code)

    assert words in screen.text
    assert screen.labels


async def test_code_works_once_and_only_in_its_chat(scene: Scene) -> None:
    camille, thief = await scene.asked(), scene.person()
    code = await scene.code()
    thief.say(code)
    assert "Connexion" not in (await thief.wait_for_message()).text
    await scene.say(camille, code)
    await scene.say(camille, "/delier")
    await scene.tap(camille, "Oui")

    again = await scene.say(camille, code)

    assert "Connexion" not in again.text
    assert "pas encore liée" in (await scene.say(camille, "/factures")).text


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_second_code_after_a_minute_replaces_the_first(scene: Scene, language: str) -> None:
    four, *_, resend = WORDS[language]
    older = "Aucun essai n’a été compté" if language == "fr" else "No attempt was counted"
    camille = await scene.asked(language)
    first = await scene.code()

    refused = await scene.tap(camille, resend)
    waiting = re.search(r"(\d+)\s+second", refused.text)
    assert waiting
    assert 30 < int(waiting[1]) <= 60
    scene.later(seconds=61)
    await scene.tap(camille, resend)
    second = await scene.code(count=2)
    assert first != second
    assert older in (await scene.say(camille, first)).text
    assert four in (await scene.say(camille, "000000" if "000000" not in (first, second) else "000001")).text
    assert len((await scene.say(camille, second)).labels) == 2


async def test_request_for_another_code_is_confirmed(scene: Scene) -> None:
    camille = await scene.asked()
    await scene.code()
    before = camille.screen().text
    scene.later(seconds=61)

    again = await scene.tap(camille, "Renvoyer un code")

    assert again.text != before


async def test_next_code_goes_to_the_last_typed_address(scene: Scene) -> None:
    camille = await scene.asked(email="cleint@example.test")
    await scene.tap(camille, "Autre adresse")

    screen = await scene.say(camille, CLIENT)
    if not scene.mailbox.sent_to(CLIENT) and "seconde" in screen.text:
        scene.later(minutes=1)
        await scene.tap(camille, "Renvoyer un code")

    assert "Connexion réussie" in (await scene.say(camille, await scene.code())).text


async def ask_five_times(scene: Scene, person: Person, email: Callable[[int], str]) -> None:
    """Request five codes, one minute apart."""
    for number in range(5):
        assert "vient d’y être envoyé" in (await scene.say(person, email(number))).text
        scene.later(seconds=61)


async def forget(scene: Scene, person: Person) -> None:
    """Send /oublier and confirm."""
    await scene.say(person, "/oublier")
    await scene.tap(person, "Oui")


async def test_chat_gets_five_codes_an_hour_despite_oublier(scene: Scene) -> None:
    camille = scene.person()
    await ask_five_times(scene, camille, lambda number: f"nobody{number}@example.test")

    refused = await scene.say(camille, CLIENT)
    assert "Trop de codes" in refused.text
    assert "15\u00a0h" in refused.text  # an hour after the first, on the company's clocks
    assert refused.labels  # a temporary failure has a retry button
    await forget(scene, camille)
    assert "Trop de codes" in (await scene.say(camille, CLIENT)).text
    assert scene.mailbox.messages == ()

    scene.later(minutes=56)
    assert "vient d’y être envoyé" in (await scene.say(camille, CLIENT)).text


async def test_linking_and_unlinking_do_not_reset_the_hour(scene: Scene) -> None:
    camille = scene.person()
    for count in range(1, 6):
        await scene.say(camille, CLIENT)
        await scene.say(camille, await scene.code(count=2 * count - 1))
        await scene.mailbox.wait_for(CLIENT, count=2 * count)
        await scene.say(camille, "/delier")
        await scene.tap(camille, "Oui")
        scene.later(seconds=61)

    assert "Trop de codes" in (await scene.say(camille, CLIENT)).text


@pytest.mark.parametrize("email", [CLIENT, STRANGER])
async def test_address_gets_five_short_codes_an_hour(scene: Scene, email: str) -> None:
    """Further chats get a longer code, whether the portal knows the address or not."""
    for _ in range(5):
        person = await scene.asked(email=email)
        await forget(scene, person)
        scene.later(seconds=61)

    sixth = scene.person()
    assert "8 caractères" in (await scene.say(sixth, email)).text
    assert "compte 8 caractères" in (await scene.say(sixth, "123456")).text
    await scene.settled()
    codes = [mail for mail in scene.mailbox.sent_to(CLIENT) if "inhabituelles" not in mail.subject]
    assert len(codes) == (6 if email == CLIENT else 0)


async def test_requests_of_strangers_do_not_delay_the_owner(scene: Scene) -> None:
    await scene.asked()

    assert "vient d’y être envoyé" in (await scene.say(scene.person(), CLIENT)).text


async def strangers_view(scene: Scene, email: str) -> tuple[list[str], list[str]]:
    """Return all that a chat sees of linking with wrong codes, and the Bot API calls; the address is masked."""
    person = scene.person("fr", "Camille")
    since = scene.telegram.world.log.count
    await scene.say(person, "/lier")
    await scene.say(person, email)
    await scene.say(person, "bonjour")
    await scene.tap(person, "Renvoyer un code")
    await burn(scene, person, "000000")
    await scene.say(person, "000000")
    await scene.settled()
    shown = [f"{message.html} {message.labels}" for message in person.chat().messages.values() if message.from_bot]
    calls = [entry for entry in scene.telegram.world.log.find(since=since) if entry.params.get("chat_id")]
    mine = [entry.method for entry in calls if str(entry.params["chat_id"]) == str(person.user_id)]
    return [text.replace(email, "…") for text in shown], mine


async def test_known_and_unknown_address_get_equal_answers(scene: Scene) -> None:
    """A stranger gets the same answers for an address that the portal knows and for one that it does not."""
    known = await strangers_view(scene, CLIENT)
    unknown = await strangers_view(scene, STRANGER)

    assert known == unknown
    assert "Il reste 1 essai." in str(known)
    assert len(scene.mailbox.sent_to(CLIENT)) == 1
    assert scene.mailbox.sent_to(STRANGER) == []


BROKEN: dict[str, Callable[[Scene], object]] = {
    "portal down": lambda scene: scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, path=SEARCH)),
    "portal talks nonsense": lambda scene: scene.portal.faults.set(Fault(FaultKind.MALFORMED_JSON, path=SEARCH)),
    "portal refuses us": lambda scene: scene.portal.faults.set(Fault(FaultKind.UNAUTHORISED, path=SEARCH)),
    "mail refuses us": lambda scene: scene.mailbox.fail(MailFault(Stage.CONNECT, code=554)),
    "mail hangs up": lambda scene: scene.mailbox.fail(MailFault(Stage.EHLO, Act.DROP)),
    "mail puts recipients off": lambda scene: scene.mailbox.fail(MailFault(Stage.RCPT, code=450)),
    "mail refuses recipients": lambda scene: scene.mailbox.fail(MailFault(Stage.RCPT, code=550)),
    "mail refuses content": lambda scene: scene.mailbox.fail(MailFault(Stage.CONTENT, code=554)),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_failures_are_equal_for_known_and_unknown_address(scene: Scene, what: str) -> None:
    BROKEN[what](scene)
    known, unknown = await scene.asked(email=CLIENT), await scene.asked(email=STRANGER)

    await scene.settled()  # the bot has made all its attempts

    first, second = known.screen(), unknown.screen()
    assert AT.sub("…", first.text.replace(CLIENT, "…")) == AT.sub("…", second.text.replace(STRANGER, "…"))
    assert first.labels == second.labels


async def test_answer_does_not_wait_for_the_portal(scene: Scene) -> None:
    scene.portal.faults.set(Fault(FaultKind.SLOW, path=SEARCH, seconds=2))

    for email in (CLIENT, STRANGER):
        await scene.asked(email=email)

    assert scene.portal.log.counts["contacts/search"] == 0  # the portal has answered neither yet


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_mail_outage_is_explained_and_can_be_retried(scene: Scene, language: str) -> None:
    await scene.mailbox.go_down()
    camille = await scene.asked(language)

    trouble = await camille.wait_for_message(label=RETRY[language])
    assert trouble.labels[0] == RETRY[language]
    await scene.mailbox.come_back()
    await scene.tap(camille, RETRY[language])
    assert len((await scene.say(camille, await scene.code())).labels) == 2


async def test_unsent_codes_do_not_count(scene: Scene) -> None:
    await scene.mailbox.go_down()
    camille = await scene.asked()
    for _ in range(6):
        await camille.wait_for_message(label="Réessayer")
        camille.tap("Réessayer")
    await camille.wait_for_message(label="Réessayer")
    await scene.mailbox.come_back()

    await scene.tap(camille, "Réessayer")

    assert "Connexion réussie" in (await scene.say(camille, await scene.code())).text


@pytest.mark.parametrize("email", [CLIENT, STRANGER])
async def test_portal_outage_is_explained_and_can_be_retried(scene: Scene, email: str) -> None:
    fault = scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, path=SEARCH))
    camille = await scene.asked(email=email)

    await camille.wait_for_message(label="Réessayer")
    scene.portal.faults.clear(fault.fault_id)

    assert "vient d’y être envoyé" in (await scene.tap(camille, "Réessayer")).text
    await scene.settled()
    assert len(scene.mailbox.messages) == (1 if email == CLIENT else 0)


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.DROP,
        FaultKind.TOO_MANY,
        FaultKind.MALFORMED_JSON,
        FaultKind.UNAUTHORISED,
    ],
)
async def test_portal_failure_after_the_right_code_needs_no_new_code(scene: Scene, kind: FaultKind) -> None:
    camille = await scene.asked()
    code = await scene.code()
    scene.portal.faults.set(Fault(kind, path=SEARCH))

    typed = camille.say(code)
    kept = await camille.wait_for_message()
    assert kept.labels[:1] == ["Réessayer"]
    await camille.wait_for_delete(typed)
    scene.portal.faults.clear()
    await scene.settled()

    assert "Connexion réussie" in (await scene.tap(camille, "Réessayer")).text
    assert len(await scene.mailbox.wait_for(CLIENT, count=2)) == 2


async def test_failed_retry_shows_the_time_of_the_attempt(scene: Scene) -> None:
    camille = await scene.asked()
    code = await scene.code()
    scene.portal.faults.set(Fault(FaultKind.UNAUTHORISED, path=SEARCH))
    before = (await scene.say(camille, code)).text
    scene.later(minutes=1)

    assert (await scene.tap(camille, "Réessayer")).text != before


async def test_stop_waits_for_unsent_mail(scene: Scene) -> None:
    camille = scene.person()
    await scene.say(camille, "/lier")
    slow = scene.telegram.world.faults.add("latency", method="sendMessage", seconds=0.5)
    camille.say(CLIENT)
    async with asyncio.timeout(5):
        while not slow.met:  # noqa: ASYNC110  # nothing tells of a call that has begun
            await asyncio.sleep(0)

    await scene.stop_bot()

    assert len(scene.mailbox.sent_to(CLIENT)) == 1


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_proof_is_kept_until_the_code_expires(scene: Scene, language: str) -> None:
    camille = await scene.asked(language)
    code = await scene.code()
    scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, path=SEARCH))
    kept = await scene.say(camille, code)
    assert {"fr": "14\u00a0h\u00a010", "en": "2:10"}[language] in kept.text
    scene.portal.faults.clear()
    scene.later(minutes=10)

    over = await scene.tap(camille, RETRY[language])

    assert WORDS[language][3] in over.text
    await scene.tap(camille, over.labels[0])
    assert len((await scene.say(camille, await scene.code(count=2))).labels) == 2


async def test_proven_code_typed_again_is_not_reported_as_expired(scene: Scene) -> None:
    camille = await scene.asked()
    code = await scene.code()
    scene.portal.faults.set(Fault(FaultKind.UNAVAILABLE, path=SEARCH))
    await scene.say(camille, code)
    scene.portal.faults.clear()

    assert "Connexion réussie" in (await scene.say(camille, code)).text
