"""What the rest of Odobot knows about mail: a letter, and somebody who sends it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, repr=False)
class Attachment:
    """A file that goes with a letter; `media_type` is `type/subtype`, such as `application/pdf`."""

    name: str
    content: bytes
    media_type: str

    def __repr__(self) -> str:
        return "Attachment(…)"  # a file's name tells whose invoice it is


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Letter:
    """One mail to one address, the same words as text and as HTML.

    `language` is a BCP 47 tag (`fr`, `en-CA`). `headers` are extra ones, in ASCII, such as List-Unsubscribe;
    the headers that every letter has cannot be given.
    """

    to: str
    subject: str
    text: str
    html: str
    language: str
    attachments: tuple[Attachment, ...] = ()
    is_for_stranger: bool = False
    """A code for whoever named the address: such letters take turns of their own, and hold up nobody else's."""
    headers: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "Letter(…)"


class Mailer(Protocol):
    """Sends letters. Whatever goes wrong is a `mail.errors.MailError`."""

    async def send(self, letter: Letter) -> None:
        """Return once the server has taken responsibility for the letter.

        Raises MailUnavailable (look at `written` before trying again), MailRefused or MailMisconfigured.
        A cancelled call is uncertain too: the server may have the letter.
        """
        ...

    async def ready(self) -> None:
        """Connect, say hello, encrypt, log in and leave, sending nothing.

        Raises MailUnavailable or MailMisconfigured.
        """
        ...

    async def take_turn(self) -> None:
        """Take the turn of a letter for a stranger, and send nothing: whoever waits behind it waits as long.

        Raises nothing.
        """
        ...
