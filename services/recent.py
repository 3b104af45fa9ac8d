"""What this process did a short while ago, so that a repeated update does not do it again.

Only the PDFs are also stored (``storage.papers.sent_pdfs``).
"""

import datetime
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from services.clock import Clock
from services.retention import SENT_PDFS_KEPT
from storage.papers.sent_pdfs import SentPdf

_LIMIT = 20_000
"""Largest number of remembered entries of each kind; the oldest is forgotten first."""
_UNKNOWN_EDIT_AGE = datetime.timedelta(minutes=10)
"""An edit of a message that this process did not see is handled only if the message is younger: later ones are mostly
reactions and link previews."""

PdfKey = tuple[int, str, str, str]
"""Chat, account, number and language of an invoice's PDF."""
KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class RecentEntries(Generic[KeyT, ValueT]):
    """A mapping that forgets: the oldest entries beyond ``_LIMIT``, and those older than ``age``."""

    def __init__(self, clock: Clock, age: datetime.timedelta) -> None:
        self._clock = clock
        self._age = age
        self._entries: OrderedDict[KeyT, tuple[datetime.datetime, ValueT]] = OrderedDict()

    def get(self, key: KeyT) -> ValueT | None:
        """Return the value; None if there is none, or it is too old, or the clock was set back before it."""
        found = self._entries.get(key)
        is_recent = found is not None and datetime.timedelta() <= self._clock() - found[0] <= self._age
        return found[1] if found is not None and is_recent else None

    def __contains__(self, key: KeyT) -> bool:
        """Return whether ``get`` returns a value."""
        return self.get(key) is not None

    def set(self, key: KeyT, value: ValueT) -> None:
        """Remember a value from now on."""
        self._entries.pop(key, None)
        self._entries[key] = (self._clock(), value)
        if len(self._entries) > _LIMIT:
            self._entries.popitem(last=False)


@dataclass(slots=True)
class Recent:
    """What each chat wrote, opened and was sent lately, and the taps of one-time buttons and below notices."""

    clock: Clock
    pdfs: RecentEntries[PdfKey, SentPdf] = field(init=False)
    notice_answers: RecentEntries[tuple[int, int, str], int] = field(init=False)
    """The message that answered a notice's button, by chat, message of the notice and callback data."""
    opened: RecentEntries[tuple[int, str, str], bool] = field(init=False)
    """The orders and invoices that were opened, by chat, account and number."""
    last_invoice: RecentEntries[int, tuple[str, str]] = field(init=False)
    """The account and number of the invoice that a chat opened last: ``send me the pdf`` means it."""
    unanswered: set[int] = field(default_factory=set)
    """The chats that are to be told that an answer did not reach them."""
    _texts: RecentEntries[int, tuple[int, int, int]] = field(init=False)
    _taps: RecentEntries[tuple[int, int], int] = field(init=False)

    def __post_init__(self) -> None:
        """Make the empty entries."""
        self.pdfs = RecentEntries(self.clock, SENT_PDFS_KEPT)
        self.notice_answers = RecentEntries(self.clock, datetime.timedelta(seconds=15))
        self.opened = RecentEntries(self.clock, datetime.timedelta(days=30))
        self.last_invoice = RecentEntries(self.clock, datetime.timedelta(minutes=15))
        self._texts = RecentEntries(self.clock, datetime.timedelta(days=2))
        self._taps = RecentEntries(self.clock, datetime.timedelta(hours=24))

    def is_new_text(
        self, chat_id: int, message_id: int, text: str, *, update_id: int, sent_at: datetime.datetime, is_edit: bool
    ) -> bool:
        """Return whether a text is to be handled, and remember it by its hash.

        An edit is, if it changes the text of the chat's last message. A reaction or a link preview changes none. The
        last update is handled again: it was tried while the database was away.
        """
        last = self._texts.get(chat_id)
        if last is not None and last[2] == update_id:
            return True
        if is_edit and last is None and self.clock() - sent_at > _UNKNOWN_EDIT_AGE:
            return False
        if is_edit and last is not None and (last[0] != message_id or last[1] == hash(text)):
            return False
        self._texts.set(chat_id, (message_id, hash(text), update_id))
        return True

    def is_first_tap(self, chat_id: int, message_id: int, update_id: int) -> bool:
        """Return whether a one-time button of a message is tapped for the first time, and remember its update.

        The same update is the first tap again: it was tried while the database was away.
        """
        first = self._taps.get((chat_id, message_id))
        if first is None:
            self._taps.set((chat_id, message_id), update_id)
        return first is None or first == update_id
