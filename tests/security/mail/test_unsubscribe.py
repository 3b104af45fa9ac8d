"""Unsubscribing: a token stops its own copies only, and a page confirms it."""

import asyncio
import base64
import hashlib
import io
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import func
from sqlmodel import col, select

from sandbox.mail.received import Received
from sandbox.telegram.persons import Person
from services.notices import copies
from services.notices.copies import StopRequest, make_stop_token, open_stop_token
from storage import chats
from storage.database import Database
from storage.linking import links
from storage.notices import bookkeeper_copies, feed
from storage.notices.bookkeeper_copies import BookkeeperCopy
from storage.notices.feed import NewDelivery, NewNotice
from storage.tables import Channel, Copy, Delivery, Kind, Notice, State
from tests.conversations.notices.test_copies import BOOKS, OTHER, copied, give, mailed
from tests.conversations.notices.test_notices import notices, quiet, until, until_settled
from tests.conversations.operation.test_logs import logged
from tests.scene import Scene
from tests.storage import NOW, a_key, later, opened

__all__ = ["logged"]

ACCOUNT_ID = "a-2001"
ACCOUNT_NAME = "Client Odotrack"
EMAIL = "compta@example.test"
PUBLIC = "https://odobot.example.com"
INVALID = ("Ce lien n’est pas valable, et rien n’a été changé.", "This link is not valid, and nothing was changed.")
STOPPED = "Copie pour la comptabilité arrêtée"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        yield client


async def a_copy(
    database: Database, email: str = EMAIL, *, chat: int = 77, account: str = ACCOUNT_ID
) -> BookkeeperCopy:
    """Create a chat with a bookkeeper's copy, without a conversation."""
    async with database.write() as session:
        link = links.NewLink(f"c-{chat}", account, ACCOUNT_NAME, frozenset({"invoices"}), "client@example.test")
        await links.add_links(session, chat, "Camille", [link], NOW)
        (linked,) = [each for each in (await chats.load(session, chat)).links if each.account_id == account]
        await bookkeeper_copies.save(session, linked.link_id, email, "fr", NOW)
        await session.flush()
        copy = await bookkeeper_copies.find_by_link(session, linked.link_id)
        assert copy is not None
    return copy


def old_token(database: Database, copy: BookkeeperCopy) -> str:
    """Return a token as mails of earlier versions contain it."""
    return f"{copy.copy_id}.{database.vault.hash('unsubscribe', f'{copy.copy_id}:{copy.email}')}"


async def remaining(database: Database) -> list[str]:
    """Return the addresses that get copies."""
    async with database.read() as session:
        sealed = (await session.exec(select(Copy.email_sealed).order_by(col(Copy.copy_id)))).all()
        return [session.vault.open_or_none(each) for each in sealed]


async def notified_chats(database: Database) -> list[int]:
    """Return the chats that a notice of a stopped copy is queued for."""
    async with database.read() as session:
        query = select(Delivery.recipient).join(Notice, col(Notice.notice_id) == Delivery.notice_id)
        found = await session.exec(query.where(col(Notice.kind) == Kind.COPY_STOPPED))
        return sorted(found.all())


def path_in(letter: Received) -> str:
    """Return the path of the link in a mail's List-Unsubscribe."""
    found = re.fullmatch(rf"<{PUBLIC}(/unsubscribe/[^>]+)>, <mailto:[^>]+>", letter.headers["List-Unsubscribe"])
    assert found
    return found[1]


async def click(scene: Scene, client: httpx.AsyncClient, path: str) -> httpx.Response:
    """RFC 8058: exactly this body, no cookie, no question."""
    return await client.post(scene.public_url + path, data={"List-Unsubscribe": "One-Click"})


async def public(scene: Scene, **settings: str) -> None:
    await scene.stop_bot()
    await scene.start_bot(public_url=PUBLIC, **settings)


async def not_mailed(scene: Scene, number: str, address: str = BOOKS) -> None:
    """Issue an invoice and assert that the address does not get it, while another account's is mailed."""
    before = len(scene.mailbox.sent_to(address))
    scene.portal.portal.issue_invoice("a-2003", amount="40.19", number=number)
    await copied(scene, "en", address=OTHER)
    await mailed(scene, f"{number}9", OTHER, "a-2004")
    assert len(scene.mailbox.sent_to(address)) == before


