"""What a mail in the mailbox asks for: requests, reports of mails that came back, and everything else."""

import time
from contextlib import suppress
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from mail.errors import Refusal
from sandbox.mail.answers import bounce_of
from services.notices.stop_mails import LARGEST_READ, Meaning, read_stop_mail

TOKEN = "gAAAAA" + "Bx-_9" * 30
LINK = f"https://odobot.test/unsubscribe/{TOKEN}"
QUOTED = "\n".join(f"> {line}" for line in ("Voici la facture.", "Pour ne plus recevoir ces courriels :", LINK))


def mail(subject: str = "Facture 212380", text: str = "", *, html: str = "", **headers: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "x@y.test", "stop@odotrack.test", subject
    for name, value in headers.items():
        del message[name.replace("_", "-")]
        message[name.replace("_", "-")] = value
    if text or not html:
        message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html") if text else message.set_content(html, subtype="html")
    return message.as_bytes()


STOPS = {
    "button": mail(f"stop {TOKEN}"),
    "reply to the button": mail(f"Re: RE : stop {TOKEN}"),
    "body with the token": mail("", f"stop {TOKEN}"),
    "reply": mail("Re: Facture 212380", f"STOP\n\nLe 3 nov. 2026, Odotrack a écrit :\n{QUOTED}"),
    "reply below": mail("Re: Facture", f"On Tue, Nov 3, Odotrack wrote:\n{QUOTED}\n\nStop please"),
    "subject": mail("STOP", f"\n{QUOTED}"),
    "french": mail("Re: Facture", f"Veuillez arrêter.\n{QUOTED}"),
    "unsubscribe": mail("Unsubscribe", QUOTED),
    "me desabonner": mail("Re: Facture", f"me désabonner svp\n\n{QUOTED}"),
    "html only": mail("Re: Facture", html=f"<div>Stop</div><blockquote><a href='{LINK}'>x</a></blockquote>"),
    "tag": mail("", "", To=f"stop+{TOKEN}@odotrack.test"),
    "not automatic": mail(f"stop {TOKEN}", Auto_Submitted="no"),
}
OTHERS = {
    "question": mail("Re: Facture 212380", f"Bonjour, où est la commande?\n\n{QUOTED}"),
    "thanks": mail("Re: Facture 212380", f"Merci!\n{QUOTED}"),
    "stop payment": mail("Re: Facture 212380", f"Arrêt de paiement demandé pour la facture 212380.\n{QUOTED}"),
    "stop in a question": mail("Re: Facture 212380", f"Stop aux rappels ou à tout?\n{QUOTED}"),
    "absence": mail("Réponse automatique : Facture", f"Stop\n{QUOTED}", Auto_Submitted="auto-replied"),
    "our own copy": mail("Odotrack : facture", f"Voici la facture.\n{LINK}", Auto_Submitted="auto-generated"),
    "empty": b"",
    "no mail": b"\x00\xff" * 100,
    "delayed": bounce_of(mail(f"x {TOKEN}"), status="4.4.7", action="delayed"),
    "soft": bounce_of(mail(f"x {TOKEN}"), status="4.2.2"),
}


@pytest.mark.parametrize("name", STOPS)
def test_request_is_understood(name: str) -> None:
    read = read_stop_mail(STOPS[name])
    assert read.meaning is Meaning.STOP
    assert TOKEN in read.tokens
    assert TOKEN not in repr(read)


@pytest.mark.parametrize("name", OTHERS)
def test_other_mail_is_left_alone(name: str) -> None:
    assert read_stop_mail(OTHERS[name]).meaning is Meaning.OTHER


@pytest.mark.parametrize(("status", "diagnostic", "refusal"), [
    ("5.1.1", "smtp; 550 5.1.1 No such user", Refusal.RECIPIENT), ("5.1.1", "", Refusal.RECIPIENT),
    ("5.0.0", "smtp; 550 User unknown", Refusal.RECIPIENT), ("5.2.2", "smtp;552 mailbox full", Refusal.RECIPIENT),
    ("5.0.0", "", Refusal.RECIPIENT), ("5.7.1", "smtp; 550 5.7.1 Blocked by policy", Refusal.OURS),
    ("5.0.0", "smtp; 554 rejected as spam", Refusal.OURS), ("5.3.4", "smtp; 552 5.3.4 too big", Refusal.SIZE),
])  # fmt: skip
@pytest.mark.parametrize("returns", ["message/rfc822", "text/rfc822-headers"])
def test_report_is_classified(status: str, diagnostic: str, refusal: Refusal, returns: str) -> None:
    copy = mail("Odotrack : facture", "Voici", List_Unsubscribe=f"<{LINK}>")
    read = read_stop_mail(bounce_of(copy, status=status, diagnostic=diagnostic, returns=returns))
    assert (read.meaning, read.refusal) == (Meaning.BOUNCE, refusal)
    assert TOKEN in read.tokens


HOSTILE = {
    "many encoded words": b"Subject: " + b"=?a?q?" * 50_000,
    "folded encoded words": b"Subject: " + b"=?a?q?\r\n " * 40_000,
    "tags": b"Content-Type: text/html\r\n\r\n" + b"<" * LARGEST_READ,
    "words": b"Subject: stop\r\n\r\n" + b"A" * LARGEST_READ,
    "tokens": b"Subject: stop\r\n\r\n" + (TOKEN.encode() + b" ") * 2000,
    "stops": b"Subject: x\r\n\r\n" + b"stop " * 60_000,
    "hex": b"Subject: x\r\n\r\n" + b"1.abcdef0" * 30_000,
    "headers": b"X: y\r\n" * 40_000,
    "nested": b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(5000)),
    "nested mails": b"Content-Type: message/rfc822\r\n\r\n" * 8000,
    "charset": b"Content-Type: text/plain; charset=\xff\xfe\r\n\r\nstop",
    "parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nstop\r\n" * 15_000,
    "report": b"Content-Type: message/delivery-status\r\n\r\n" + b"Action: failed\r\n\r\n" * 12_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_takes_little_time(name: str) -> None:
    """It may fail, but not hang: seconds on a slow machine, where a quadratic step would take minutes."""
    began = time.process_time()
    with suppress(Exception):  # as the reader does
        read_stop_mail(HOSTILE[name])
    assert time.process_time() - began < 10


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(st.binary(max_size=3000), st.text(max_size=200))
@example(b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n", "")
def test_random_mail_asks_for_nothing(raw: bytes, words: str) -> None:
    for each in (raw, f"Subject: {words}\r\n\r\n{words}".encode("utf-8", "surrogatepass")):
        try:
            read = read_stop_mail(each)
        except Exception:
            continue
        assert read.tokens == ()
