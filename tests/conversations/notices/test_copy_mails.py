"""What mail servers and bookkeepers do to the copies: refuse, stop, lack space, and how the chat says so."""

import re
from contextlib import suppress
from datetime import date

import pytest
from sqlmodel import col, select

from bot.commands.stop_copy import StopResult, stop_copy
from handlers.screens.notices import about_copy
from sandbox.mail.faults import PRESETS, Act, Fault as MailFault, Stage
from sandbox.portal.faults import Fault, FaultKind
from services.mailing import sending
from services.notices import copy_sender
from services.notices.copies import tokens_in
from storage.tables import Kind, Notice, State
from tests.conversations.notices.test_copies import BOOKS, OTHER, WORDS, asked, copied, mailed, nothing_more
from tests.conversations.notices.test_notices import ACCOUNT, AVIS, MAIL, PATIENCE, until_settled
from tests.scene import Scene
from texts.catalogue import texts_in
from texts.language import Language

PAUSED = {"fr": "en pause", "en": "paused"}
CONFIRM = {"fr": "Confirmer l’adresse", "en": "Confirm the address"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_SHORTEST_PAUSE", 0.05)


def issue(scene: Scene, number: str, account: str = "a-2003") -> None:
    scene.portal.portal.issue_invoice(account, amount="40.19", number=number, due_date=date(2026, 11, 14))


def subjects(scene: Scene, number: str, address: str = BOOKS) -> list[str]:
    return [each.subject for each in scene.mailbox.sent_to(address) if number in each.subject]


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_refusing_address_pauses_the_copies(scene: Scene, language: str) -> None:
    """The chat is told once, the screen shows it, and a new confirmation resumes the copies."""
    person = await copied(scene, language)
    scene.mailbox.fail(PRESETS["refused"])
    issue(scene, "990001", ACCOUNT[language])
    told = await person.wait_for_message(PAUSED[language])
    assert "990001" in told.text
    assert told.labels[0] == CONFIRM[language]
    await until_settled(scene, 1, State.BLOCKED)
    await scene.mailbox.heal()
    issue(scene, "990002", ACCOUNT[language])
    await copied(scene, "en" if language == "fr" else "fr", address=OTHER)
    await mailed(scene, "990003", OTHER, ACCOUNT["en" if language == "fr" else "fr"])
    assert subjects(scene, "990002") == []
    await scene.say(person, AVIS[language])
    screen = await scene.tap(person, WORDS[language][0])
    assert BOOKS in screen.text
    assert {"fr": "En pause", "en": "Paused"}[language] in screen.text
    before = len(scene.mailbox.sent_to(BOOKS))
    scene.later(minutes=2)
    await scene.tap(person, CONFIRM[language])
    resumed = await scene.say(person, await scene.code(BOOKS, before + 1))
    assert {"fr": "En pause", "en": "Paused"}[language] not in resumed.text
    await mailed(scene, "990004", account=ACCOUNT[language])
    async with scene.components.database.read() as session:
        told_of = (await session.exec(select(Notice).where(col(Notice.kind) == Kind.COPY_PAUSED))).all()
    assert len(told_of) == 1


@pytest.mark.parametrize("preset", ["blocked_sender", "relay_denied", "quota"])
async def test_refusal_of_us_does_not_pause(scene: Scene, preset: str) -> None:
    """It is the operator's: the copy waits, and the bookkeeper's address is not blamed."""
    await copied(scene)
    scene.mailbox.fail(PRESETS[preset])
    issue(scene, "990001")
    await until_settled(scene, 1, State.RETRY)
    await scene.mailbox.heal()
    scene.later(hours=1, minutes=1)
    await scene.mailbox.wait_for(BOOKS, count=2, timeout=PATIENCE)


async def test_greylisted_copy_arrives(scene: Scene) -> None:
    await copied(scene)
    scene.mailbox.fail(MailFault(Stage.RCPT, code=451, times=2, text="4.7.1 Greylisted"))
    issue(scene, "990001")
    await until_settled(scene, 1, State.RETRY)
    for _ in range(2):
        scene.later(minutes=2)
        await until_settled(scene, 1, State.RETRY) if list(scene.mailbox.faults) else None
    await scene.mailbox.wait_for(BOOKS, count=2, timeout=PATIENCE)


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("how", ["announced", "552 5.3.4", "552"])
async def test_too_large_pdf_is_left_out(scene: Scene, language: str, how: str) -> None:
    person = await copied(scene, language)
    if how == "announced":
        scene.mailbox.limit_size(6_000)
    else:
        text = "5.3.4 Message size exceeds fixed limit" if "5.3.4" in how else "Message too big"
        scene.mailbox.fail(MailFault(Stage.CONTENT, code=552, times=1, text=text))
    letter = await mailed(scene, "990001", account=ACCOUNT[language])
    assert letter.attachments == ()
    assert {"fr": "trop volumineux", "en": "too large"}[language] in letter.text
    assert ("40,19\u00a0$" if language == "fr" else "$40.19") in letter.text
    assert "https://" in letter.text
    await person.wait_for_message({"fr": "sans PDF", "en": "without the PDF"}[language])
    await scene.say(person, AVIS[language])
    screen = await scene.tap(person, WORDS[language][0])
    assert {"fr": "sans son PDF", "en": "without its PDF"}[language] in screen.text


async def test_pdf_beyond_all_mail_is_left_out(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_sender, "SMALL_PDF_BYTES", 100)
    monkeypatch.setattr(copy_sender, "_PDF_LIMIT", 200)
    person = await copied(scene)
    letter = await mailed(scene, "990001")
    assert letter.attachments == ()
    await person.wait_for_message("sans PDF")


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_pdf_that_is_never_made(scene: Scene, language: str) -> None:
    await copied(scene, language)
    scene.portal.faults.set(Fault(FaultKind.PDF_CORRUPT, path="*/pdf"))
    issue(scene, "990001", ACCOUNT[language])
    await until_settled(scene, 1, State.RETRY)
    for _ in range(20):  # each turn is longer than the pause before the next attempt
        scene.later(minutes=11)
        with suppress(TimeoutError):
            await scene.mailbox.wait_for(BOOKS, count=2, timeout=PATIENCE / 10)
            break
    letters = await scene.mailbox.wait_for(BOOKS, count=2, timeout=PATIENCE)
    assert letters[-1].attachments == ()
    assert {"fr": "n’a pas pu être produit", "en": "could not be made"}[language] in letters[-1].text


async def test_one_mail_for_two_colleagues(scene: Scene) -> None:
    """Two chats of one account name the same bookkeeper: one mail an invoice, and both screens show it."""
    first = await copied(scene)
    second = await copied(scene)
    issue(scene, "990001")
    await scene.mailbox.wait_for(BOOKS, count=3, timeout=PATIENCE)
    await until_settled(scene, 1)
    scene.later(minutes=2)
    await until_settled(scene, 1, State.CANCELLED)
    assert len(subjects(scene, "990001")) == 1
    for person in (first, second):
        await scene.say(person, "/avis")
        assert "990001" in (await scene.tap(person, "Copie pour la comptabilité")).text


async def test_colleague_takes_over_when_the_first_unlinks(scene: Scene) -> None:
    first = await copied(scene)
    await copied(scene)
    await scene.mailbox.go_down()
    issue(scene, "990001")
    await until_settled(scene, 1, State.RETRY)
    await scene.say(first, "/delier")
    await scene.tap(first, "Oui")
    await scene.mailbox.come_back()
    scene.later(minutes=5)
    await scene.mailbox.wait_for(BOOKS, count=3, timeout=PATIENCE)
    assert len(subjects(scene, "990001")) == 1


async def test_refusing_address_pauses_the_copies_of_two_colleagues(scene: Scene) -> None:
    """The mail is tried once, each chat is told, and nobody's next invoice is mailed."""
    first = await copied(scene)
    second = await copied(scene)
    scene.mailbox.fail(PRESETS["refused"])
    issue(scene, "990001")
    for person in (first, second):
        assert "990001" in (await person.wait_for_message("en pause", timeout=PATIENCE)).text
    await until_settled(scene, 1, State.BLOCKED)
    await scene.mailbox.heal()
    scene.later(minutes=2)
    await until_settled(scene, 1, State.CANCELLED)
    issue(scene, "990002")
    await copied(scene, "en", address=OTHER)
    await mailed(scene, "990003", OTHER, ACCOUNT["en"])
    assert subjects(scene, "990001") == subjects(scene, "990002") == []


async def test_unclear_mail_for_two_colleagues(scene: Scene) -> None:
    """The second copy does not mail what the first one may have mailed; its marked repetition comes once."""
    await copied(scene)
    await copied(scene)
    scene.mailbox.fail(MailFault(Stage.STORED, Act.DROP, times=1))
    issue(scene, "990001")
    await until_settled(scene, 1, State.UNCERTAIN)
    scene.later(minutes=2)
    await until_settled(scene, 1, State.CANCELLED)
    assert len(subjects(scene, "990001")) == 1
    scene.later(minutes=16)
    await scene.settled()
    await until_settled(scene, 1)
    assert len(subjects(scene, "990001")) == 2
    assert "Vous avez peut-être déjà reçu ce courriel." in scene.mailbox.sent_to(BOOKS)[-1].text
    scene.later(hours=2)
    await scene.settled()
    assert len(subjects(scene, "990001")) == 2


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_stop_by_mail_without_a_public_url(scene: Scene, language: str) -> None:
    """The operator gives the subject line of the mail to ``odobot stop-copy``; the chat is told, and sees it."""
    person = await copied(scene, language)
    letter = await mailed(scene, "990001", account=ACCOUNT[language])
    found = re.fullmatch(r"<mailto:odobot@odotrack\.test\?subject=([^>]+)>", letter.headers["List-Unsubscribe"])
    assert found
    assert {"fr": "bouton de désabonnement", "en": "unsubscribe button"}[language] in letter.text
    subject = found[1].replace("%20", " ")
    folded = f"From: b@c.test\r\nSubject: Re: {subject[:60]}\r\n {subject[60:]}\r\n\r\nMerci"
    database = scene.components.database
    assert await stop_copy(database, "stop nonsense", has_bounced=False, clock=scene.clock.now) is None
    done = await stop_copy(database, folded, has_bounced=False, clock=scene.clock.now)
    assert done == StopResult("stopped", 1, "Copies stopped: 1")
    again = await stop_copy(database, subject, has_bounced=False, clock=scene.clock.now)
    assert again == StopResult("stopped", 0, "Copies stopped: 0 (they were stopped before)")
    told = await person.wait_for_message({"fr": "arrêtée", "en": "stopped"}[language])
    assert {"fr": "en a arrêté l’envoi", "en": "has stopped them"}[language] in told.text
    await scene.say(person, AVIS[language])
    screen = await scene.tap(person, WORDS[language][0])
    assert {"fr": "en a arrêté l’envoi le", "en": "stopped them on"}[language] in screen.text
    if language == "fr":
        await nothing_more(scene)


async def test_bounced_mail_pauses_the_copies(scene: Scene) -> None:
    person = await copied(scene)
    letter = await mailed(scene, "990001")
    token = letter.headers["List-Unsubscribe"].partition("stop%20")[2].rstrip(">")
    done = await stop_copy(scene.components.database, token, has_bounced=True, clock=scene.clock.now)
    assert done == StopResult("paused", 1, "Copies paused: 1")
    assert (await person.wait_for_message("en pause")).labels[0] == "Confirmer l’adresse"


@pytest.mark.parametrize(("language", "by_link", "by_mail"), [
    ("fr", "d’un clic", "bouton de désabonnement"), ("en", "with one click", "unsubscribe button"),
])  # fmt: skip
async def test_words_promise_what_holds(scene: Scene, language: str, by_link: str, by_mail: str) -> None:
    person = await scene.linked(language, MAIL[language])
    await scene.say(person, AVIS[language])
    screen = await scene.tap(person, WORDS[language][0])
    assert by_link not in screen.text
    assert by_mail in screen.text
    await scene.stop_bot()
    await scene.start_bot(public_url="https://odobot.example.com")
    await scene.say(person, AVIS[language])
    screen = await scene.tap(person, WORDS[language][0])
    assert by_link in screen.text
    assert by_mail not in screen.text


# The code


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_code_of_a_bookkeeper_lives_a_day(scene: Scene, language: str) -> None:
    person = await asked(scene, language)
    code = await scene.code(BOOKS)
    assert "24 h" in scene.mailbox.sent_to(BOOKS)[0].text
    scene.later(hours=23)
    assert BOOKS in (await scene.say(person, code)).text
    await mailed(scene, "990001", account=ACCOUNT[language])


async def test_code_may_be_typed_after_other_texts(scene: Scene) -> None:
    person = await asked(scene)
    code = await scene.code(BOOKS)
    scene.later(hours=3)
    await scene.say(person, "/factures")
    await scene.tap(person, "Rechercher")
    await scene.say(person, "août")
    await scene.say(person, "/avis")
    screen = await scene.tap(person, "Copie pour la comptabilité")
    assert BOOKS in screen.text
    await scene.tap(person, "Écrire le code")
    assert BOOKS in (await scene.say(person, code)).text
    await mailed(scene, "990001")


async def test_three_wrong_codes_invalidate_it(scene: Scene) -> None:
    """A code that lives longer permits fewer guesses."""
    person = await asked(scene)
    code = await scene.code(BOOKS)
    for _ in range(3):
        screen = await scene.say(person, f"{(int(code) + 1) % 1_000_000:06}")
    assert "plus d’essai" in screen.text
    assert BOOKS not in (await scene.say(person, code)).text


async def test_code_expires_after_a_day(scene: Scene) -> None:
    person = await asked(scene)
    code = await scene.code(BOOKS)
    scene.later(hours=24, minutes=1)
    assert BOOKS not in (await scene.say(person, code)).text


@pytest.mark.parametrize(("language", "late"), [("fr", "n’est pas encore accepté"), ("en", "has not accepted")])
async def test_greylisted_code_to_a_bookkeeper(scene: Scene, language: str, late: str) -> None:
    person = await scene.linked(language, MAIL[language])
    await scene.say(person, AVIS[language])
    await scene.tap(person, WORDS[language][0])
    await scene.tap(person, WORDS[language][1])
    scene.mailbox.fail(MailFault(Stage.RCPT, code=451, times=3, text="4.7.1 Greylisted"))
    await scene.say(person, BOOKS)
    await person.wait_for_message(late)
    assert BOOKS in (await scene.say(person, await scene.code(BOOKS))).text


@pytest.mark.parametrize(("language", "refused"), [("fr", "refuse les courriels"), ("en", "refuses emails")])
async def test_address_that_refuses_the_code(scene: Scene, language: str, refused: str) -> None:
    person = await scene.linked(language, MAIL[language])
    await scene.say(person, AVIS[language])
    await scene.tap(person, WORDS[language][0])
    await scene.tap(person, WORDS[language][1])
    scene.mailbox.fail(PRESETS["refused"])
    await scene.say(person, BOOKS)
    await person.wait_for_message(refused)


async def test_code_with_a_lost_reply_is_mailed_again(scene: Scene) -> None:
    """The repetition has the same code and Message-ID; either mail confirms."""
    person = await scene.linked("fr", MAIL["fr"])
    await scene.say(person, "/avis")
    await scene.tap(person, "Copie pour la comptabilité")
    await scene.tap(person, "Choisir une adresse")
    scene.mailbox.fail(MailFault(Stage.STORED, Act.DROP, times=1))
    await scene.say(person, BOOKS)
    first, second = await scene.mailbox.wait_for(BOOKS, count=2)
    assert first.headers["Message-ID"] == second.headers["Message-ID"]
    assert await scene.code(BOOKS, 1) == await scene.code(BOOKS, 2)
    assert BOOKS in (await scene.say(person, await scene.code(BOOKS, 1))).text


def test_screen_of_a_pause_without_number() -> None:
    """A mail that came back may not name its invoice."""
    screen = about_copy(texts_in(Language.FR), Kind.COPY_PAUSED, "Client", None, 1)
    assert len(screen.facts) == 2


async def test_address_that_is_never_reached_is_given_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days of 4xx: the customer hears of it, instead of copies that wait for ever."""
    monkeypatch.setattr(copy_sender, "_LEAST_ATTEMPTS", 2)
    person = await copied(scene)
    scene.mailbox.fail(PRESETS["mailbox_full_for_now"])
    issue(scene, "990001")
    await until_settled(scene, 1, State.RETRY)
    for _ in range(20):
        scene.later(hours=17)
        with suppress(TimeoutError):
            await person.wait_for_message("en pause", timeout=PATIENCE / 10)
            break
    await until_settled(scene, 1, State.BLOCKED)


def test_tokens_are_found_as_mail_programs_write_them() -> None:
    token = "gAAAAA" + "x-_9" * 40
    encoded = f"Subject: =?utf-8?q?stop_{token.replace('_', '=5F')}?="
    for text in (
        token,
        f"stop {token}",
        f"Re: STOP {token}",
        f"stop%20{token}",
        f"https://odobot.example.com/unsubscribe/{token}",
        f"To: a@b.test\r\nSubject: stop\r\n {token}\r\n\r\nMerci\r\n",
        f"To: a@b.test\r\nSubject: stop {token[:70]}\r\n {token[70:]}\r\n\r\nMerci\r\n",
        f"List-Unsubscribe: <mailto:a@b.test?subject=stop%20{token}>",
        f"stop {token[:60]} {token[60:]}",
        f"<a href=3D'mailto:a@b.test?subject=3Dstop {token[:60]}=\r\n{token[60:]}'>",
        encoded,
        "1." + "0f" * 32 + "\n" + token,
    ):
        assert token in tokens_in(text), text
    assert tokens_in("") == tokens_in("stop") == tokens_in("=?bad?q?=?=") == []
