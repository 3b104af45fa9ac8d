"""Chats: preferences, conversation state and links, loaded for each update."""

import datetime
from collections import defaultdict
from collections.abc import Sequence, Set
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, and_, bindparam, delete, exists, or_, select as select_columns, text, update
from sqlmodel import col, select

from storage.database import Session
from storage.notices import delivery_preferences
from storage.tables import (
    DEFAULT_PAGE_SIZE,
    Awaited,
    Channel,
    Chat,
    Consent,
    Delivery,
    Link,
    State,
    SupportConversation,
)

UNLINKED_RETENTION = datetime.timedelta(days=30)
"""How long the row of an unlinked chat is kept after its last use."""


class LinkState(Struct, frozen=True):
    """One link, without its address (see ``links.emails``)."""

    link_id: int
    contact_id: str
    account_id: str
    account_name: str
    access: frozenset[str]
    subscriptions: frozenset[str] | None
    """The subscribed kinds of notices; ``None``: the person was not asked yet."""
    attaches_pdf: bool
    linked_at: datetime.datetime
    confirmed_at: datetime.datetime | None = None
    """When the portal last confirmed it; ``None``: unknown."""
    used_at: datetime.datetime | None = None
    """When the chat was last used, with a precision of one day."""


class Awaiting(Struct, frozen=True):
    """How the next text message is interpreted, until when, and for which link (``None``: for none)."""

    what: Awaited
    until: datetime.datetime
    link_id: int | None = None


class OpenConversation(Struct, frozen=True):
    """The chat's conversation with the staff that has not ended, and the staff's chat (see ``storage.support``)."""

    conversation_id: int
    staff_chat: int


class ChatState(Struct, frozen=True):
    """A chat as it was when its update arrived. ``links`` starts with the current one."""

    chat_id: int
    is_known: bool = False
    language: str | None = None
    page_size: int = DEFAULT_PAGE_SIZE
    wants_tables: bool = False
    """Whether the person chose lists as tables, in rich messages."""
    awaiting: Awaiting | None = None
    is_blocked: bool = False
    links: tuple[LinkState, ...] = ()
    sealed_links: frozenset[int] = frozenset()
    """The ids of links that no key opens: they count as removed until the person proves the address again."""
    has_unclear_notice: bool = False
    """Whether a notice is being sent to it, or will be repeated (``storage.notices.repetitions``)."""
    conversation: OpenConversation | None = None

    @property
    def current(self) -> LinkState | None:
        """The link that commands act on; ``None`` for an unlinked chat."""
        return self.links[0] if self.links else None

    def link(self, link_id: int) -> LinkState | None:
        """Return one of this chat's links; ``None`` for a link of another chat."""
        return next((link for link in self.links if link.link_id == link_id), None)


_TO_CHAT = (col(Delivery.channel) == Channel.TELEGRAM, col(Delivery.recipient) == Chat.chat_id)
# Each by a partial index of few rows. The condition of ix_deliveries_in_hand is text, because every update runs it.
_SENDING = (text("deliveries.state IN ('leased', 'sending')"), col(Delivery.state) == State.SENDING)
_HAS_UNCLEAR = or_(
    exists().where(*_TO_CHAT, col(Delivery.repeat_at).is_not(None)), exists().where(*_TO_CHAT, *_SENDING)
).label("has_unclear_notice")
_SELECTED = (
    select_columns(
        col(Chat.chat_id),
        *(col(of) for of in (Chat.language, Chat.page_size, Chat.awaited, Chat.awaited_until, Chat.awaited_link)),
        *(col(of) for of in (Chat.blocked_at, Link.link_id, Link.contact_id, Link.account_id, Link.access)),
        *(
            col(of)
            for of in (Link.account_name_sealed, Link.email_sealed, Link.wishes, Link.attaches_pdf, Link.linked_at)
        ),
        *(col(of) for of in (Link.confirmed_at, Link.used_at)),
        col(Chat.rich_tables),
        *(col(of) for of in (SupportConversation.conversation_id, SupportConversation.staff_chat)),
        _HAS_UNCLEAR,
    )
    .outerjoin(Link, col(Link.chat_id) == Chat.chat_id)
    .outerjoin(
        SupportConversation,
        and_(col(SupportConversation.chat_id) == Chat.chat_id, col(SupportConversation.ended_at).is_(None)),
    )
    .order_by(col(Link.chosen_at).desc(), col(Link.link_id))
)
_LOADED = _SELECTED.where(col(Chat.chat_id) == bindparam("chat_id"))


async def load(session: Session, chat_id: int) -> ChatState:
    """Load a chat with its links, in one query.

    A link with a column that no key decrypts is left out of ``links``: the person has to prove the address again.
    """
    # Select columns, not objects: building two objects of a row takes as long as the query, and every update runs it.
    rows: Sequence[Any] = (await session.exec(_LOADED, params={"chat_id": chat_id})).all()  # type: ignore[call-overload]
    return _chat_state(session, chat_id, rows)


async def load_each(session: Session, chat_ids: Set[int]) -> dict[int, ChatState]:
    """Load chats as ``load`` does, in one query. Returns: the state of each of ``chat_ids``."""
    rows: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in await session.exec(_SELECTED.where(col(Chat.chat_id).in_(chat_ids))):  # type: ignore[call-overload]
        rows[row.chat_id].append(row)
    return {chat_id: _chat_state(session, chat_id, rows[chat_id]) for chat_id in chat_ids}


