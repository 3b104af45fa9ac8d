"""What a chat is told of a pack: how far it is, how it ended, and the files."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Protocol

from msgspec import Struct

from services.packs.selection import PackFormat, Selection
from storage.papers.packs import ClaimedPack


class Stage(StrEnum):
    """What a pack is waiting for."""

    WAITING = "waiting"
    LISTING = "listing"
    CHECKING = "checking"
    PACKING = "packing"
    SENDING = "sending"
    PORTAL_AWAY = "portal_away"


class Working(Struct, frozen=True):
    """A pack in progress: ``done`` of ``total`` invoices; a ``total`` of 0 is not known yet."""

    stage: Stage
    done: int = 0
    total: int = 0


class Missing(StrEnum):
    """Why the PDF of an invoice is not in a pack. The values are stored."""

    GONE = "gone"
    NOT_READY = "not_ready"
    BROKEN = "broken"
    TOO_LARGE = "too_large"
    AWAY = "away"
    UNMERGEABLE = "unmergeable"


class Finished(Struct, frozen=True):
    """A pack that was sent: ``count`` invoices are in it, ``missing`` has the others. Rows may be left out.

    ``unread`` rows of the portal could not be read, and ``left_off`` invoices were too many.
    """

    format: PackFormat
    selection: Selection
    count: int
    missing: tuple[tuple[str, Missing], ...] = ()
    unread: int = 0
    left_off: int = 0


class Reason(StrEnum):
    """Why a pack stopped."""

    CANCELLED = "cancelled"
    ENDED = "ended"
    """The link, or the access to its invoices, is gone."""
    PORTAL = "portal"
    REFUSED = "refused"
    TELEGRAM = "telegram"
    UNCLEAR = "unclear"
    """Telegram did not say whether it has the last file."""
    INTERNAL = "internal"


class Stopped(Struct, frozen=True):
    """A pack that ended before everything was sent."""

    reason: Reason


Report = Working | Finished | Stopped


@dataclass(frozen=True, slots=True)
class PackFile:
    """A file to send: new with its ``content``, or known to Telegram by its ``file_id``.

    ``caption`` is plain text, the first line of which is the title. The caller closes ``content``.
    """

    name: str
    caption: tuple[str, ...]
    is_picture: bool = False
    content: BinaryIO | None = field(default=None, repr=False)
    file_id: str = ""


class SendFailed(Exception):
    """A file was not sent, or possibly not."""

    def __init__(self, reason: Reason, *, is_unknown_file: bool = False, is_chat_gone: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_unknown_file = is_unknown_file
        """Whether Telegram may no longer know the ``file_id``."""
        self.is_chat_gone = is_chat_gone
        """Whether no message reaches the chat, because the person blocked the bot."""


class PackSender(Protocol):
    """Tells a chat of its pack."""

    @property
    def bot_id(self) -> int:
        """The bot for which a ``file_id`` is valid."""

    async def report(self, pack: ClaimedPack, report: Report) -> int | None:
        """Show a report in the message with the pack's progress, or in a new one.

        Failures are ignored: the files matter more.

        Returns:
            The id of the message; None if there is none.
        """

    async def send(self, pack: ClaimedPack, file: PackFile) -> str:
        """Send a file. Returns: its ``file_id``. Raises: ``SendFailed``."""