async def test_unsubscribe_link_of_an_old_mail_stops_a_new_copy(scene: Scene, client: httpx.AsyncClient) -> None:
    """After the copy was stopped and set up again, the first mail's link stops it too."""
    await public(scene)
    person = await copied(scene)
    link = path_in(await mailed(scene, "990001"))
    assert "C’est fait" in (await click(scene, client, link)).text
    await person.wait_for_message(STOPPED)
    scene.later(minutes=5)
    await give(scene, person, BOOKS)
    await scene.say(person, await scene.code(BOOKS, len(scene.mailbox.sent_to(BOOKS))))
    await mailed(scene, "990002")
    for _ in range(2):
        page = await click(scene, client, link)
        assert page.status_code == 200
        assert "C’est fait" in page.text
    await until_settled(scene, 2, kind=Kind.COPY_STOPPED)
    await not_mailed(scene, "990003")


async def test_one_token_stops_the_copies_of_every_chat(scene: Scene, client: httpx.AsyncClient) -> None:
    """Two chats of one account had a copy sent to the same person; the other account's copy goes on."""
    await public(scene)
    first = await copied(scene)
    scene.later(minutes=5)
    second = await copied(scene)
    scene.later(minutes=5)
    anna = await copied(scene, "en")
    link = path_in(await mailed(scene, "990001"))
    await click(scene, client, link)
    for person in (first, second):
        await person.wait_for_message(STOPPED)
    await mailed(scene, "990002", account="a-2004")
    await until_settled(scene, 2, kind=Kind.COPY_STOPPED)
    assert [len(notices(each, "arrêtée", "stopped")) for each in (first, second, anna)] == [1, 1, 0]
    assert await remaining(scene.components.database) == [BOOKS]


@pytest.mark.parametrize(
    ("language", "account", "title", "button", "choose"),
    [
        ("fr", "a-2003", STOPPED, "Copie pour la comptabilité", "Choisir une adresse"),
        ("en", "a-2004", "Bookkeeper’s copy stopped", "Bookkeeper’s copy", "Choose an address"),
    ],
)
async def test_chat_is_notified_once_with_a_button(
    scene: Scene, client: httpx.AsyncClient, language: str, account: str, title: str, button: str, choose: str
) -> None:
    await public(scene)
    person = await copied(scene, language)
    link = path_in(await mailed(scene, "990001", account=account))
    pages = await asyncio.gather(*(click(scene, client, link) for _ in range(5)))
    assert {page.status_code for page in pages} == {200}
    notice = await person.wait_for_message(title)
    assert BOOKS not in notice.text
    await until_settled(scene, 1, kind=Kind.COPY_STOPPED)
    assert len(notices(person, title)) == 1
    assert choose in (await scene.tap(person, button)).labels


async def test_quiet_hours_delay_the_notice(scene: Scene, client: httpx.AsyncClient) -> None:
    await public(scene)
    person = await copied(scene)
    await quiet(scene, person, "de 20")
    link = path_in(await mailed(scene, "990001"))
    scene.clock.advance(later(hours=9) - scene.clock.now())  # 23:00 in Toronto
    await click(scene, client, link)
    await until(scene, lambda found: found[Kind.COPY_STOPPED, State.QUEUED] == 1)
    await asyncio.sleep(1)
    assert notices(person, STOPPED) == []
    scene.later(hours=9)
    await person.wait_for_message(STOPPED, timeout=15)


async def test_unlinked_chat_is_not_notified(scene: Scene, client: httpx.AsyncClient) -> None:
    await public(scene)
    person = await copied(scene)
    link = path_in(await mailed(scene, "990001"))
    await scene.say(person, "/delier")
    await scene.tap(person, "Oui")
    page = await click(scene, client, link)
    assert (page.status_code, await notified_chats(scene.components.database)) == (200, [])


# The page.


async def test_get_of_the_link_only_asks(scene: Scene, client: httpx.AsyncClient) -> None:
    database = scene.components.database
    copy = await a_copy(database)
    url = f"{scene.public_url}/unsubscribe/{make_stop_token(database.vault, copy)}"
    page = await client.get(url)
    assert page.status_code == 200
    assert page.text.index("Arrêter l’envoi") < page.text.index("Stop sending")
    assert page.text.count('<form method="post">') == 2
    assert (await client.head(url)).status_code == 200
    assert await remaining(database) == [EMAIL]


async def test_page_names_only_the_company(scene: Scene, client: httpx.AsyncClient) -> None:
    await public(scene, company="Odo & <fils>")
    database = scene.components.database
    copy = await a_copy(database)
    url = f"{scene.public_url}/unsubscribe/{make_stop_token(database.vault, copy)}"
    for page in (await client.get(url), await client.post(url), await client.post(url + "x")):
        assert "<h1>Odo &amp; &lt;fils&gt;</h1>" in page.text
        assert [each for each in (EMAIL, ACCOUNT_NAME, ACCOUNT_ID, "Camille") if each in page.text] == []
        assert '<html lang="fr-CA">' in page.text
        assert '<section lang="en-CA">' in page.text
        assert 'name="viewport" content="width=device-width, initial-scale=1"' in page.text
        assert "prefers-color-scheme: dark" in page.text


