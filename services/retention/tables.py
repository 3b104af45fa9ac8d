"""Every column that holds something of a person, table by table; ``columns.StoredTable`` says what each entry means.

A test fails for a column that is neither here nor in ``IMPERSONAL``. ``docs/decisions/0026`` argues the plain columns.
"""

from services.retention.categories import CODE_ADDRESS_KEPT, SENT_PDFS_KEPT, Category
from services.retention.columns import Eraser, PersonalColumn, StoredTable, columns_of

_CHAT = "Telegram's number of the chat, without which nothing can be sent; each update and each notice looks it up"
_LINK = "the row's own number, which says something only together with the row of the link"
_ACCOUNT = "the portal's number of the account; each event of the feed looks its links up by it"
_PAPER = "the portal's number of an order or invoice; looked up so that nothing is told twice"
_SETTING = "a preference; each update reads it, and it identifies nobody"
_TIME = "compared and sorted by the engine"
_STATE = "compared by the engine; it identifies nobody"

TABLES: dict[str, StoredTable] = {
    "chats": StoredTable(
        Category.ACCOUNT,
        "to answer in the chosen language and form, and to know what the next text means",
        Eraser.FORGETTING,
        sealed=("first_name_sealed",),
        plain={
            "chat_id": _CHAT,
            **dict.fromkeys(("language", "page_size", "rich_tables", "timezone", "quiet_from", "quiet_to"), _SETTING),
            **dict.fromkeys(("awaited", "awaited_link", "last_album"), _STATE),
            **dict.fromkeys(("awaited_until", "blocked_at", "created_at", "expires_at"), _TIME),
        },
    ),
    "links": StoredTable(
        Category.ACCOUNT,
        "to ask the portal for the orders and invoices of the accounts that the proven address gives access to",
        Eraser.UNLINKING,
        sealed=("account_name_sealed", "email_sealed"),
        hashed=("email_hash",),
        plain={
            "link_id": _LINK,
            "chat_id": _CHAT,
            "contact_id": "the portal's number of the person; events of the feed look their links up by it",
            "account_id": _ACCOUNT,
            **dict.fromkeys(("access", "wishes", "attaches_pdf"), _SETTING),
            **dict.fromkeys(("linked_at", "chosen_at", "confirmed_at", "used_at"), _TIME),
        },
    ),
    "consents": StoredTable(
        Category.ACCOUNT,
        "to show what the person agreed to and withdrew, and when; kept after unlinking, until the chat is erased",
        Eraser.FORGETTING,
        plain={
            "chat_id": _CHAT,
            "link_id": _LINK,
            "recorded_at": _TIME,
            "policy_version": _TIME,
            **dict.fromkeys(("purpose", "is_given", "message"), _STATE),
            "language": _SETTING,
        },
        impersonal=("consent_id",),
    ),
    "visits": StoredTable(
        Category.ACCOUNT,
        "to say on the first screen what changed since the last visit",
        Eraser.UNLINKING,
        sealed=("papers_sealed",),
        plain={"link_id": _LINK, "visited_at": _TIME},
    ),
    "codes": StoredTable(
        Category.CODES,
        "to prove an address, and to limit how many codes are mailed and guessed",
        Eraser.PURGE,
        sealed=("email_sealed",),
        hashed=("email_hash", "code_hash", "chat_hash"),
        plain={
            "chat_id": f"{_CHAT}; 0 once the code is used, replaced or an hour past its end",
            "for_chat": "the chat to be revoked, found by its number; 0 once either chat is deleted",
            "for_link": _LINK,
            **dict.fromkeys(("asked_at", "expires_at", "opens_until"), _TIME),
            **dict.fromkeys(("attempts", "state", "is_counted", "is_long", "is_mailed"), _STATE),
        },
        impersonal=("code_id",),
        kept={"email_sealed": CODE_ADDRESS_KEPT, "chat_id": CODE_ADDRESS_KEPT},
    ),
    "address_guards": StoredTable(
        Category.GUESSES,
        "to limit how many codes of an address are guessed, and to warn its owner",
        Eraser.PURGE,
        hashed=("email_hash",),
        plain={"wrong_codes": "a count; it is added to in the engine", "warned_at": _TIME, "changed_at": _TIME},
    ),
    "proven_addresses": StoredTable(
        Category.GUESSES,
        "to know a chat that was linked through an address before from a stranger",
        Eraser.FORGETTING,
        hashed=("chat_hash", "email_hash"),
        plain={"proven_at": _TIME},
    ),
    "invitations": StoredTable(
        Category.INVITATIONS,
        "to link the chat that opens a link which the company's portal made for a person",
        Eraser.FORGETTING,
        hashed=("token_hash", "request_hash", "chat_hash"),
        plain={
            "contact_id": "the portal's number of the person; the limit of an hour counts by it",
            "account_id": _ACCOUNT,
            "language": _SETTING,
            **dict.fromkeys(("created_at", "expires_at"), _TIME),
            "state": _STATE,
        },
        impersonal=("invitation_id",),
    ),
    "pending_papers": StoredTable(
        Category.INVITATIONS,
        "to open, after linking, the order or invoice that a link named",
        Eraser.FORGETTING,
        plain={"chat_id": _CHAT, "payload": "a number as the person's link had it, for two hours", "expires_at": _TIME},
    ),
    "notices": StoredTable(
        Category.NOTICES,
        "to tell of each event once; account and number are cleared where no delivery is left",
        Eraser.FORGETTING,
        plain={
            "event_id": "the portal's number of the event, or made of chat, account and paper; looked up for each",
            "account_id": _ACCOUNT,
            "number": _PAPER,
            "kind": _STATE,
            **dict.fromkeys(("occurred_at", "day"), _TIME),
        },
        impersonal=("notice_id",),
    ),
    "deliveries": StoredTable(
        Category.NOTICES,
        "to send each notice once to each chat and each bookkeeper, and to list what was mailed",
        Eraser.FORGETTING,
        sealed=("account_sealed",),
        plain={
            "notice_id": "the notice that is told; a foreign key",
            "recipient": f"{_CHAT}, or the number of a bookkeeper's copy; claims compare it for each notice",
            "link_id": _LINK,
            **dict.fromkeys(("channel", "state", "is_postponed", "is_repetition", "is_seen", "attempts"), _STATE),
            "reason": "why a delivery ended, in the bot's own words",
            **dict.fromkeys(("due_at", "settled_at", "repeat_at"), _TIME),
        },
        impersonal=("delivery_id", "lease_owner", "lease_until"),
    ),
    "sweeps": StoredTable(
        Category.REMINDERS,
        "to compare the plan of reminders with the portal",
        Eraser.UNLINKING,
        plain={"link_id": _LINK, **dict.fromkeys(("due_at", "reminders_since", "endings_since"), _TIME)},
    ),
    "planned_notices": StoredTable(
        Category.REMINDERS,
        "to remind of an invoice or of the end of an order on its day, or later where the person asked for it",
        Eraser.UNLINKING,
        plain={"link_id": _LINK, "number": _PAPER, "kind": _STATE, "state": _STATE, "day": _TIME, "due_at": _TIME},
    ),
    "mutes": StoredTable(
        Category.REMINDERS,
        "not to remind of an invoice whose reminders were turned off",
        Eraser.UNLINKING,
        plain={"link_id": _LINK, "number": _PAPER},
    ),
    "copies": StoredTable(
        Category.COPIES,
        "to mail each new invoice to the bookkeeper whom the person named",
        Eraser.UNLINKING,
        sealed=("email_sealed",),
        plain={
            "copy_id": "the row's own number, by which a delivery finds the address",
            "link_id": _LINK,
            "language": _SETTING,
            **dict.fromkeys(("confirmed_at", "paused_at"), _TIME),
        },
    ),
    "support_conversations": StoredTable(
        Category.SUPPORT,
        "to relay messages between the person and the staff; whose it was is cleared when it is closed",
        Eraser.FORGETTING,
        sealed=("subject_sealed",),
        plain={
            "conversation_id": "the row's own number, which says something only together with the chat",
            "chat_id": _CHAT,
            "link_id": _LINK,
            "language": _SETTING,
            "topic_id": "Telegram's number of the staff's topic, in which each answer looks its conversation up",
            "staff_chat": "the staff's own group, which holds what was relayed",
            **dict.fromkeys(("begun_at", "active_at", "ended_at", "close_at"), _TIME),
            **dict.fromkeys(("is_subject_told", "end_reason"), _STATE),
        },
    ),
    "support_messages": StoredTable(
        Category.SUPPORT,
        "to relay edits of a message and answers to it; no text is stored",
        Eraser.FORGETTING,
        plain={
            "conversation_id": "the row of the conversation; a foreign key",
            **dict.fromkeys(("person_message", "staff_message"), "Telegram's number of a message; looked up"),
            "sent_at": _TIME,
        },
    ),
    "saved_answers": StoredTable(
        Category.LISTS,
        "to show the last lists and details while the portal does not answer",
        Eraser.UNLINKING,
        sealed=("answer_sealed",),
        hashed=("key_hash",),
        plain={"link_id": _LINK, "call": "the kind of question, such as a list of invoices", "read_at": _TIME},
    ),
    "packs": StoredTable(
        Category.PACKS,
        "to make the files of a period that the person asked for, and to send them again",
        Eraser.UNLINKING,
        sealed=("request_sealed", "progress_sealed"),
        hashed=("fingerprint",),
        plain={
            "chat_id": _CHAT,
            "link_id": _LINK,
            **dict.fromkeys(("thread_id", "message_id"), "Telegram's number of the topic or message to edit"),
            **dict.fromkeys(("language", "format"), _SETTING),
            "state": _STATE,
            **dict.fromkeys(("created_at", "due_at", "settled_at"), _TIME),
        },
        impersonal=("pack_id", "lease_owner", "lease_until"),
    ),
    "documents": StoredTable(
        Category.DOCUMENTS,
        "to send a PDF again without uploading it; shared by the chats of an account, and erased with its last link",
        Eraser.UNLINKING,
        plain={
            "account_id": _ACCOUNT,
            "number": "the portal's number of an invoice; part of the key of each look-up",
            "language": _SETTING,
            "file_id": "Telegram's reference to the file, which no other bot can use",
            "etag": "the portal's version of the file",
        },
        impersonal=("bot_id",),
    ),
    "pdf_messages": StoredTable(
        Category.DOCUMENTS,
        "not to send a PDF again for a repeated tap; deleted after a day",
        Eraser.UNLINKING,
        plain={
            "link_id": _LINK,
            "number": _PAPER,
            "language": _SETTING,
            "message_id": "Telegram's number of the message, to which an answer can point",
            "etag": "the portal's version of the file",
            **dict.fromkeys(("sent_at", "told_at"), _TIME),
        },
        kept=dict.fromkeys(
            ("link_id", "number", "language", "message_id", "etag", "sent_at", "told_at"), SENT_PDFS_KEPT
        ),
    ),
    "calendar_feeds": StoredTable(
        Category.CALENDAR,
        "to give a calendar program the due dates of an account",
        Eraser.UNLINKING,
        hashed=("token_hash",),
        plain={"link_id": _LINK, "language": _SETTING, "created_at": _TIME},
    ),
    "inbox": StoredTable(
        Category.UPDATES,
        "not to lose a message when the process ends before it is handled",
        Eraser.HANDLING,
        sealed=("content_sealed",),
        impersonal=("update_id", "received_at"),
    ),
}  # fmt: skip

IMPERSONAL: dict[str, tuple[str, ...]] = {
    "handled_updates": ("update_id", "handled_at"),
    "feed": ("feed_id", "cursor", "read_at"),
    "pace": ("pace_id", "next_at", "halted_until"),
    "clock_readings": ("reading_id", "seen_at"),
    "policy_versions": ("version", "recorded_at"),
    "token_keys": ("purpose", "key_sealed", "created_at"),
    "stop_mailbox": ("mailbox_id", "uid_validity", "last_uid", "lease_owner", "lease_until"),
    "announcements": (
        "announcement_id",
        "texts",
        "created_at",
        "notice_id",
        "queued_to",
        "completed_at",
        "cancelled_at",
    ),
    "incidents": ("number", "version", "recorded_at", "facts_sealed"),
    "operator_alerts": ("alert", "is_held", "is_told", "since", "seen_at", "told_at", "claimed_until"),
}
"""The tables that hold nothing of a person, with their columns."""


def personal_columns() -> list[PersonalColumn]:
    """Return every column that holds something of a person."""
    return [column for table, stored in TABLES.items() for column in columns_of(table, stored)]
