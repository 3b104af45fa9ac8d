"""The mailer against a real SMTP server on loopback, with and without faults."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from mail.counted import CountedMailer
from mail.errors import MailError, MailMisconfigured, MailRefused, MailUnavailable, Refusal
from mail.mailer import Attachment, LetterKind
from mail.server import parse_smtp_url
from mail.smtp import SmtpMailer
from sandbox.mail import PRESETS, Act, Fault, Mailbox, Stage, TlsMode
from tests.mail.letters import RECIPIENT, SENDER, a_letter, mailer_on

USER, PASSWORD = "bot@odotrack.test", "hunter2: é/@"
SECRETS = (USER, "bot%40odotrack", "hunter2", RECIPIENT, "noreply@", "123\u202f456", "Bonjour")
QUICK = 0.1  # seconds; the content gets six times that


def without_login(mailbox: Mailbox) -> str:
    scheme, _, rest = mailbox.url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


async def failure_of(mailer: SmtpMailer) -> MailError:
    """Send a letter, check that the error holds no secret, and return it."""
    with pytest.raises(MailError) as caught:
        await mailer.send(a_letter())
    error = caught.value
    told = repr(error) + str(error) + repr(vars(error))
    assert not [secret for secret in SECRETS if secret in told]
    # Error reporters print the context and the cause too: the library's errors hold addresses.
    assert error.__context__ is None
    assert error.__cause__ is None
    return error


@pytest.mark.parametrize("tls", ["off", "starttls", "implicit"])
@pytest.mark.parametrize("user", ["", USER])
async def test_letter_arrives(tls: TlsMode, user: str) -> None:
    async with Mailbox(tls=tls, user=user, password=PASSWORD if user else "") as mailbox:
        mailer = mailer_on(mailbox)
        await mailer.ready()
        assert not mailbox.messages
        await mailer.send(a_letter())
        [received] = await mailbox.wait_for(RECIPIENT)
    assert (received.sender, received.to) == ("noreply@odotrack.test", (RECIPIENT,))
    assert (received.user, received.encrypted) == (user, tls != "off")
    assert (received.text, received.html) == (a_letter().text, a_letter().html)
    assert received.subject == a_letter().subject
    assert received.headers["From"] == '"Odotrack, Québec inc." <noreply@odotrack.test>'


async def test_concurrent_letters() -> None:
    async with Mailbox(tls="starttls") as mailbox:
        mailer = mailer_on(mailbox)
        await asyncio.gather(*(mailer.send(a_letter(to=f"{n}@client.test")) for n in range(20)))
        assert {letter.to[0] for letter in mailbox.messages} == {f"{n}@client.test" for n in range(20)}


async def test_large_attachment_is_unchanged() -> None:
    content = b"%PDF-1.7\n" + bytes(range(256)) * 20_480  # 5 MiB
    async with Mailbox(tls="implicit") as mailbox:
        attachment = Attachment("Facture n° 5.pdf", content, "application/pdf")
        await mailer_on(mailbox).send(a_letter(attachments=(attachment,)))
        [received] = mailbox.messages
    [file] = received.attachments
    assert (file.name, file.media_type) == ("Facture n° 5.pdf", "application/pdf")
    assert file.content == content


@pytest.mark.parametrize("text", [".", ".\r\n", "..\n.\n", "\n.\n.\n", "x\n" * 3 + "."])
async def test_lines_of_dots_are_kept(text: str) -> None:
    async with Mailbox() as mailbox:
        await mailer_on(mailbox).send(a_letter(text=text))
        [received] = mailbox.messages
    assert received.text.rstrip("\n") == text.replace("\r\n", "\n").rstrip("\n")


# Encryption and login


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_untrusted_certificate_is_refused(tls: TlsMode) -> None:
    async with Mailbox(tls=tls, user=USER, password=PASSWORD) as mailbox:
        error = await failure_of(mailer_on(mailbox, trusted=False))
        assert isinstance(error, MailMisconfigured)
        assert "certificate" in str(error)
        assert not mailbox.messages


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_certificate_of_another_host_is_refused(tls: TlsMode) -> None:
    async with Mailbox(tls=tls, host="127.0.0.2") as mailbox:
        assert isinstance(await failure_of(mailer_on(mailbox)), MailMisconfigured)


async def test_server_without_starttls_is_refused() -> None:
    """Nothing is sent in clear text."""
    async with Mailbox(user=USER, password=PASSWORD) as mailbox:
        error = await failure_of(mailer_on(mailbox, url=mailbox.url.removesuffix("?tls=off")))
        assert isinstance(error, MailMisconfigured)
        assert "STARTTLS" in str(error)


@pytest.mark.parametrize(("served", "asked"), [("off", "smtps"), ("starttls", "smtps"), ("implicit", "smtp")])
async def test_wrong_kind_of_tls(served: TlsMode, asked: str) -> None:
    async with Mailbox(tls=served) as mailbox:
        url = f"{asked}://127.0.0.1:{mailbox.port}"
        error = await failure_of(mailer_on(mailbox, url=url, timeout=0.3))
        # A server that waits for TLS is silent, as a slow one is.
        assert isinstance(error, MailMisconfigured if asked == "smtps" else MailUnavailable)


@pytest.mark.parametrize("tls", ["off", "starttls", "implicit"])
async def test_wrong_password(tls: TlsMode) -> None:
    async with Mailbox(tls=tls, user=USER, password="another") as mailbox:
        login = f"bot%40odotrack.test:hunter2@127.0.0.1:{mailbox.port}"
        url = mailbox.url.partition("://")[0] + f"://{login}" + ("?tls=off" if tls == "off" else "")
        error = await failure_of(mailer_on(mailbox, url=url))
        assert isinstance(error, MailMisconfigured)
        assert "535" in str(error)
        with pytest.raises(MailMisconfigured):
            await mailer_on(mailbox, url=url).ready()


async def test_missing_login() -> None:
    async with Mailbox(tls="starttls", user=USER, password=PASSWORD) as mailbox:
        assert isinstance(await failure_of(mailer_on(mailbox, url=without_login(mailbox))), MailMisconfigured)


async def test_login_on_a_server_without_logins() -> None:
    async with Mailbox() as mailbox:
        url = mailbox.url.replace("//", "//me:hunter2@")
        assert isinstance(await failure_of(mailer_on(mailbox, url=url)), MailMisconfigured)


async def test_next_login_method_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """As under FIPS: MD5 is forbidden in the middle of CRAM-MD5's exchange. One line names server and method."""

    def forbidden(*_: object) -> bytes:
        raise ValueError("[digital envelope routines] unsupported")

    monkeypatch.setattr("aiosmtplib.smtp.auth_crammd5_verify", forbidden)
    monkeypatch.setattr("mail.login._reported", set())  # an earlier test of this process may have logged it
    async with Mailbox(tls="starttls", user=USER, password=PASSWORD, cram_md5=True) as mailbox:
        with capture_logs() as logs:
            mailer = mailer_on(mailbox)
            await mailer.send(a_letter())
            await mailer.send(a_letter())
        assert [letter.user for letter in mailbox.messages] == [USER, USER]
    (line,) = [each for each in logs if each["event"] == "mail.login_method_failed"]
    assert (line["method"], line["server"], line["reason"]) == ("cram-md5", "127.0.0.1", "ValueError")
    assert line["log_level"] == "warning"
    assert PASSWORD not in str(logs)


