"""The tables, by subject. A column ``…_sealed`` is encrypted, a column ``…_hash`` is a keyed hash; times are UTC."""

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from storage.tables.chats import (
    DEFAULT_PAGE_SIZE,
    Awaited,
    CalendarFeed,
    Chat,
    Copy,
    Link,
    Mute,
    SavedAnswer,
    Visit,
)
from storage.tables.codes import AddressGuard, Code, CodeState, ProvenAddress
from storage.tables.consents import Consent, ConsentPurpose, PolicyVersion
from storage.tables.incidents import IncidentVersion
from storage.tables.invitations import Invitation, InvitationState, PendingPaper
from storage.tables.notices import (
    Channel,
    ClockReading,
    Delivery,
    Feed,
    Kind,
    Notice,
    Pace,
    State,
    StopMailbox,
    TokenKey,
)
from storage.tables.operator import Announcement, OperatorAlert
from storage.tables.packs import Pack, PackState
from storage.tables.plan import MUTE, NO_DAY, PlannedNotice, PlanState, Sweep
from storage.tables.support import SupportConversation, SupportMessage
from storage.tables.telegram import Document, HandledUpdate, InboxUpdate, PdfMessage

__all__ = [
    "DEFAULT_PAGE_SIZE",
    "MUTE",
    "NO_DAY",
    "AddressGuard",
    "Announcement",
    "Awaited",
    "CalendarFeed",
    "Channel",
    "Chat",
    "ClockReading",
    "Code",
    "CodeState",
    "Consent",
    "ConsentPurpose",
    "Copy",
    "Delivery",
    "Document",
    "Feed",
    "HandledUpdate",
    "InboxUpdate",
    "IncidentVersion",
    "Invitation",
    "InvitationState",
    "Kind",
    "Link",
    "Mute",
    "Notice",
    "OperatorAlert",
    "Pace",
    "Pack",
    "PackState",
    "PdfMessage",
    "PendingPaper",
    "PlanState",
    "PlannedNotice",
    "PolicyVersion",
    "ProvenAddress",
    "SavedAnswer",
    "State",
    "StopMailbox",
    "SupportConversation",
    "SupportMessage",
    "Sweep",
    "TokenKey",
    "Visit",
    "metadata",
]


def metadata() -> MetaData:
    """Return the schema of every table, for creating or comparing a database.

    It makes partial indexes partial on PostgreSQL too. The table definitions leave that out: it imports PostgreSQL's
    dialect, which takes 40 ms of each start.
    """
    for index in (index for table in SQLModel.metadata.tables.values() for index in table.indexes):
        index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]
    return SQLModel.metadata
