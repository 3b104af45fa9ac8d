"""The mailbox of stop mails: a reply stops the copies, a mail that comes back pauses them, forged ones do nothing."""

import asyncio
import re
from collections.abc import AsyncIterator
from email.message import EmailMessage
from urllib.parse import unquote

import httpx
import pytest
from cryptography.fernet import Fernet

from bot import worker
from bot.app import build
from bot.commands.check import run_checks
from sandbox.mail.answers import bounce_of, reply_to
from sandbox.mail.imap import ImapMailbox
from sandbox.telegram.persons import Person
from services.notices import stop_mail_reader
from storage.database import Database
from storage.rotation import rotate
from storage.vault import Vault
from tests.conversations.notices.test_copies import BOOKS, WORDS, copied, mailed
from tests.conversations.notices.test_notices import ACCOUNT, AVIS, notices
from tests.scene import Scene

STOPPED = {"fr": "arrêtée", "en": "stopped"}


@pytest.fixture
async def imap(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ImapMailbox]:
    """Return a mailbox that the scene's bot reads often."""
    monkeypatch.setattr(worker, "_STOP_MAIL_SECONDS", 0.1)
    async with ImapMailbox() as mailbox:
        await scene.stop_bot()
        await scene.start_bot(imap_url=mailbox.url, stop_address="stop@odotrack.test")
        yield mailbox
        await scene.stop_bot()
        await scene.start_bot(imap_url="")


async def outcomes(scene: Scene) -> dict[str, float]:
    """Return the metric of stop mails that are not 0, by outcome."""
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{scene.admin_url}/metrics")).text
    found = re.findall(r'^odobot_stop_mails_total\{outcome="(\w+)"\} ([0-9.]+)$', text, re.MULTILINE)
    return {name: float(count) for name, count in found if float(count)}


async def looked_twice(imap: ImapMailbox) -> None:
    """Wait until the mailbox was read twice more: what is in it now was looked at."""
    await imap.wait_for_sessions(imap.sessions + 2)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_reply_stops_the_copies(scene: Scene, imap: ImapMailbox, language: str) -> None:
    """The chat is told, and the bookkeeper gets one confirmation, at the address of the copies."""
    person = await copied(scene, language)
    letter = await mailed(scene, "990001", account=ACCOUNT[language])
    assert letter.headers["Reply-To"] == "stop@odotrack.test"
    assert "répondre à ce courriel par le seul mot STOP" in letter.text
    answer = reply_to(letter, "STOP", sender="elsewhere@evil.example")
    uid = imap.deliver(answer)
    await person.wait_for_message(STOPPED[language])
    await imap.wait_until_seen(uid)
    *_, confirmation = await scene.mailbox.wait_for(BOOKS, count=3)
    assert "ne sont plus envoyées à votre adresse" in confirmation.text
    again = imap.deliver(answer)
    await imap.wait_until_seen(again)
    assert len(scene.mailbox.sent_to(BOOKS)) == 3
    assert scene.mailbox.sent_to("elsewhere@evil.example") == []
    assert len(notices(person, STOPPED[language])) == 1
    assert await outcomes(scene) == {"stopped": 1, "stopped_before": 1}
    assert len(imap.mails) == 2


async def test_unsubscribe_button_by_mail_stops_the_copies(scene: Scene, imap: ImapMailbox) -> None:
    person = await copied(scene)
    letter = await mailed(scene, "990001")
    found = re.fullmatch(r"<mailto:(stop@odotrack\.test)\?subject=([^>]+)>", letter.headers["List-Unsubscribe"])
    assert found
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = BOOKS, found[1], unquote(found[2])
    imap.deliver(message)
    await person.wait_for_message("arrêtée")


