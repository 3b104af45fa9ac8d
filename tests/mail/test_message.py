"""A letter as bytes, read back by the standard library."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr

import pytest
from hypothesis import example, given, strategies as st

from mail.addresses import parse_address
from mail.errors import MailRefused
from mail.mailer import Attachment, Letter
from mail.message import compose
from tests.mail.letters import RECIPIENT, a_letter

AT = datetime(2024, 3, 1, 12, 30, tzinfo=UTC)
LINK = "<https://bot.odotrack.test/unsubscribe/" + "aB1-_" * 60 + ">"


def written(letter: Letter, *, name: str = "Odotrack, Québec inc.", sender: str = "noreply@odotrack.test") -> bytes:
    return compose(letter, name=name, sender=parse_address(sender), recipient=parse_address(letter.to), at=AT)


def read(raw: bytes) -> EmailMessage:
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.count(b"\n") == raw.count(b"\r") == raw.count(b"\r\n")
    return message_from_bytes(raw, policy=default)


def words(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    content: str = part.get_content()
    return content


def test_headers() -> None:
    raw = written(a_letter(headers={"List-Unsubscribe": LINK, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}))
    message = read(raw)
    assert raw.isascii()
    assert message["From"] == '"Odotrack, Québec inc." <noreply@odotrack.test>'
    assert message["From"].addresses[0].display_name == "Odotrack, Québec inc."
    assert message["To"].addresses[0].addr_spec == RECIPIENT
    assert message["Subject"] == "Votre code\u00a0: 123 456"
    assert message["Date"].datetime == AT
    assert message["Message-ID"].endswith("@odotrack.test>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "fr-CA"
    assert message["MIME-Version"] == "1.0"
    assert f"List-Unsubscribe: {LINK}\r\n".encode() in raw  # not folded, not encoded: mail readers follow it
    assert len(message.keys()) == len(set(message.keys()))


def test_message_ids_differ() -> None:
    assert read(written(a_letter()))["Message-ID"] != read(written(a_letter()))["Message-ID"]


def test_parts() -> None:
    attachment = Attachment("Facture n°\u00a05.pdf", b"%PDF-1.7\r\n\n\r.\r\n", "application/pdf")
    message = read(written(a_letter(attachments=(attachment,))))
    assert message.get_content_type() == "multipart/mixed"
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf"]
    [part] = message.iter_attachments()
    assert part.get_filename() == "Facture n°\u00a05.pdf"
    assert part.get_content() == attachment.content
    assert read(written(a_letter())).get_content_type() == "multipart/alternative"


def test_international_address() -> None:
    """A local part is written in UTF-8, a domain in its ASCII form."""
    assert "To: <andré@xn--qubec-csa.test>\r\n".encode() in written(a_letter(to="andré@québec.test"))
    assert b"To: <andre@xn--qubec-csa.test>\r\n" in written(a_letter(to="andre@québec.test"))


texts = st.text(max_size=300) | st.text(alphabet=st.characters(min_codepoint=0xD700), max_size=50)
subject_words = st.sampled_from(
    ["Facture", "émise", "« ", " »", "  ", "\u00a0", "x" * 90, "é" * 45, ",", '"', "=?utf-8?q?a?="]
)
subjects = st.lists(subject_words, max_size=20).map("".join) | texts


def unbroken(text: str) -> str:
    """Return a text as one line, by the rule of `mail.message` in another implementation."""
    half = "".join("\ufffd" if 0xD800 <= ord(c) < 0xE000 else c for c in text)
    lines = half.splitlines() or [""]
    return "".join("\0" if c < " " or "\x7f" <= c < "\xa0" else c for c in "\0".join(lines))


@given(subjects)
@example("x\r\nBcc: all@x.test")
@example("x\u2028Bcc: all@x.test\x85")
def test_any_subject_is_one_line(subject: str) -> None:
    message = read(written(a_letter(subject=subject)))
    assert "Bcc" not in message
    assert squeezed(str(message["Subject"])) == squeezed(unbroken(subject))


def squeezed(text: str) -> str:
    return " ".join(part for part in text.replace("\0", " ").split(" ") if part)


@given(subjects.filter(lambda name: not set(unbroken(name)) & {"\0", "\ufffd"}))
@example("Odotrack, inc. <evil@x.test>")
@example('a"b\\c')
def test_any_display_name_is_kept(name: str) -> None:
    """It never becomes an address."""
    raw = written(a_letter(), name=name)
    assert [address.addr_spec for address in read(raw)["From"].addresses] == ["noreply@odotrack.test"]
    # The old parser: the new one of Python 3.11 puts a space between the encoded words of a name (RFC 2047 §6.2).
    phrase, _ = parseaddr(message_from_bytes(raw)["From"].replace("\r\n", ""))
    assert squeezed(str(make_header(decode_header(phrase)))) == squeezed(unbroken(name))


@given(texts)
@example("." * 2000)
@example(".\n..\n\n.x")
@example("\ud83d\ude00 \udc00")
def test_any_text_is_kept(text: str) -> None:
    message = read(written(a_letter(text=text, html=text)))
    half = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    expected = half.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    for kind in ("plain", "html"):
        assert words(message, kind).replace("\r\n", "\n").rstrip("\n") == expected


@given(texts)
@example('a/b\\c"d.pdf')
@example("x\r\nContent-Type: text/html")
@example("\xa0")
def test_any_file_name_is_safe(name: str) -> None:
    message = read(written(a_letter(attachments=(Attachment(name, b"%PDF", "application/pdf"),))))
    [part] = message.iter_attachments()
    filename = part.get_filename()
    assert filename
    assert not set(filename) & set('/\\"\r\n\0')
    assert (part.get_content_type(), part.get_content()) == ("application/pdf", b"%PDF")


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": {"X-Note": "a\r\nBcc: all@x.test"}},
        {"headers": {"X-Note": "a\nb"}},
        {"headers": {"X-Note": "é"}},
        {"headers": {"X-Note": ""}},
        {"headers": {"X-Note": "x" * 1000}},
        {"headers": {"X-Note: a\r\nBcc": "all@x.test"}},
        {"headers": {"Bcc": "all@x.test"}},
        {"headers": {"SUBJECT": "another"}},
        {"headers": {"Content-Type": "text/html"}},
        {"language": "fr\r\nBcc: all@x.test"},
        {"language": ""},
        {"attachments": (Attachment("a", b"", "pdf"),)},
        {"attachments": (Attachment("a", b"", "application/pdf\r\nBcc: all@x.test"),)},
    ],
)
def test_header_injection_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(MailRefused) as caught:
        written(a_letter(**changes))
    assert "x.test" not in str(caught.value)


def test_repr_hides_the_content() -> None:
    letter = a_letter(attachments=(Attachment("Facture 12.pdf", b"%PDF", "application/pdf"),))
    assert repr(letter) == str(letter) == "Letter(…)"
    assert repr(letter.attachments) == "(Attachment(…),)"
