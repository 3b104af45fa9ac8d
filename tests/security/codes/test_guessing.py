"""Attacks that guess codes, by their number of compared guesses.

A short code has 10^6 values. A guess that is compared with one succeeds with a probability of 10^-6, whatever was
guessed before in other chats, since each chat's code is drawn by itself; so the probability that an attack succeeds is
at most 10^-6 times the guesses compared (union bound). The bounds: 10^-4 a day per address, so at most 100 compared
guesses; 5·10^-4 in all before the owner must act, so at most 500. The bot's own answers say what was compared:
"not the right code". A guess of six digits at a long code (about 10^12 values) is not compared at all.
"""

import datetime
import re
from collections.abc import Callable

import pytest

from sandbox.mail.faults import Fault as MailFault, Stage
from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.persons import Person
from services.codes import LONG_ALPHABET, new_code
from services.linking import code_limits
from tests.scene import CLIENT, Scene

SEARCH = "/v1/contacts/search"
VALUES = 10**6
WRONG = "pas le bon code"
LONG_CODE = re.compile(r"^([2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4})$", re.MULTILINE)
FAULTS: dict[str, Callable[[Scene], object]] = {
    "nothing fails": lambda scene: None,
    "mail refuses us": lambda scene: scene.mailbox.fail(MailFault(Stage.CONNECT, code=421)),
    "mail refuses recipients": lambda scene: scene.mailbox.fail(MailFault(Stage.RCPT, code=550)),
    "portal answers 429": lambda scene: scene.portal.faults.set(Fault(FaultKind.TOO_MANY, path=SEARCH)),
}


async def guess(scene: Scene, person: Person, most: int = 6) -> int:
    """Ask for a code and guess until the bot compares no more. Returns: the guesses that were compared."""
    await scene.say(person, "/lier")
    await scene.say(person, CLIENT)
    compared = 0
    for number in range(most):
        answer = (await scene.say(person, f"{number:06}")).text
        if WRONG not in answer:
            break
        compared += 1
    return compared


@pytest.mark.parametrize("fault", FAULTS)
async def test_guesses_of_one_chat_in_a_day(scene: Scene, fault: str) -> None:
    """One chat asks as often as it may for a day: at most ``WRONG_OF_CHAT_A_DAY`` compared, 2·10^-5."""
    FAULTS[fault](scene)
    thief, compared = scene.person(), 0
    for _ in range(30):
        compared += await guess(scene, thief)
        await scene.settled()
        scene.later(minutes=48)

    assert compared / VALUES <= 1e-4
    assert compared <= code_limits.WRONG_OF_CHAT_A_DAY + code_limits.ATTEMPTS


@pytest.mark.parametrize("fault", FAULTS)
async def test_guesses_of_many_chats_in_a_day(scene: Scene, fault: str) -> None:
    """Forty chats take turns for a day, with unlinking, forgetting and a restart: the address's own cap holds."""
    FAULTS[fault](scene)
    compared = 0
    for number in range(40):
        person = scene.person()
        compared += await guess(scene, person)
        await scene.say(person, ("/oublier", "/delier", "/start")[number % 3])
        if number % 10 == 0:
            await scene.settled()
        scene.later(minutes=36)

    assert compared / VALUES <= 1e-4
    assert compared <= code_limits.WRONG_A_DAY + code_limits.ATTEMPTS


async def test_guesses_of_many_concurrent_chats(scene: Scene) -> None:
    """Chats with live codes from before the cap guess concurrently: the total of compared guesses is bounded."""
    people = [scene.person() for _ in range(12)]
    for person in people:
        await scene.say(person, CLIENT)
    compared = 0
    for number in range(6):
        for person in people:
            compared += WRONG in (await scene.say(person, f"{number:06}")).text

    assert compared <= code_limits.WRONG_A_DAY


async def test_total_cap_holds_until_the_owner_acts(scene: Scene) -> None:
    """Sixty days of attack on the service: 100 compared guesses in all, so 10^-4, however long it lasts."""
    linking = scene.components.application.bot_data.linking
    compared = 0
    for day in range(60):
        for number in range(8):
            chat_id = 1_000_000 + day * 100 + number
            await linking.request_code(chat_id, CLIENT)
            for code in range(6):
                checked = await linking.check_code(chat_id, f"{code:06}")
                if type(checked).__name__ != "WrongCode":
                    break
                compared += 1
        scene.later(days=1)

    assert compared == code_limits.WRONG_IN_ALL
    assert compared / VALUES <= 5e-4


async def test_clock_moved_back_allows_no_more_guesses(scene: Scene) -> None:
    """A clock that jumps back two hours again and again: the requests before it still count."""
    compared = 0
    for _ in range(12):
        compared += await guess(scene, scene.person())
        scene.later(hours=-2)

    assert compared <= code_limits.WRONG_A_DAY + code_limits.ATTEMPTS


