"""Reads what a mail in the mailbox asks: to stop a bookkeeper's copies, or that a copy came back (RFC 3464).

A mail may come from anybody, and hold anything. What it asks counts only with a token of ``services.notices.copies``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from enum import StrEnum
from html import unescape
from itertools import islice

from mail.errors import Refusal, refusal_of_report
from services.notices.copies import decoded_header, tokens_in

LARGEST_READ = 128 * 1024
"""Octets of a mail that are read: text and headers stand before the attachments."""
_MOST_PARTS = 50
_MOST_TOKENS = 20
_LONGEST_LINE = 80
_MOST_WORDS = 6
_RECIPIENT_HEADERS = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")
_SUBJECT_PREFIXES = re.compile(r"\s*(?:(?:re|r[eé]p|tr|fwd?|aw)\s*:\s*)+", re.IGNORECASE)
_STOP = re.compile(r"stop|stoppez|arr[eê]t|arr[eê]te[rz]|d[eé]sabonne[rz]|d[eé]sabonnement|d[eé]sinscrire|unsubscribe")
_QUOTE_BEGINS = re.compile(r">|.*(?:a écrit\s*:|wrote:)\s*$|_{5,}|-{2,} ?(?:original|message)", re.IGNORECASE)


class Meaning(StrEnum):
    """What a mail means."""

    STOP = "stop"
    BOUNCE = "bounce"
    """A copy came back for good."""
    OTHER = "other"
    """Something else: it stays for a person."""


@dataclass(frozen=True, slots=True)
class StopMail:
    """A mail, read. ``refusal``: what a copy that came back was refused for; None for other mails."""

    meaning: Meaning
    tokens: tuple[str, ...] = field(default=(), repr=False)
    refusal: Refusal | None = None


def read_stop_mail(raw: bytes) -> StopMail:
    """Read a mail. It may raise any exception at a mail that the standard library's parser does not cope with."""
    message = message_from_bytes(raw[:LARGEST_READ])
    parts = list(islice(message.walk(), _MOST_PARTS))
    if refusal := _reported_refusal(parts):
        return StopMail(Meaning.BOUNCE, _tokens(raw, parts), refusal)
    is_automatic = str(message.get("Auto-Submitted", "no")).strip().casefold() != "no"
    if not is_automatic and (_is_addressed(message) or _asks_in_subject(message) or _asks_in_text(parts)):
        return StopMail(Meaning.STOP, _tokens(raw, parts))
    return StopMail(Meaning.OTHER)


def _reported_refusal(parts: list[Message]) -> Refusal | None:
    """Return what the first recipient that failed for good was refused for; None where the mail reports no failure."""
    for part in parts:
        blocks = part.get_payload() if part.get_content_type() == "message/delivery-status" else []
        for block in (each for each in blocks if isinstance(each, Message)) if isinstance(blocks, list) else ():
            action, status = (str(block.get(name, "")).strip() for name in ("Action", "Status"))
            if action.casefold() == "failed" and status.startswith("5"):
                return refusal_of_report(status, str(block.get("Diagnostic-Code", "")))
    return None


def _is_addressed(message: Message) -> bool:
    """Return whether a recipient's address holds what may be a token, as in ``stop+TOKEN@…``."""
    headers = (str(value) for name in _RECIPIENT_HEADERS for value in message.get_all(name, []))
    return any(_may_be_token(token) for header in headers for token in tokens_in(header))


def _asks_in_subject(message: Message) -> bool:
    subject = re.sub(r"\r?\n[ \t]+", " ", str(message.get("Subject", "")))
    return _asks(_SUBJECT_PREFIXES.sub("", decoded_header(subject), count=1))


def _asks_in_text(parts: list[Message]) -> bool:
    """Return whether the first line that the writer wrote, beside what they quote, asks to stop."""
    own = []
    for part in parts:
        if part.get_content_maintype() == "message":
            break
        if part.get_content_type() in ("text/plain", "text/html"):
            own.append(part)
    own.sort(key=lambda part: part.get_content_type() != "text/plain")
    for part in own[:1]:
        text = _text(part)
        if part.get_content_type() == "text/html":
            text = unescape(re.sub(r"<[^<>]*>", "", re.sub(r"<(?:br|/?p|/?div)\b[^<>]*>", "\n", text)))
        lines = (line.strip() for line in text.splitlines())
        return _asks(next((line for line in lines if line and not _QUOTE_BEGINS.match(line)), ""))
    return False


def _asks(line: str) -> bool:
    """Return whether a line asks to stop: ``STOP``, ``Please stop``, ``stop TOKEN``; not in a sentence."""
    before, *_ = re.split(r"\S{100,}", line, maxsplit=1)
    has_token = len(before) < len(line)
    words = re.findall(r"[^\W\d_]+", before.casefold())
    is_short = len(before) <= _LONGEST_LINE and len(words) <= _MOST_WORDS and not re.search(r"\d|\?", before)
    return is_short and any(_STOP.fullmatch(word) for word in words[: 1 if has_token else 2])


def _tokens(raw: bytes, parts: list[Message]) -> tuple[str, ...]:
    """Return what may be a token in the mail as it was sent, and in its decoded parts."""
    texts = [raw[:LARGEST_READ].decode("utf-8", "replace"), *_texts(parts)]
    found = dict.fromkeys(token for text in texts for token in tokens_in(text) if _may_be_token(token))
    return tuple(islice(found, _MOST_TOKENS))


def _texts(parts: list[Message]) -> Iterator[str]:
    for part in parts:
        if part.get_content_maintype() == "text" and not part.is_multipart():
            yield _text(part)


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    try:
        return content.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def _may_be_token(text: str) -> bool:
    """Return whether a text has the first characters of a token: Fernet's version and the first octets of a time."""
    return text.startswith("gAAAA") or re.fullmatch(r"[0-9]{1,15}\.[0-9a-f]{64}", text) is not None