def _chat_state(session: Session, chat_id: int, rows: Sequence[Row[Any]]) -> ChatState:
    """Return a chat's state from its rows: one for each link, or one without a link; none for an unknown chat."""
    if not rows:
        return ChatState(chat_id)
    chat = rows[0]
    awaiting = None
    if chat.awaited is not None and chat.awaited_until is not None:
        awaiting = Awaiting(Awaited(chat.awaited), chat.awaited_until, chat.awaited_link)
    conversation = None
    if chat.conversation_id is not None:
        conversation = OpenConversation(chat.conversation_id, chat.staff_chat)
    found = {row.link_id: _link_state(session, row) for row in rows if row.link_id is not None}
    return ChatState(
        chat_id=chat_id,
        is_known=True,
        language=chat.language,
        page_size=chat.page_size,
        wants_tables=chat.rich_tables,
        awaiting=awaiting,
        is_blocked=chat.blocked_at is not None,
        links=tuple(link for link in found.values() if link is not None),
        sealed_links=frozenset(link_id for link_id, link in found.items() if link is None),
        has_unclear_notice=bool(chat.has_unclear_notice),
        conversation=conversation,
    )


def _link_state(session: Session, link: Row[Any]) -> LinkState | None:
    name = session.vault.open_or_none(link.account_name_sealed)
    # The address is needed to confirm the link with the portal: without it, the link would never be confirmed again.
    if name is None or not session.vault.opens(link.email_sealed):
        return None
    return LinkState(
        link_id=link.link_id,
        contact_id=link.contact_id,
        account_id=link.account_id,
        account_name=name,
        access=frozenset(link.access.split()),
        subscriptions=None if link.wishes is None else frozenset(link.wishes.split()),
        attaches_pdf=link.attaches_pdf,
        linked_at=link.linked_at,
        confirmed_at=link.confirmed_at,
        used_at=link.used_at,
    )


async def linked_among(session: Session, chat_ids: Set[int]) -> set[int]:
    """Find the chats that have a link.

    Returns:
        Those of ``chat_ids`` with one link or more.
    """
    found = await session.exec(select(col(Link.chat_id)).where(col(Link.chat_id).in_(chat_ids)).distinct())
    return set(found)


async def ensure(session: Session, chat_id: int, now: datetime.datetime) -> Chat:
    """Return the chat's row, created where it is missing, and lock it until the transaction ends."""
    chat = await session.get(Chat, chat_id, with_for_update=True)
    if chat is None:
        await session.insert_if_absent(Chat, chat_id=chat_id, page_size=DEFAULT_PAGE_SIZE, created_at=now)
        chat = await session.get_one(Chat, chat_id, with_for_update=True)
        chat.expires_at = now + UNLINKED_RETENTION
    elif chat.expires_at is not None:
        chat.expires_at = now + UNLINKED_RETENTION
    return chat


async def set_language(session: Session, chat_id: int, language: str, now: datetime.datetime) -> None:
    """Set the language, which overrides that of the Telegram client and the default."""
    (await ensure(session, chat_id, now)).language = language


async def set_page_size(session: Session, chat_id: int, page_size: int, now: datetime.datetime) -> None:
    """Set how many rows a list shows in this chat."""
    (await ensure(session, chat_id, now)).page_size = page_size


async def set_wants_tables(session: Session, chat_id: int, wants_tables: bool, now: datetime.datetime) -> None:
    """Set whether this chat gets its lists as tables, in rich messages."""
    (await ensure(session, chat_id, now)).rich_tables = wants_tables


async def set_awaiting(session: Session, chat_id: int, awaiting: Awaiting | None, now: datetime.datetime) -> None:
    """Set what the next text message is interpreted as; ``None``: nothing in particular."""
    chat = await ensure(session, chat_id, now)
    chat.awaited = awaiting.what if awaiting else None
    chat.awaited_until = awaiting.until if awaiting else None
    chat.awaited_link = awaiting.link_id if awaiting else None


async def move_awaiting(session: Session, chat_id: int, seen: Awaiting | None, to: Awaiting | None) -> bool:
    """Change ``awaiting`` from ``seen`` to ``to`` (compare-and-set).

    Returns:
        False where it no longer was ``seen``; nothing is changed then.
    """
    moved = await session.change(
        update(Chat)
        .where(
            col(Chat.chat_id) == chat_id,
            col(Chat.awaited).is_not_distinct_from(seen.what if seen else None),
            col(Chat.awaited_until).is_not_distinct_from(seen.until if seen else None),
        )
        .values(
            awaited=to.what if to else None,
            awaited_until=to.until if to else None,
            awaited_link=to.link_id if to else None,
        )
    )
    return bool(moved)


async def first_of_album(session: Session, chat_id: int, album: str, now: datetime.datetime) -> bool:
    """Return whether this is the first message of an album: Telegram sends each picture as a separate message."""
    chat = await ensure(session, chat_id, now)
    is_first = chat.last_album != album
    chat.last_album = album
    return is_first


async def migrate(session: Session, chat_id: int, new_chat_id: int) -> None:
    """Move a chat, its links and its unsettled deliveries to the chat's new id. Telegram reports it as a migration."""
    chat = await session.get(Chat, chat_id)
    if chat is None or await session.get(Chat, new_chat_id) is not None:
        return
    session.add(Chat(**(chat.model_dump() | {"chat_id": new_chat_id})))
    await session.flush()
    for table in (Link, Consent):
        await session.change(update(table).where(col(table.chat_id) == chat_id).values(chat_id=new_chat_id))
    await delivery_preferences.readdress(session, chat_id, new_chat_id)
    await session.change(delete(Chat).where(col(Chat.chat_id) == chat_id))
