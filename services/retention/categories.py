"""The categories of what is stored of a person, and how long each is kept.

``services.retention.tables`` names the columns of each category. The worker's purge, the privacy policy and
``/mesdonnees`` take the periods from here.
"""

import datetime
from enum import StrEnum

from storage.chats import UNLINKED_RETENTION


class Category(StrEnum):
    """A kind of stored data that a reader of the policy can tell from the others."""

    ACCOUNT = "account"
    """Of a linked chat: its preferences, the first name, the address, the accounts and the last visit."""
    UNLINKED = "unlinked"
    """Of a chat that is not linked (any more): its preferences, and the notices that it received."""
    CODES = "codes"
    """Requests for codes. The address is cleared an hour after the code expires; keyed hashes stay for the period."""
    GUESSES = "guesses"
    """Keyed hashes only: wrong codes of an address, and which chat was linked through which address."""
    NOTICES = "notices"
    """Notices and bookkeepers' mails: which invoice or order was told when."""
    REMINDERS = "reminders"
    """Planned and snoozed reminders; the period starts on the day of the reminder."""
    COPIES = "copies"
    """Addresses of bookkeepers."""
    SUPPORT = "support"
    """Conversations with the staff: ids of messages, no texts; the period starts with each message."""
    LISTS = "lists"
    """The portal's last answers, which are shown while it does not answer."""
    PACKS = "packs"
    """Requests for the invoices of a period; the period starts when the files were sent."""
    DOCUMENTS = "documents"
    """References to PDFs that were uploaded to Telegram. Kept until the account's last chat is unlinked."""
    CALENDAR = "calendar"
    """Private addresses of calendar feeds."""
    INVITATIONS = "invitations"
    """Links into the chat that the company's portal requested, and what opens after linking."""
    UPDATES = "updates"
    """Messages and taps, from their arrival until they are handled; then only Telegram's number of them is kept."""


_PERIODS: dict[Category, datetime.timedelta | None] = {
    Category.ACCOUNT: None,
    Category.UNLINKED: UNLINKED_RETENTION,
    Category.CODES: datetime.timedelta(hours=25),
    Category.GUESSES: datetime.timedelta(days=400),
    Category.NOTICES: datetime.timedelta(days=400),
    Category.REMINDERS: datetime.timedelta(days=30),
    Category.COPIES: None,
    Category.SUPPORT: datetime.timedelta(days=30),
    Category.LISTS: datetime.timedelta(days=7),
    Category.PACKS: datetime.timedelta(days=7),
    Category.DOCUMENTS: None,
    Category.CALENDAR: None,
    Category.INVITATIONS: datetime.timedelta(hours=2),  # limits count an hour, and a second tap gets its answer
    Category.UPDATES: datetime.timedelta(days=2),
}

CODE_ADDRESS_KEPT = datetime.timedelta(hours=1)
"""How long the address of a code stays after the code expired, so that another code can be asked for."""
SENT_PDFS_KEPT = datetime.timedelta(hours=24)
"""How long it is known which PDF the chat was sent in which message."""
TOPICS_KEPT = datetime.timedelta(days=400)
"""How long it is known that a topic of the staff's forum was a conversation, without whose."""


def periods() -> list[tuple[Category, datetime.timedelta | None]]:
    """Return how long each category is kept at most; None: until the person unlinks the chat or has it forgotten."""
    return list(_PERIODS.items())


def period(category: Category) -> datetime.timedelta | None:
    """Return how long a category is kept at most; None: until the chat is unlinked or forgotten."""
    return _PERIODS[category]


def kept(category: Category) -> datetime.timedelta:
    """Return the period of a category that has one.

    Raises:
        ValueError: The category is kept until the chat is unlinked.
    """
    found = period(category)
    if found is None:
        raise ValueError(f"{category} has no period")
    return found