async def test_refused_method_is_followed_by_the_next() -> None:
    async with Mailbox(tls="starttls", user=USER, password=PASSWORD, cram_md5=True) as mailbox:
        await mailer_on(mailbox).send(a_letter())
        assert len(mailbox.messages) == 1


async def test_server_with_xoauth2_only() -> None:
    async with Mailbox(tls="starttls", user=USER, password=PASSWORD, only_xoauth2=True) as mailbox:
        error = await failure_of(mailer_on(mailbox))
        assert isinstance(error, MailMisconfigured)
        assert "no login that we know" in str(error)


# Faults: what the caller is told, and whether the letter may have gone

BEFORE_THE_LETTER = [Stage.CONNECT, Stage.EHLO, Stage.STARTTLS, Stage.AUTH]
OF_THE_LETTER = [Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.CONTENT]
EVERY_STAGE = [*BEFORE_THE_LETTER, *OF_THE_LETTER, Stage.STORED]
UNCERTAIN = {Stage.CONTENT, Stage.STORED}


@asynccontextmanager
async def failing(fault: Fault) -> AsyncIterator[Mailbox]:
    async with Mailbox(tls="starttls", user=USER, password=PASSWORD) as mailbox:
        mailbox.fail(fault)
        yield mailbox


@pytest.mark.parametrize("stage", EVERY_STAGE)
@pytest.mark.parametrize("code", [421, 451])
async def test_temporary_refusal(stage: Stage, code: int) -> None:
    """After a 4xx reply it is certain that the letter was not accepted."""
    async with failing(Fault(stage, code=code)) as mailbox:
        error = await failure_of(mailer_on(mailbox))
        assert isinstance(error, MailUnavailable)
        assert not error.is_uncertain  # the reply says that it was not accepted
        # After a 421 to one login method the connection is closed when the library tries the next one.
        assert str(code) in str(error) or (stage, code) == (Stage.AUTH, 421)


