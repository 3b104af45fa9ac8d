"""Encode a letter for SMTP (RFC 5322, MIME): in 7 bits, except for addresses that need SMTPUTF8."""

import base64
import re
import secrets
from datetime import datetime
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, Policy
from email.utils import format_datetime
from typing import Any

from mail.addresses import Address
from mail.errors import MailRefused
from mail.mailer import Attachment, Letter

_LINE = 76  # characters, RFC 2047 §2; without encoded words a line may have 998 (RFC 5322 §2.1.1)
_LONGEST_WORD = 900
_RESERVED_HEADERS = frozenset(
    {"from", "sender", "to", "cc", "bcc", "subject", "date", "message-id", "auto-submitted", "mime-version"}
)
_HEADER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-]{0,60}")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+\-]*/[a-z0-9][a-z0-9!#$&^_.+\-]*", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class _AsWritten(UnstructuredHeader, BaseHeader):
    """A header written unchanged, folded at spaces only.

    The standard library puts a long word into RFC 2047 encoding, which breaks the link in List-Unsubscribe, and drops
    text that looks like an encoded word from a subject. Here `_encoded` decides.
    """

    max_count = None

    @classmethod
    def parse(cls, string: str, kwds: dict[str, Any]) -> None:
        super().parse(string, kwds)
        kwds["decoded"] = string

    def fold(self, *, policy: Policy) -> str:
        lines = [f"{self.name}:"]
        for position, word in enumerate(re.findall(r"[ \t]*[^ \t]+", f" {self}")):
            if position and len(lines[-1]) + len(word) > _LINE:
                lines.append("")
            lines[-1] += word
        return policy.linesep.join(lines) + policy.linesep


class _Headers(HeaderRegistry):
    """The library's classes for headers with MIME parameters, `_AsWritten` for all others."""

    _LIBRARY = frozenset({"mime-version", "content-type", "content-disposition", "content-transfer-encoding"})

    def __getitem__(self, name: str) -> type[BaseHeader]:
        return super().__getitem__(name) if name.lower() in self._LIBRARY else _AsWritten


_ASCII_POLICY = SMTP.clone(header_factory=_Headers())
_UTF8_POLICY = SMTPUTF8.clone(header_factory=_Headers())


def compose(letter: Letter, *, name: str, sender: Address, recipient: Address, at: datetime) -> bytes:
    """Return the encoded message, with CRLF line ends and no line over 998 octets.

    Args:
        name: the sender's display name, empty if none.
        at: the time in the Date header, with a time zone.

    Raises:
        MailRefused: an extra header, media type or language is invalid.
    """
    international = sender.needs_smtputf8 or recipient.needs_smtputf8
    message = EmailMessage(policy=_UTF8_POLICY if international else _ASCII_POLICY)
    message.set_content(_writable(letter.text), cte="quoted-printable")
    message.add_alternative(_writable(letter.html), subtype="html", cte="quoted-printable")
    for attachment in letter.attachments:
        _attach(message, attachment)
    message["From"] = f"{_phrase(_one_line(name))} <{sender}>".lstrip()
    message["To"] = f"<{recipient}>"
    message["Subject"] = _encoded(_one_line(letter.subject))
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{letter.message_id or secrets.token_hex(16)}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: prevents automatic replies
    if not _LANGUAGE.fullmatch(letter.language):
        raise MailRefused("the letter's language is not a language tag")
    message["Content-Language"] = letter.language
    for header, value in letter.headers.items():
        _check_extra_header(header, value)
        message[header] = value
    return bytes(message)


def _attach(message: EmailMessage, attachment: Attachment) -> None:
    if not _MEDIA_TYPE.fullmatch(attachment.media_type):
        raise MailRefused("an attachment's media type is not type/subtype")
    maintype, _, subtype = attachment.media_type.partition("/")
    filename = re.sub(r'[/\\:*?"<>|]', "_", _one_line(attachment.name).strip()) or "attachment"
    message.add_attachment(attachment.content, maintype=maintype, subtype=subtype, filename=filename)


def _check_extra_header(name: str, value: str) -> None:
    lowered = name.lower()
    if not _HEADER_NAME.fullmatch(name) or lowered in _RESERVED_HEADERS or lowered.startswith("content-"):
        raise MailRefused("an extra header has a name it may not have")
    if not (value.isascii() and value.isprintable() and value.strip()):
        raise MailRefused("an extra header is empty, or has a line break or a character beyond ASCII")
    if max(map(len, value.split())) > _LONGEST_WORD:
        raise MailRefused("an extra header does not fit a line")


def _phrase(name: str) -> str:
    """Return a display name, quoted: else the comma in « Odotrack, inc. » makes two senders of one."""
    if not name or not _is_plain(name):
        return _encoded(name)
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def _encoded(text: str) -> str:
    """Return plain text unchanged, other text as RFC 2047 encoded words of at most 75 characters."""
    if _is_plain(text):
        return text
    chunks, chunk = [], b""
    for character in text:
        octets = character.encode()
        if len(chunk) + len(octets) > 39:  # 64 characters as an encoded word, which fit after "Subject: "
            chunks.append(chunk)
            chunk = b""
        chunk += octets
    return " ".join(f"=?utf-8?b?{base64.b64encode(chunk).decode()}?=" for chunk in [*chunks, chunk])


def _is_plain(text: str) -> bool:
    """Return whether a header can hold it unchanged: ASCII, foldable, and no encoded word."""
    return text.isascii() and "=?" not in text and max(map(len, text.split(" "))) < _LINE


def _one_line(text: str) -> str:
    return _BREAKS.sub(" ", _writable(text)).strip(" ")


def _writable(text: str) -> str:
    """Return the text with lone surrogates, which UTF-8 cannot encode, replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