async def test_question_that_quotes_the_mail_stops_nothing(scene: Scene, imap: ImapMailbox) -> None:
    """It stays unread, for a person."""
    await copied(scene)
    uid = imap.deliver(reply_to(await mailed(scene, "990001"), "Bonjour, la TVQ est-elle incluse?"))
    await looked_twice(imap)
    assert not imap.mails[uid - 1].is_seen
    await mailed(scene, "990002")
    assert await outcomes(scene) == {"other": 1}


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_mail_that_comes_back_pauses_the_copies(scene: Scene, imap: ImapMailbox, language: str) -> None:
    person = await copied(scene, language)
    letter = await mailed(scene, "990001", account=ACCOUNT[language])
    for _ in range(2):
        uid = imap.deliver(bounce_of(letter.raw))
    told = await person.wait_for_message({"fr": "en pause", "en": "paused"}[language])
    assert told.labels[0] == {"fr": "Confirmer l’adresse", "en": "Confirm the address"}[language]
    await imap.wait_until_seen(uid)
    assert len(notices(person, {"fr": "en pause", "en": "paused"}[language])) == 1
    assert await outcomes(scene) == {"bounced": 2}
    await scene.say(person, AVIS[language])
    screen = await scene.tap(person, WORDS[language][0])
    assert BOOKS in screen.text
    assert {"fr": "En pause", "en": "Paused"}[language] in screen.text


async def test_mail_refused_for_our_sake_pauses_nothing(scene: Scene, imap: ImapMailbox) -> None:
    await copied(scene)
    letter = await mailed(scene, "990001")
    uid = imap.deliver(bounce_of(letter.raw, status="5.7.1", diagnostic="smtp; 550 5.7.1 Blocked"))
    await imap.wait_until_seen(uid)
    await mailed(scene, "990002")
    assert await outcomes(scene) == {"bounced_ours": 1}


async def test_forged_mails_stop_nothing(scene: Scene, imap: ImapMailbox) -> None:
    """Without a token of ours, neither a request nor a report counts; a mail that breaks the parser blocks none."""
    await copied(scene)
    letter = await mailed(scene, "990001")
    token = letter.headers["List-Unsubscribe"].partition("stop%20")[2].rstrip(">")
    forged = Vault([Fernet.generate_key().decode()]).seal(f'["unsubscribe", "a-2003", "{BOOKS}"]').rstrip("=")
    imap.deliver(f"From: {BOOKS}\r\nSubject: stop {forged}\r\n\r\n".encode())
    imap.deliver(f"From: {BOOKS}\r\nSubject: stop {token[:-3]}AAA\r\n\r\n".encode())
    imap.deliver(f"From: {BOOKS}\r\nSubject: STOP\r\n\r\nArrêtez!".encode())
    imap.deliver(bounce_of(f"Subject: x\r\nList-Unsubscribe: <mailto:x?subject=stop%20{forged}>\r\n\r\n".encode()))
    imap.deliver(b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(3000)))
    imap.deliver(b"Subject: huge\r\n\r\n" + b"x" * 30_000_000)
    await looked_twice(imap)
    assert [mail.is_seen for mail in imap.mails] == [False] * 6
    found = await outcomes(scene)
    assert (found.pop("no_token"), sum(found.values())) == (4, 2)
    await mailed(scene, "990002")


async def test_link_still_stops_beside_the_mailbox(scene: Scene, imap: ImapMailbox) -> None:
    await scene.stop_bot()
    await scene.start_bot(public_url="https://odobot.example.com")
    person = await copied(scene)
    letter = await mailed(scene, "990001")
    assert letter.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = letter.headers["List-Unsubscribe"].partition("odobot.example.com")[2].partition(">")[0]
    async with httpx.AsyncClient(trust_env=False) as client:
        assert "C’est fait" in (await client.post(scene.public_url + path)).text
    await person.wait_for_message("arrêtée")