@pytest.mark.parametrize("stage", OF_THE_LETTER)
@pytest.mark.parametrize("code", [550, 552, 554])
async def test_permanent_refusal(stage: Stage, code: int) -> None:
    async with failing(Fault(stage, code=code)) as mailbox:
        error = await failure_of(mailer_on(mailbox))
        assert isinstance(error, MailRefused)
        assert error.code == code
        assert not mailbox.messages


@pytest.mark.parametrize("stage", BEFORE_THE_LETTER)
async def test_refusal_before_the_letter(stage: Stage) -> None:
    """It is a misconfiguration, not a refusal of this letter."""
    async with failing(Fault(stage, code=554)) as mailbox:
        assert isinstance(await failure_of(mailer_on(mailbox)), MailMisconfigured)


@pytest.mark.parametrize("act", [Act.HANG, Act.DROP])
@pytest.mark.parametrize("stage", EVERY_STAGE)
async def test_no_reply(stage: Stage, act: Act) -> None:
    """The error is uncertain if the content was written, and else certain."""
    async with failing(Fault(stage, act)) as mailbox:
        error = await failure_of(mailer_on(mailbox, timeout=QUICK if act is Act.HANG else 2.0))
        assert isinstance(error, MailUnavailable)
        assert error.is_uncertain == (stage in UNCERTAIN)
        assert len(mailbox.messages) == (1 if stage is Stage.STORED else 0)


@pytest.mark.parametrize("tls", ["off", "starttls", "implicit"])
async def test_server_that_was_down(tls: TlsMode) -> None:
    async with Mailbox(tls=tls) as mailbox:
        mailer = mailer_on(mailbox)
        await mailbox.go_down()
        error = await failure_of(mailer)
        assert isinstance(error, MailUnavailable)
        assert not error.is_uncertain
        with pytest.raises(MailUnavailable):
            await mailer.ready()
        await mailbox.come_back()
        await mailer.send(a_letter())
        assert len(mailbox.messages) == 1


async def test_accepted_letter_without_reply_to_quit() -> None:
    async with Mailbox() as mailbox:
        mailbox.fail(Fault(Stage.QUIT, Act.DROP))
        await mailer_on(mailbox).send(a_letter())
        assert len(mailbox.messages) == 1
        mailbox.fail(Fault(Stage.QUIT, Act.HANG))
        await mailer_on(mailbox, timeout=QUICK).send(a_letter())
        assert len(mailbox.messages) == 2


