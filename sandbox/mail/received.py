"""A received mail message."""

from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import default
from functools import cached_property


@dataclass(frozen=True, slots=True)
class ReceivedAttachment:
    """An attachment of a received message."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Received:
    """One received message. `sender` and `to` are the envelope's; `raw` is the content as sent; `at` is in UTC.

    The other properties parse the content on access, and accept any content.
    """

    id: int
    sender: str
    to: tuple[str, ...]
    raw: bytes
    at: datetime
    user: str = ""  # the login of the sender
    encrypted: bool = False

    @cached_property
    def parsed(self) -> EmailMessage:
        """The content as a message. Header names ignore case."""
        return message_from_bytes(self.raw, policy=default)

    @cached_property
    def headers(self) -> dict[str, str]:
        """The decoded headers, by name as written; the last one of a repeated header."""
        return {name: str(value) for name, value in self.parsed.items()}

    @property
    def subject(self) -> str:
        return str(self.parsed.get("Subject", ""))

    @cached_property
    def text(self) -> str:
        """The text part, with LF line ends; empty when there is none."""
        return _words_of(self.parsed.get_body(("plain",)))

    @cached_property
    def html(self) -> str:
        """The HTML part; empty when there is none."""
        return _words_of(self.parsed.get_body(("html",)))

    @cached_property
    def attachments(self) -> tuple[ReceivedAttachment, ...]:
        return tuple(
            ReceivedAttachment(
                part.get_filename() or "", part.get_content_type(), bytes(part.get_payload(decode=True) or b"")
            )
            for part in self.parsed.walk()
            if part.get_content_disposition() == "attachment" and not part.is_multipart()
        )

    def is_to(self, address: str) -> bool:
        return address.casefold() in (to.casefold() for to in self.to)


def _words_of(part: MIMEPart | None) -> str:
    if part is None:
        return ""
    try:
        words = part.get_content()
    except (LookupError, ValueError):  # an unknown charset
        words = bytes(part.get_payload(decode=True) or b"").decode("utf-8", "replace")
    return str(words).replace("\r\n", "\n")