async def test_mailbox_that_fails_is_read_again(scene: Scene, imap: ImapMailbox) -> None:
    """The mails stay; the metric counts the failures, and ``odobot check`` names the setting."""
    person = await copied(scene)
    letter = await mailed(scene, "990001")
    imap.faults.refuses_login = True
    imap.deliver(reply_to(letter, "STOP"))
    results = {each.name: each for each in await run_checks(scene.settings)}
    assert not results["ODOBOT_IMAP_URL"].is_ok
    assert "refuses the login" in results["ODOBOT_IMAP_URL"].detail
    async with asyncio.timeout(30):
        while "misconfigured" not in await outcomes(scene):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    imap.faults.refuses_login = False
    await person.wait_for_message("arrêtée")


async def test_one_replica_reads_at_a_time(scene: Scene, imap: ImapMailbox) -> None:
    """A second worker leaves the mailbox alone while the lease of the first one runs, and takes over afterwards."""
    await scene.stop_bot()
    async with build(scene.settings, scene.clock.now) as first, build(scene.settings, scene.clock.now) as second:
        readers = [components.worker.stop_mails for components in (first, second)]
        assert all(readers)
        before = imap.sessions
        claimed = await readers[0]._claim()
        assert claimed is not None
        assert await readers[1].read(lambda: None) is False
        assert imap.sessions == before
        scene.later(minutes=6)
        await readers[1].read(lambda: None)
        assert imap.sessions == before + 1
    await scene.start_bot()


async def test_position_outlives_a_restart(scene: Scene, imap: ImapMailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mails that were left for a person are not fetched again; a mail that a person has opened since is read."""
    monkeypatch.setattr(stop_mail_reader, "_BATCH", 2)
    person = await copied(scene)
    letter = await mailed(scene, "990001")
    for _ in range(5):
        imap.deliver(reply_to(letter, "Merci!"))
    await imap.wait_for_sessions(imap.sessions + 5)
    await scene.stop_bot()
    fetched = imap.commands.count("FETCH")
    assert fetched == 5
    imap.mails[imap.deliver(reply_to(letter, "STOP")) - 1].is_seen = True
    await scene.start_bot()
    await person.wait_for_message("arrêtée")
    assert imap.commands.count("FETCH") == 6


async def test_token_outlives_its_key(scene: Scene, imap: ImapMailbox) -> None:
    """After ``rotate-keys`` and without the old key, the mail's link and mail still stop the copies."""
    person = await copied(scene)
    letter = await mailed(scene, "990001")
    await scene.stop_bot()
    old, scene.keys = scene.keys, Fernet.generate_key().decode()
    database = Database(scene.database_url, Vault([scene.keys, old]))
    await rotate(database)
    await database.close()
    await scene.start_bot()
    imap.deliver(reply_to(letter, "stop"))
    await person.wait_for_message("arrêtée")


@pytest.mark.parametrize(("language", "button", "words"), [
    ("fr", "Copie pour la comptabilité", "n’est pas offerte"), ("en", "Bookkeeper’s copy", "is not offered"),
])  # fmt: skip
async def test_copies_are_off_without_a_way_to_stop(scene: Scene, language: str, button: str, words: str) -> None:
    """A copy that is set up goes on and can be stopped; a new one is not offered, and check says why."""
    person: Person = await copied(scene, language)
    await scene.stop_bot()
    await scene.start_bot(stop_address="")
    letter = await mailed(scene, "990001", account=ACCOUNT[language])
    assert "<mailto:odobot@odotrack.test?subject=" in letter.headers["List-Unsubscribe"]
    await scene.say(person, {"fr": "/avis", "en": "/notices"}[language])
    assert BOOKS in (await scene.tap(person, button)).text
    off = await scene.tap(person, {"fr": "Arrêter les envois", "en": "Stop the emails"}[language])
    assert words in off.text
    results = {each.name: each for each in await run_checks(scene.settings)}
    assert "ODOBOT_STOP_ADDRESS or ODOBOT_IMAP_URL" in results["ODOBOT_STOP_ADDRESS"].detail
    assert results["ODOBOT_STOP_ADDRESS"].is_warning