@pytest.mark.parametrize("babble", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\xfe\r\n", b"999 what\r\n", b""])
async def test_server_that_does_not_speak_smtp(babble: bytes) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(babble)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        mailer = SmtpMailer(parse_smtp_url(f"smtp://127.0.0.1:{port}?tls=off"), SENDER, 1.0)
        error = await failure_of(mailer)
        assert isinstance(error, MailUnavailable)
        assert not error.is_uncertain


async def test_cancelled_letter() -> None:
    async with failing(Fault(Stage.DATA, Act.HANG, times=1)) as mailbox:
        sending = asyncio.create_task(mailer_on(mailbox, timeout=20.0).send(a_letter()))
        while list(mailbox.faults):  # noqa: ASYNC110  # until the server has met it, and hangs
            await asyncio.sleep(0.01)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


# Addresses and content


@pytest.mark.parametrize("tls", ["off", "starttls"])
async def test_international_address(tls: TlsMode) -> None:
    async with Mailbox(tls=tls) as mailbox:
        await mailer_on(mailbox).send(a_letter(to="andré.用户@québec.test"))
        [received] = await mailbox.wait_for("andré.用户@xn--qubec-csa.test")
    assert received.headers["To"] == "andré.用户@xn--qubec-csa.test"
    assert received.text == a_letter().text


@pytest.mark.parametrize("to", ["ana@usine", "ana@my_host.example.test", "ana@_x_"])
async def test_hosts_of_an_intranet(to: str) -> None:
    """One label, or an underscore: whether such a host takes mail is the server's business."""
    async with Mailbox() as mailbox:
        await mailer_on(mailbox).send(a_letter(to=to))
        [received] = await mailbox.wait_for(to)
    assert received.headers["To"] == to


async def test_international_address_without_smtputf8() -> None:
    """A local part that is not ASCII is refused; a domain has an ASCII form."""
    async with Mailbox(smtputf8=False) as mailbox:
        with pytest.raises(MailRefused) as caught:
            await mailer_on(mailbox).send(a_letter(to="andré@client.test"))
        assert "andré" not in str(caught.value)
        assert caught.value.__context__ is None
        # A domain has an ASCII form, which every server accepts.
        await mailer_on(mailbox).send(a_letter(to="andre@québec.test"))
        assert [letter.to for letter in mailbox.messages] == [("andre@xn--qubec-csa.test",)]


@pytest.mark.parametrize(
    "to",
    ["", "marie", "marie@", "a@b.test>\r\nRCPT TO:<c@d.test", "a@b.test, c@d.test", '"a>b"@c.test', '"a\\"b"@c.test'],
)
async def test_invalid_recipient(to: str) -> None:
    async with Mailbox() as mailbox:
        with pytest.raises(MailRefused) as caught:
            await mailer_on(mailbox).send(a_letter(to=to))
        assert caught.value.code is None
        assert caught.value.__context__ is None
        assert not mailbox.messages


async def test_header_injection() -> None:
    async with Mailbox() as mailbox:
        with pytest.raises(MailRefused):
            await mailer_on(mailbox).send(a_letter(headers={"X-Note": "a\r\nBcc: all@x.test"}))
        await mailer_on(mailbox).send(a_letter(subject="Code\r\nBcc: all@x.test\r\n\r\n<p>"))
        [received] = mailbox.messages
    assert received.subject == "Code Bcc: all@x.test <p>"
    assert received.to == (RECIPIENT,)
    assert "Bcc" not in received.headers


async def test_letter_over_the_size_of_the_server() -> None:
    async with Mailbox(size_limit=20_000) as mailbox:
        with pytest.raises(MailRefused, match="larger") as caught:
            await mailer_on(mailbox).send(a_letter(text="x" * 30_000))
        assert caught.value.about is Refusal.SIZE
        await mailer_on(mailbox).send(a_letter())


async def test_international_address_without_8bitmime() -> None:
    async with Mailbox(eightbit=False) as mailbox:
        await mailer_on(mailbox).send(a_letter(to="andré@client.test"))
        assert len(mailbox.messages) == 1


async def test_failures_are_counted_by_kind() -> None:
    async with Mailbox() as mailbox:
        mailer = CountedMailer(mailer_on(mailbox))
        for name, kind in {
            "refused": "recipient", "blocked_sender": "ours", "too_large": "size", "greylisting": "unavailable",
            "lost_after_content": "uncertain",
        }.items():  # fmt: skip
            await mailbox.heal()
            mailbox.fail(PRESETS[name])
            with pytest.raises(MailError):
                await mailer.send(a_letter())
            assert mailer.outcomes[LetterKind.ALERT, kind] == 1, name


# Secrets


@pytest.mark.parametrize("secret", ["hunter2", "bot@odotrack.test", "noreply@odotrack.test"])
async def test_secrets_are_not_in_repr_or_log(secret: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with Mailbox(tls="starttls", user=USER, password=PASSWORD) as mailbox:
        mailer = mailer_on(mailbox)
        await mailer.send(a_letter())
        shown = [repr(mailer), str(mailer), repr(parse_smtp_url(mailbox.url)), repr(mailbox), *caplog.messages]
    assert not [line for line in shown if secret in line or RECIPIENT in line]