async def test_content_security_policy_allows_only_the_pages_style(scene: Scene, client: httpx.AsyncClient) -> None:
    page = await client.get(f"{scene.public_url}/unsubscribe/x")
    (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{hashed}'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert not re.search(r"https?:|src=|href=|url\(|@import|style=|<script|\son\w+=", page.text)
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("support", "words"),
    [("", ("écrivez à Odotrack", "write to Odotrack")), ("aide@odotrack.test", ("aide@odotrack.test",) * 2)],
)
async def test_invalid_link_names_a_contact(
    scene: Scene, client: httpx.AsyncClient, support: str, words: tuple[str, str]
) -> None:
    await public(scene, support=support)
    for method in ("GET", "POST"):
        page = await client.request(method, f"{scene.public_url}/unsubscribe/x")
        assert page.status_code == 404
        assert [each for each in (*INVALID, *words) if each not in page.text] == []
        assert "<form" not in page.text
        assert "C’est fait" not in page.text


# Tokens.


def changed(token: str) -> list[str]:
    """Return forged variants of a valid token."""
    middle = len(token) // 2
    swapped = "A" if token[middle] != "A" else "B"
    return [
        token[:-4],
        token[:20],
        token[4:],
        token + "AAAA",
        token[:middle] + swapped + token[middle + 1 :],
        token.upper(),
        token.swapcase(),
        token[:middle] + "é" + token[middle:],
        token + "%0A",
        "A" * 120,
        "A" * 900,
        "A" * 10_000,
        "%00",
        "gAAAAAB" + "A" * 200,
        "1." + "0" * 64,
        "9" * 16 + "." + "0" * 64,
        "٣." + "0" * 64,
    ]


async def test_forged_token_stops_nothing(scene: Scene, client: httpx.AsyncClient) -> None:
    """A POST with an invalid token does not answer "done"."""
    database = scene.components.database
    copy = await a_copy(database)
    for token in changed(make_stop_token(database.vault, copy)):
        for method in ("GET", "POST"):
            page = await client.request(method, f"{scene.public_url}/unsubscribe/{token}")
            assert page.status_code == 404, token[:40]
            assert INVALID[0] in page.text
    assert await remaining(database) == [EMAIL]
    assert await notified_chats(database) == []


async def test_other_sealed_texts_are_not_tokens(database: Database) -> None:
    """Addresses and names are sealed under the same keys."""
    copy = await a_copy(database)
    for text in (copy.email, "[]", "{}", '["unsubscribe"]', f'["linking", "{ACCOUNT_ID}", "{EMAIL}"]', "\x00", "1"):
        assert await open_stop_token(database, database.vault.seal(text).rstrip("=")) is None


async def test_token_of_a_retired_key_is_refused(database_url: str) -> None:
    old, new = a_key(), a_key()
    async with opened(database_url, [old]) as database:
        copy = await a_copy(database)
        token, earlier = make_stop_token(database.vault, copy), old_token(database, copy)
    async with opened(database_url, [new, old]) as database:
        assert await open_stop_token(database, token) == StopRequest(ACCOUNT_ID, EMAIL)
    async with opened(database_url, [new]) as database:
        assert await open_stop_token(database, token) is None
        assert await open_stop_token(database, earlier) is None
        assert await copies.stop(database, StopRequest(ACCOUNT_ID, EMAIL), NOW) == 0


async def test_token_fits_into_url_subject_and_header(database: Database) -> None:
    copy = await a_copy(database)
    for each in (copy, replace(copy, account_id="compte/é &?#" * 10, email="é" * 60 + "@" + "x" * 185 + ".test")):
        token = make_stop_token(database.vault, each)
        assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
        assert len(f"<{PUBLIC}/unsubscribe/{token}>") <= 900
        assert await open_stop_token(database, token) == StopRequest(each.account_id, each.email)


async def test_repr_of_a_request_has_no_address() -> None:
    assert EMAIL not in repr(StopRequest(ACCOUNT_ID, EMAIL))


async def test_token_of_an_earlier_version_is_accepted(scene: Scene, client: httpx.AsyncClient) -> None:
    """A token of an earlier version works while its copy exists."""
    database = scene.components.database
    copy = await a_copy(database)
    await a_copy(database, chat=78)
    url = f"{scene.public_url}/unsubscribe/{old_token(database, copy)}"
    assert (await client.get(url)).status_code == 200
    assert "C’est fait" in (await client.post(url)).text
    assert await remaining(database) == []

    await a_copy(database)  # set up again: the old token does not stop the new copy, and the page does not say so
    page = await client.post(url)
    assert (page.status_code, INVALID[0] in page.text) == (404, True)
    assert await remaining(database) == [EMAIL]


