"""The interface of mail for the rest of Odobot: `Letter` and `Mailer`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True, repr=False)
class Attachment:
    """A file attached to a letter; `media_type` is `type/subtype`, such as `application/pdf`."""

    name: str
    content: bytes
    media_type: str

    def __repr__(self) -> str:
        return "Attachment(…)"  # a file's name reveals whose invoice it is


class LetterKind(StrEnum):
    """What a letter is for. Operators see these words in the metrics."""

    CODE = "code"
    ALERT = "alert"
    COPY = "copy"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Letter:
    """One mail to one address, with the same content as text and as HTML.

    `language` is a BCP 47 tag (`fr`, `en-CA`). `headers` are extra ones, in ASCII, such as List-Unsubscribe; the
    headers of every letter cannot be overridden.
    """

    to: str
    subject: str
    text: str
    html: str
    language: str
    attachments: tuple[Attachment, ...] = ()
    is_for_stranger: bool = False
    """Whether an unlinked chat requested it: such letters have a rate limit of their own, and delay no others."""
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: LetterKind = LetterKind.ALERT
    message_id: str = ""
    """The part of the Message-ID before the @: hex digits, the same for each repetition. Empty: a new one."""

    def __repr__(self) -> str:
        return "Letter(…)"


class Mailer(Protocol):
    """Sends letters. Every failure is a `mail.errors.MailError`."""

    async def send(self, letter: Letter) -> None:
        """Return once the server has accepted the letter. A cancelled call is uncertain: it may have been accepted.

        Raises:
            MailError: the letter was not sent, or `is_uncertain`.
        """
        ...

    async def ready(self) -> None:
        """Check the server: connect, start TLS and log in, without sending a letter.

        Raises:
            MailUnavailable, MailMisconfigured: it cannot be used.
        """
        ...

    async def take_turn(self) -> None:
        """Wait as long as a letter for a stranger takes, in the same rate limit, and send nothing.

        Letters that wait behind it then wait as long, whether or not a letter was sent. Raises nothing.
        """
        ...