async def test_code_that_was_not_mailed_does_not_link(scene: Scene) -> None:
    """The right code of a mail that the server refused is answered as a wrong one."""
    scene.mailbox.fail(MailFault(Stage.CONTENT, code=554))
    thief = await scene.asked()
    await scene.settled()
    codes = [f"{number:06}" for number in range(VALUES)]
    async with scene.components.database.read() as session:
        from storage.linking.codes import is_right, latest
        from storage.tables import CodeState

        stored = await latest(session, thief.user_id, CodeState.LIVE)
        assert stored is not None
        right = next(code for code in codes if is_right(session, stored, thief.user_id, code))

    assert WRONG in (await scene.say(thief, right)).text


async def test_owner_can_link_during_an_attack(scene: Scene) -> None:
    """Twenty strange chats used up the address's codes: the owner's fresh chat gets a longer one, and links."""
    for _ in range(20):
        await guess(scene, scene.person())
    await scene.settled()
    before = len(scene.mailbox.sent_to(CLIENT))
    camille = scene.person()

    asked = await scene.say(camille, CLIENT)

    assert "8 caractères" in asked.text
    await scene.settled()
    mails = scene.mailbox.sent_to(CLIENT)
    code = next(found[1] for mail in reversed(mails) if (found := LONG_CODE.search(mail.text)))
    assert len(scene.mailbox.sent_to(CLIENT)) <= before + 1
    assert "6 caract" not in (await scene.say(camille, "123456")).text
    assert "Connexion réussie" in (await scene.say(camille, code.lower())).text


async def test_previously_linked_chat_gets_a_short_code(scene: Scene) -> None:
    """Strangers change nothing for a chat that proved the address at some time."""
    camille = await scene.linked()
    await scene.say(camille, "/delier")
    await scene.tap(camille, "Oui")
    scene.later(hours=2)
    for _ in range(8):
        await guess(scene, scene.person())
    await scene.settled()

    assert "6 chiffres" in (await scene.say(camille, CLIENT)).text
    await scene.settled()
    code = re.search(r"^(\d{6})$", scene.mailbox.sent_to(CLIENT)[-1].text, re.MULTILINE)
    assert code
    assert "Connexion réussie" in (await scene.say(camille, code[1])).text


async def test_mails_to_one_address_are_bounded(scene: Scene) -> None:
    """A hundred strange chats in a day: at most 30 code mails, then one every 90 minutes, and one warning.

    The code of the last mail still links the person who reads the mailbox.
    """
    for _ in range(100):
        await scene.say(scene.person(), CLIENT)
        scene.later(minutes=14)
    await scene.settled()
    spaced = datetime.timedelta(days=1) // code_limits.LONG_MAIL_GAP
    assert len(scene.mailbox.sent_to(CLIENT)) <= code_limits.LONG_MAILS_A_DAY + spaced + 1
    camille = scene.person()

    said = await scene.say(camille, CLIENT)

    await scene.settled()
    code = next(found[1] for mail in reversed(scene.mailbox.sent_to(CLIENT)) if (found := LONG_CODE.search(mail.text)))
    assert "8 caractères" in said.text
    assert "Connexion réussie" in (await scene.say(camille, code)).text


async def test_owner_gets_one_warning_a_day(scene: Scene) -> None:
    """Attacks on two days give one warning a day, with advice; an address unknown to the portal gets none."""
    for _day in range(2):
        for _ in range(6):
            await guess(scene, scene.person(), most=3)
        await scene.settled()
        scene.later(hours=25)
    subjects = [mail.subject for mail in scene.mailbox.sent_to(CLIENT)]

    assert len([subject for subject in subjects if "inhabituelles" in subject]) == 2


async def test_linking_restores_short_codes(scene: Scene) -> None:
    """After the owner links, the address's next codes are short again when the day's guesses have expired."""
    for _ in range(4):
        await guess(scene, scene.person())
    await scene.settled()
    camille = await scene.linked()
    scene.later(hours=25)

    assert camille.user_id
    assert "6 chiffres" in (await scene.say(scene.person(), CLIENT)).text


def test_long_code_alphabet_and_entropy() -> None:
    """Eight characters of 32, at least two digits and two letters: over 9·10^11 values."""
    codes = {new_code(is_long=True) for _ in range(2_000)}
    assert len(codes) == 2_000
    for code in codes:
        assert len(code) == 8
        assert set(code) <= set(LONG_ALPHABET)
        assert 2 <= sum(c.isdigit() for c in code) <= 6
    digits, letters = 8, 24
    from math import comb

    values = sum(comb(8, n) * digits**n * letters ** (8 - n) for n in range(2, 7))
    assert values > 9e11 * 0.5


def test_limits_match_the_proved_bound() -> None:
    """The figures from which the bounds of this file follow."""
    assert code_limits.WRONG_IN_ALL / VALUES <= 5e-4
    assert 2 * code_limits.WRONG_A_DAY / VALUES <= 1e-4  # any 24 hours touch two windows
    assert datetime.timedelta(days=1) <= code_limits.HISTORY_SPAN
