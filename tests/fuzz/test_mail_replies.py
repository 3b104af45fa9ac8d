"""Mails that ask for the end of copies, in whatever form a mail program sends them, and anything else on stdin."""

import base64
import io
import quopri
import sys
import time
from email.header import Header
from email.message import EmailMessage
from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings, strategies as st

from bot.commands.stop_copy import stop_copy, text_of
from services.notices.copies import make_stop_token, tokens_in
from storage.database import Database
from storage.notices.bookkeeper_copies import BookkeeperCopy
from storage.vault import Vault
from tests.fuzz.values import in_scene
from tests.storage import a_key

TOKEN = make_stop_token(
    Vault([a_key()]), BookkeeperCopy(1, 1, 1, "c", "a-2001", "Odotrack", "fr", "livres@example.test")
)
WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
PIECES = st.sampled_from(
    [
        TOKEN, TOKEN[:-1], "stop ", "stop", "=?utf-8?q?", "=?utf-8?b?", "=?x-unknown?b?", "=?é?q?a?=", "?=", "=\r\n",
        "\r\n ", "\n\t", "\r\n", "=", "%", "%00", "1.", "0" * 64, "A" * 100, "a" * 2_000, "-" * 200, ".", "mailto:",
        "/unsubscribe/", "\x00", "\ufffd", "=?",
    ]
)  # fmt: skip
MAILS = st.lists(PIECES | WORDS, max_size=20).map("".join)


def subject_only(subject: str) -> str:
    return subject


def plain_mail(subject: str) -> str:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "livres@example.test", subject
    mail.set_content("Merci.")
    return mail.as_string()


def encoded_mail(subject: str) -> str:
    """Write the subject as encoded words, as some programs do with every subject."""
    return f"From: livres@example.test\r\nSubject: {Header(subject, 'utf-8').encode()}\r\n\r\nMerci.\r\n"


def link_in_a_body(subject: str) -> str:
    link = f"Cliquez https://bot.example.test/unsubscribe/{subject.split()[-1]}?x=1 pour arrêter".encode()
    return quopri.encodestring(link).decode()


def quoted_reply(subject: str) -> str:
    return f"Le 3 oct., Odotrack a écrit :\n> objet : « {subject} »\n> merci"


FORMS = (subject_only, plain_mail, encoded_mail, link_in_a_body, quoted_reply)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("before", ["stop ", "RE: stop ", "Tr : Stop "])
def test_token_is_found_in_every_form(form, before: str) -> None:  # type: ignore[no-untyped-def]
    assert TOKEN in tokens_in(form(f"{before}{TOKEN}"))


@settings(max_examples=200, deadline=None)
@given(MAILS)
@example(f"Subject: =?utf-8?b?{base64.b64encode(b'stop ' + TOKEN.encode()).decode()}?=")
@example("Subject: =?utf-8?b?!?=")
@example("Subject: =?u\ufffdf-8?q?AAB?=")  # found by atheris: CharsetError
@example("stop " * 20_000)
@example("=?utf-8?q?" * 20_000)
@example("0" * 64 + "." + "0" * 100_000)
def test_any_mail_gives_few_tokens_soon(text: str) -> None:
    began = time.process_time()
    found = tokens_in(text)
    assert time.process_time() - began < 5
    assert len(found) == len(set(found))


@in_scene(60)
@given(text=MAILS)
@example(text=TOKEN)
async def test_any_mail_stops_nothing_without_its_token(database: Database, text: str) -> None:
    """The tokens are sealed under a key that this database does not have."""
    assert await stop_copy(database, text, has_bounced=False) is None
    assert await stop_copy(database, text, has_bounced=True) is None


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=2_000))
@example(b"\xff\xfe\x00")
@example(b"A" * 3_000_000)
def test_any_bytes_on_stdin_are_read(content: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        tokens_in(text_of("-"))
