"""The sandbox's mailbox, with the standard library's SMTP client."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from contextlib import suppress
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import httpx
import pytest

from sandbox.mail import Act, Fault, Mailbox, Stage, TlsMode, control_app, mailbox as mailbox_module
from sandbox.mail.imap import ImapMailbox


def a_message(to: str = "marie@client.test", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Odo <bot@odotrack.test>", to, "Été"
    for name, value in headers.items():
        message[name] = value
    message.set_content("Bonjour\n.\n")
    message.add_alternative("<p>Bonjour<script>x</script></p>", subtype="html")
    message.add_attachment(b"%PDF\x00\xff", maintype="application", subtype="pdf", filename="Facture n° 1.pdf")
    return message


async def hand_in(mailbox: Mailbox, *messages: EmailMessage | bytes, login: tuple[str, str] | None = None) -> None:
    def talk() -> None:
        with smtplib.SMTP(mailbox.host, mailbox.port, timeout=5) as client:
            if "tls=off" not in mailbox.url:
                client.starttls(context=mailbox.client_context())
            if login:
                client.login(*login)
            for message in messages:
                raw = message if isinstance(message, bytes) else message.as_bytes(policy=SMTP)
                to = "raw@client.test" if isinstance(message, bytes) else str(message["To"])
                client.sendmail("bot@odotrack.test", [to], raw)

    await asyncio.to_thread(talk)


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with Mailbox() as started:
        yield started


async def test_keeps_what_it_receives(mailbox: Mailbox) -> None:
    await hand_in(mailbox, a_message())
    [letter] = mailbox.messages
    assert (letter.sender, letter.to, letter.subject) == ("bot@odotrack.test", ("marie@client.test",), "Été")
    assert (letter.text, letter.html) == ("Bonjour\n.\n", "<p>Bonjour<script>x</script></p>\n")
    [file] = letter.attachments
    assert (file.name, file.media_type, file.content) == ("Facture n° 1.pdf", "application/pdf", b"%PDF\x00\xff")
    assert letter.at.tzinfo is not None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no headers at all",
        b"Subject: =?nope?q?x?=\n\nx",
        b"Content-Type: text/plain; charset=nope\n\n\xff\xfe",
        b"Content-Type: multipart/mixed\n\nx",
        b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Disposition: attachment\n\nx\n--b--\n',
        b"Content-Type: message/rfc822\nContent-Disposition: attachment\n\nSubject: x\n\nx",
        b"Content-Transfer-Encoding: base64\n\n!!!",
        b"From: <<>>\nDate: never\nTo: \xff\n\nx",
    ],
)
async def test_malformed_messages_can_be_read(mailbox: Mailbox, raw: bytes) -> None:
    await hand_in(mailbox, raw)
    [letter] = mailbox.messages
    assert isinstance(letter.text + letter.html + letter.subject, str)
    assert isinstance(letter.attachments, tuple)
    assert isinstance(letter.headers, dict)


async def test_waits_for_earlier_and_later_messages(mailbox: Mailbox) -> None:
    waiting = asyncio.create_task(mailbox.wait_for("MARIE@client.test", count=2))
    await hand_in(mailbox, a_message(), a_message("paul@client.test"), a_message())
    assert [letter.id for letter in await waiting] == [1, 3]
    assert len(await mailbox.wait_for(count=3)) == 3
    with pytest.raises(TimeoutError, match="1 of 2"):
        await mailbox.wait_for("paul@client.test", count=2, timeout=0.01)


async def test_watchers_see_arrivals_and_the_stop(mailbox: Mailbox) -> None:
    with mailbox.watch() as arrivals, mailbox.watch() as idle:
        await hand_in(mailbox, a_message(), a_message("paul@client.test"))
        assert (await anext(arrivals)).to == ("marie@client.test",)
        assert (await anext(arrivals)).to == ("paul@client.test",)
        await mailbox.stop()
        assert [letter async for letter in arrivals] == []
        assert len([letter async for letter in idle]) == 2


async def test_memory_is_bounded(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_module, "KEPT_LETTERS", 3)
    with mailbox.watch() as arrivals:
        await hand_in(mailbox, *[b"x"] * 105)
        assert (await anext(arrivals)).id == 6  # a slow watcher loses the oldest
    assert [letter.id for letter in mailbox.messages] == [103, 104, 105]
    monkeypatch.setattr(mailbox_module, "KEPT_OCTETS", 1000)
    await hand_in(mailbox, b"x" * 600, b"y" * 600)
    assert [letter.id for letter in mailbox.messages] == [107]
    mailbox.clear()
    await hand_in(mailbox, b"x")
    assert [letter.id for letter in mailbox.messages] == [108]


@pytest.mark.parametrize("tls", ["off", "starttls"])
async def test_login(tls: TlsMode) -> None:
    async with Mailbox(tls=tls, user="bot", password="pass word") as mailbox:
        await hand_in(mailbox, a_message(), login=("bot", "pass word"))
        assert [letter.user for letter in mailbox.messages] == ["bot"]
        with pytest.raises(smtplib.SMTPAuthenticationError):
            await hand_in(mailbox, a_message(), login=("bot", "wrong"))
        with pytest.raises(smtplib.SMTPSenderRefused):
            await hand_in(mailbox, a_message())
        assert len(mailbox.messages) == 1


async def test_starttls_is_required() -> None:
    async with Mailbox(tls="starttls") as mailbox:

        def talk() -> None:
            with smtplib.SMTP(mailbox.host, mailbox.port, timeout=5) as client:
                client.sendmail("bot@odotrack.test", ["marie@client.test"], b"x")

        with pytest.raises(smtplib.SMTPSenderRefused):
            await asyncio.to_thread(talk)


async def test_faults_occur_as_often_as_set(mailbox: Mailbox) -> None:
    mailbox.fail(Fault(Stage.RCPT, code=450, times=2))
    for _ in range(2):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await hand_in(mailbox, a_message())
    await hand_in(mailbox, a_message())
    mailbox.fail(Fault(Stage.STORED, Act.DROP))
    with pytest.raises(smtplib.SMTPServerDisconnected):
        await hand_in(mailbox, a_message())
    assert len(mailbox.messages) == 2
    await mailbox.heal()
    await hand_in(mailbox, a_message())


async def test_down_and_back_on_the_same_port(mailbox: Mailbox) -> None:
    port = mailbox.port
    for _ in range(2):
        await mailbox.go_down()
        await mailbox.go_down()
        with pytest.raises(ConnectionRefusedError):
            await hand_in(mailbox, a_message())
        await mailbox.heal()
    await hand_in(mailbox, a_message())
    assert (mailbox.port, len(mailbox.messages)) == (port, 1)


async def test_stop_closes_hanging_connections(mailbox: Mailbox) -> None:
    mailbox.fail(Fault(Stage.EHLO, Act.HANG))
    reader, writer = await asyncio.open_connection(mailbox.host, mailbox.port)
    await reader.readline()
    writer.write(b"EHLO x\r\n")
    await mailbox.stop()
    with suppress(ConnectionResetError):  # or an orderly close
        await reader.read()
    assert reader.at_eof() or reader.exception()
    writer.close()


@pytest.mark.parametrize(("code", "times"), [(250, None), (600, None), (451, 0)])
def test_invalid_faults_are_refused(code: int, times: int | None) -> None:
    with pytest.raises(ValueError, match="a fault"):
        Fault(Stage.RCPT, code=code, times=times)


# Over HTTP


@pytest.fixture
async def http(mailbox: Mailbox) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(control_app(mailbox))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.test") as client:
        yield client


async def test_answers_over_http(mailbox: Mailbox) -> None:
    """A reply and a report arrive in the second mailbox, if there is one."""
    await hand_in(mailbox, a_message())
    answers = ImapMailbox()
    for second, status in ((answers, 201), (None, 409)):
        transport = httpx.ASGITransport(control_app(mailbox, second))
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.test") as client:
            for path in ("reply", "bounce"):
                assert (await client.post(f"/messages/1/{path}", json={})).status_code == status
            assert (await client.post("/messages/9/reply", json={})).status_code == 404
    reply, report = (message_from_bytes(mail.raw) for mail in answers.mails)
    assert (reply["To"], reply["From"]) == ("bot@odotrack.test", "marie@client.test")
    assert report.get_content_type() == "multipart/report"


async def test_reading_over_http(mailbox: Mailbox, http: httpx.AsyncClient) -> None:
    await hand_in(mailbox, a_message(), a_message("paul@client.test"))
    items = (await http.get("/messages")).json()["items"]
    assert [(item["id"], item["to"], item["subject"]) for item in items] == [
        (2, ["paul@client.test"], "Été"),
        (1, ["marie@client.test"], "Été"),
    ]
    assert items[0]["attachments"] == [{"name": "Facture n° 1.pdf", "media_type": "application/pdf", "size": 6}]
    assert [item["id"] for item in (await http.get("/messages?to=marie@client.test")).json()["items"]] == [1]
    one = (await http.get("/messages/1")).json()
    assert one["text"] == "Bonjour\n.\n"
    assert ["Subject", "Été"] in one["headers"]
    html = await http.get("/messages/1/html")
    assert html.text == one["html"]
    assert html.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")  # no scripts run
    assert (await http.get("/messages/1/raw")).content == mailbox.messages[0].raw
    file = await http.get("/messages/1/attachments/0")
    assert (file.content, file.headers["Content-Type"]) == (b"%PDF\x00\xff", "application/pdf")
    assert file.headers["Content-Disposition"] == "attachment; filename*=UTF-8''Facture%20n%C2%B0%201.pdf"
    for missing in ("/messages/3", "/messages/1/attachments/1", "/messages/3/html"):
        assert (await http.get(missing)).status_code == 404
    assert (await http.delete("/messages")).status_code == 204
    assert not mailbox.messages


async def test_faults_over_http(mailbox: Mailbox, http: httpx.AsyncClient) -> None:
    wanted = {"at": "rcpt", "act": "reply", "code": 450, "times": 1}
    assert (await http.post("/faults", json=wanted)).json() == {"down": False, "items": [wanted]}
    assert (await http.post("/faults", json={"down": True})).json()["down"] is True
    assert (await http.get("/faults")).json() == {"down": True, "items": [wanted]}
    assert (await http.delete("/faults")).status_code == 204
    assert (await http.get("/faults")).json() == {"down": False, "items": []}
    await hand_in(mailbox, a_message())


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"\xff", b'{"at": "lunch"}', b'{"at": "rcpt", "act": "sing"}', b'{"at": "rcpt", "code": 200}',
     b'{"at": "rcpt", "code": "450"}', b'{"at": "rcpt", "times": "1"}', b'{"at": "rcpt", "code": true}', b'{"at": []}'],
)  # fmt: skip
async def test_bad_faults_over_http(mailbox: Mailbox, http: httpx.AsyncClient, body: bytes) -> None:
    assert (await http.post("/faults", content=body)).status_code == 422
    assert list(mailbox.faults) == []


async def test_presets_over_http(mailbox: Mailbox, http: httpx.AsyncClient) -> None:
    presets = (await http.get("/presets")).json()["items"]
    for name, fault in presets.items():
        shown = (await http.post("/faults", json={"preset": name})).json()
        assert fault in shown["items"], name
    assert (await http.post("/faults", json={"preset": "lunch"})).status_code == 422
    assert (await http.delete("/faults")).status_code == 204


async def test_fault_of_one_address(mailbox: Mailbox, http: httpx.AsyncClient) -> None:
    await http.post("/faults", json={"preset": "refused", "to": "books@client.test"})
    await hand_in(mailbox, a_message())
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await hand_in(mailbox, a_message("books@client.test"))
    assert refused.value.recipients == {"books@client.test": (550, b"5.1.1 No such user here")}


async def test_greylisting_ends(mailbox: Mailbox) -> None:
    mailbox.fail(Fault(Stage.RCPT, code=451, seconds=0.2))
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        await hand_in(mailbox, a_message())
    await asyncio.sleep(0.25)
    await hand_in(mailbox, a_message())
    assert len(mailbox.messages) == 1
    assert list(mailbox.faults) == []


async def test_size_may_change(mailbox: Mailbox, http: httpx.AsyncClient) -> None:
    await http.post("/faults", json={"size_limit": 100})
    with pytest.raises(smtplib.SMTPException):
        await hand_in(mailbox, a_message())