async def test_token_of_an_earlier_address_stops_only_its_copy(database: Database) -> None:
    earlier = await a_copy(database, "avant@example.test")
    tokens = (make_stop_token(database.vault, earlier), old_token(database, earlier))
    await a_copy(database, "apres@example.test")
    requests = [await open_stop_token(database, token) for token in tokens]
    assert requests == [StopRequest(ACCOUNT_ID, "avant@example.test"), None]
    assert requests[0] is not None
    assert await copies.stop(database, requests[0], NOW) == 0
    assert await remaining(database) == ["apres@example.test"]


# What is stopped.


async def test_stopping_is_for_one_account_and_one_address(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Holds also if the account's links are processed in several portions."""
    monkeypatch.setattr(bookkeeper_copies, "_LINKS_AT_ONCE", 2)
    for chat in range(1, 6):
        await a_copy(database, chat=chat)
    await a_copy(database, "autre@example.test", chat=6)
    await a_copy(database, chat=1, account="a-2002")
    assert await copies.stop(database, StopRequest(ACCOUNT_ID, EMAIL), NOW) == 5
    assert sorted(await remaining(database)) == ["autre@example.test", EMAIL]
    assert await notified_chats(database) == [1, 2, 3, 4, 5]
    assert await copies.stop(database, StopRequest(ACCOUNT_ID, EMAIL), NOW) == 0
    assert await notified_chats(database) == [1, 2, 3, 4, 5]


async def test_chat_with_two_links_is_notified_once(database: Database) -> None:
    copy = await a_copy(database)
    async with database.write() as session:
        link = links.NewLink("c-other", ACCOUNT_ID, ACCOUNT_NAME, frozenset({"invoices"}), "autre@example.test")
        await links.add_links(session, copy.chat_id, "Camille", [link], NOW)
        (other,) = [each for each in (await chats.load(session, copy.chat_id)).links if each.link_id != copy.link_id]
        await bookkeeper_copies.save(session, other.link_id, EMAIL, "fr", NOW)
    assert await copies.stop(database, StopRequest(ACCOUNT_ID, EMAIL), NOW) == 2
    assert await notified_chats(database) == [copy.chat_id]


async def test_waiting_mails_are_cancelled(database: Database) -> None:
    """A mail that was claimed before the stop is not sent after the page said "done"."""
    copy, other = await a_copy(database), await a_copy(database, "autre@example.test", chat=78)
    async with database.write() as session:
        for number, recipient in (("1", copy.copy_id), ("2", copy.copy_id), ("3", other.copy_id)):
            notice = NewNotice(f"e-{number}", Kind.INVOICE_ISSUED, ACCOUNT_ID, number, NOW)
            await feed.record(session, notice, [NewDelivery(Channel.EMAIL, recipient, copy.link_id, NOW)])
        (first,) = (await session.exec(select(Delivery).where(col(Delivery.delivery_id) == 1))).all()
        first.state = State.LEASED
    assert await copies.stop(database, StopRequest(ACCOUNT_ID, EMAIL), NOW) == 1
    async with database.read() as session:
        query = select(Delivery.state, func.count()).where(col(Delivery.channel) == Channel.EMAIL)
        found = dict((await session.exec(query.group_by(col(Delivery.state)))).all())
    assert found == {State.CANCELLED: 2, State.QUEUED: 1}


@pytest.mark.parametrize(("level", "log_format"), [("DEBUG", "json")])
async def test_logs_have_no_token_and_no_address(
    logged: io.StringIO, scene: Scene, client: httpx.AsyncClient, level: str, log_format: str
) -> None:
    database = scene.components.database
    copy = await a_copy(database)
    tokens: Sequence[str] = (old_token(database, copy), make_stop_token(database.vault, copy))
    for token in (*tokens[::-1], *changed(tokens[1])):
        await client.post(f"{scene.public_url}/unsubscribe/{token}")
    written = logged.getvalue()
    assert "security.copy_stopped" in written
    assert [each for each in (*tokens, EMAIL, ACCOUNT_NAME) if each in written] == []


async def test_stopped_address_can_subscribe_again(scene: Scene, client: httpx.AsyncClient) -> None:
    await public(scene)
    person: Person = await copied(scene)
    await click(scene, client, path_in(await mailed(scene, "990001")))
    await person.wait_for_message(STOPPED)
    scene.later(minutes=5)
    await give(scene, person, BOOKS)
    await scene.say(person, await scene.code(BOOKS, len(scene.mailbox.sent_to(BOOKS))))
    await mailed(scene, "990002")
