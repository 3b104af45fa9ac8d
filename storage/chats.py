"""Chats: what one chose, where its conversation stands, and what it is linked to."""

import datetime
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, delete, update
from sqlalchemy import select as select_columns
from sqlmodel import col, select

from storage import codes, outbox, proofs
from storage.database import Session
from storage.tables import DEFAULT_PAGE_SIZE, Awaited, Chat, CodeState, Link

UNLINKED = "unlinked"
"""Why links were removed that the person, or the operator, gave up."""
STRANGER_KEPT = datetime.timedelta(days=30)
"""How long a chat that is not linked is remembered after its last use."""


@dataclass(frozen=True, slots=True)
class LinkState:
    """One link as a handler needs it; its address stays sealed (see ``emails``)."""

    link_id: int
    contact_id: str
    account_id: str
    account_name: str
    access: frozenset[str]
    wishes: frozenset[str] | None
    attaches_pdf: bool
    linked_at: datetime.datetime
    confirmed_at: datetime.datetime | None = None
    """When the portal last confirmed it; ``None``: not since this is kept."""
    used_at: datetime.datetime | None = None
    """When somebody last used the chat, to the day."""


@dataclass(frozen=True, slots=True)
class Awaiting:
    """What the next text is taken for, until when, and for which link where it matters."""

    what: Awaited
    until: datetime.datetime
    link_id: int | None = None


@dataclass(frozen=True, slots=True)
class ChatState:
    """A chat as it stood when its update came in. ``links`` has the current one first."""

    chat_id: int
    is_known: bool = False
    language: str | None = None
    page_size: int = DEFAULT_PAGE_SIZE
    awaiting: Awaiting | None = None
    is_blocked: bool = False
    links: tuple[LinkState, ...] = ()

    @property
    def current(self) -> LinkState | None:
        """The link that commands act on."""
        return self.links[0] if self.links else None

    def link(self, link_id: int) -> LinkState | None:
        """One of this chat's own links; ``None`` for anybody else's."""
        return next((link for link in self.links if link.link_id == link_id), None)


_LOADED = (
    select_columns(
        *(col(of) for of in (Chat.language, Chat.page_size, Chat.awaited, Chat.awaited_until, Chat.awaited_link)),
        *(col(of) for of in (Chat.blocked_at, Link.link_id, Link.contact_id, Link.account_id, Link.access)),
        *(col(of) for of in (Link.account_name_sealed, Link.wishes, Link.attaches_pdf, Link.linked_at)),
        *(col(of) for of in (Link.confirmed_at, Link.used_at)),
    )
    .outerjoin(Link, col(Link.chat_id) == Chat.chat_id)
    .where(col(Chat.chat_id) == bindparam("chat_id"))
    .order_by(col(Link.chosen_at).desc(), col(Link.link_id))
)


async def load(session: Session, chat_id: int) -> ChatState:
    """Everything that an update needs to know of its chat, in one query.

    A link whose columns no key opens is none: the person has to prove the address again.
    """
    # The one query of every update: columns, since making two objects of a row costs as much as reading it.
    rows: Sequence[Any] = (await session.exec(_LOADED, params={"chat_id": chat_id})).all()  # type: ignore[call-overload]
    if not rows:
        return ChatState(chat_id)
    chat = rows[0]
    awaiting = None
    if chat.awaited is not None and chat.awaited_until is not None:
        awaiting = Awaiting(Awaited(chat.awaited), chat.awaited_until, chat.awaited_link)
    links = (_link_state(session, row) for row in rows if row.link_id is not None)
    return ChatState(
        chat_id=chat_id,
        is_known=True,
        language=chat.language,
        page_size=chat.page_size,
        awaiting=awaiting,
        is_blocked=chat.blocked_at is not None,
        links=tuple(link for link in links if link is not None),
    )


def _link_state(session: Session, link: Row[Any]) -> LinkState | None:
    name = session.vault.open_or_none(link.account_name_sealed)
    if name is None:
        return None
    return LinkState(
        link_id=link.link_id,
        contact_id=link.contact_id,
        account_id=link.account_id,
        account_name=name,
        access=frozenset(link.access.split()),
        wishes=None if link.wishes is None else frozenset(link.wishes.split()),
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
    """The chat's row, made where there is none, and locked until the transaction ends."""
    chat = await session.get(Chat, chat_id, with_for_update=True)
    if chat is None:
        await session.put_if_absent(Chat, chat_id=chat_id, page_size=DEFAULT_PAGE_SIZE, created_at=now)
        chat = await session.get_one(Chat, chat_id, with_for_update=True)
        chat.expires_at = now + STRANGER_KEPT
    elif chat.expires_at is not None:
        chat.expires_at = now + STRANGER_KEPT
    return chat


async def set_language(session: Session, chat_id: int, language: str, now: datetime.datetime) -> None:
    """What the chat chose wins over its client's language and the default."""
    (await ensure(session, chat_id, now)).language = language


async def set_page_size(session: Session, chat_id: int, page_size: int, now: datetime.datetime) -> None:
    """How many rows a list shows in this chat."""
    (await ensure(session, chat_id, now)).page_size = page_size


async def set_awaiting(session: Session, chat_id: int, awaiting: Awaiting | None, now: datetime.datetime) -> None:
    """Moves the conversation, wherever it stood: what the person asked for last is what counts."""
    chat = await ensure(session, chat_id, now)
    chat.awaited = awaiting.what if awaiting else None
    chat.awaited_until = awaiting.until if awaiting else None
    chat.awaited_link = awaiting.link_id if awaiting else None


async def move_awaiting(session: Session, chat_id: int, seen: Awaiting | None, to: Awaiting | None) -> bool:
    """Moves the conversation only from where it was seen to stand; ``False`` when somebody moved it first."""
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
    """Whether this is the first message seen of an album: Telegram sends each picture as a message of its own."""
    chat = await ensure(session, chat_id, now)
    is_first = chat.last_album != album
    chat.last_album = album
    return is_first


@dataclass(frozen=True, slots=True)
class NewLink:
    """An account that a proven address opens."""

    contact_id: str
    account_id: str
    account_name: str
    access: frozenset[str]
    email: str


async def add_links(
    session: Session, chat_id: int, first_name: str, new: Sequence[NewLink], now: datetime.datetime
) -> None:
    """Links the chat to each account, the first one current. A link that was there is refreshed, its wishes kept."""
    chat = await ensure(session, chat_id, now)
    chat.first_name_sealed = session.vault.seal(first_name)
    if new:
        chat.expires_at = None
    found = (await session.exec(select(Link).where(col(Link.chat_id) == chat_id))).all()
    known = {(link.contact_id, link.account_id): link for link in found}
    once = {(link.contact_id, link.account_id): link for link in new}
    for rank, link in enumerate(once.values()):
        row = known.get((link.contact_id, link.account_id)) or Link(
            chat_id=chat_id, contact_id=link.contact_id, account_id=link.account_id,
            account_name_sealed="", access="", email_sealed="", email_hash="", linked_at=now, chosen_at=now,
        )  # fmt: skip
        if row.email_hash not in session.vault.hashes("email", link.email):
            row.linked_at = now  # through this address it is a new link, whatever it was before
        row.account_name_sealed = session.vault.seal(link.account_name)
        row.access = " ".join(sorted(link.access))
        row.email_sealed = session.vault.seal(link.email)
        row.email_hash = session.vault.hash("email", link.email)
        row.chosen_at = now - datetime.timedelta(milliseconds=rank)
        row.confirmed_at = row.used_at = now
        session.add(row)


async def choose(session: Session, chat_id: int, link_id: int, now: datetime.datetime) -> None:
    """Makes one of the chat's links the current one."""
    own = (col(Link.link_id) == link_id, col(Link.chat_id) == chat_id)
    await session.change(update(Link).where(*own).values(chosen_at=now))


async def set_wishes(session: Session, chat_id: int, link_ids: Sequence[int], kinds: Set[str], *, on: bool) -> None:
    """Turns kinds of notices on or off for some of the chat's links."""
    own = (col(Link.link_id).in_(link_ids), col(Link.chat_id) == chat_id)
    for link in (await session.exec(select(Link).where(*own).with_for_update())).all():
        wished = set((link.wishes or "").split())
        link.wishes = " ".join(sorted(wished | kinds if on else wished - kinds))


async def set_attaches_pdf(session: Session, chat_id: int, link_id: int, *, on: bool) -> None:
    """Whether a link's notices of new invoices bring the PDF along."""
    own = (col(Link.link_id) == link_id, col(Link.chat_id) == chat_id)
    await session.change(update(Link).where(*own).values(attaches_pdf=on))


async def unlink(session: Session, chat_id: int, now: datetime.datetime) -> int:
    """Removes every link of the chat, and what was kept for linking; how many links there were."""
    await codes.close_all(session, chat_id)
    state = {"awaited": None, "awaited_until": None, "awaited_link": None}
    await session.change(update(Chat).where(col(Chat.chat_id) == chat_id).values(**state))
    own = (await session.exec(select(col(Link.link_id)).where(col(Link.chat_id) == chat_id))).all()
    return await remove_links(session, own, now, UNLINKED)


async def unlink_email(session: Session, email: str, now: datetime.datetime) -> int:
    """Removes every chat's links through an address; how many there were."""
    hashes = session.vault.hashes("email", email)
    await codes.close_of_email(session, email, now)
    await proofs.forget_proven(session, email=email)
    found = (await session.exec(select(col(Link.link_id)).where(col(Link.email_hash).in_(hashes)))).all()
    return await remove_links(session, found, now, UNLINKED)


async def remove_links(session: Session, link_ids: Sequence[int | None], now: datetime.datetime, reason: str) -> int:
    """Removes links of whatever chats, cancels what is queued for them, and forgets names that no link needs."""
    which = col(Link.link_id).in_(link_ids)
    of_chats = (await session.exec(select(Link.chat_id).where(which).distinct())).all()
    if reason != UNLINKED:
        await _forget_proofs(session, which)
    await outbox.cancel_of_links(session, [link_id for link_id in link_ids if link_id], now, reason)
    removed = await session.change(delete(Link).where(which))
    for chat_id in of_chats:
        await _forget_person(session, chat_id, now)
    return removed


async def _forget_proofs(session: Session, which: ColumnElement[bool]) -> None:
    """Who lost a link did not keep the mailbox: what these chats proved through the links' addresses is forgotten."""
    found = await session.exec(select(col(Link.chat_id), col(Link.email_sealed)).where(which))
    for chat_id, sealed in set(found.all()):
        if email := session.vault.open_or_none(sealed):
            await proofs.forget_proven(session, chat_id=chat_id, email=email)


async def _forget_person(session: Session, chat_id: int, now: datetime.datetime) -> None:
    """A name is kept for as long as there is a link, and the rest of the row for 30 days longer."""
    linked = select(Link.link_id).where(col(Link.chat_id) == chat_id).exists()
    values = {"first_name_sealed": None, "expires_at": now + STRANGER_KEPT}
    await session.change(update(Chat).where(col(Chat.chat_id) == chat_id, ~linked).values(values))


async def purge_strangers(session: Session, now: datetime.datetime, limit: int) -> int:
    """Deletes at most ``limit`` rows of chats that are not linked and were not used for 30 days. Returns: how many."""
    expired = col(Chat.expires_at)
    old = select(Chat.chat_id).where(expired.is_not(None), expired < now).order_by(expired).limit(limit)
    gone = delete(Chat).where(col(Chat.chat_id).in_(old))
    return await session.change(gone.execution_options(synchronize_session=False))


async def _own_hashes(session: Session, chat_id: int) -> list[str]:
    """The hashes of the chat's addresses under every key: an older link may be hashed under an older key."""
    addresses = (await emails(session, chat_id)).values()
    return [hashed for address in set(addresses) for hashed in session.vault.hashes("email", address)]


async def emails(session: Session, chat_id: int) -> dict[int, str]:
    """The address that each of the chat's links was made through, where a key opens it."""
    found = await session.exec(select(col(Link.link_id), col(Link.email_sealed)).where(col(Link.chat_id) == chat_id))
    opened = ((link_id, session.vault.open_or_none(sealed)) for link_id, sealed in found.all())
    return {link_id: email for link_id, email in opened if link_id is not None and email is not None}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another chat that is linked through one of this chat's addresses."""

    chat_id: int
    first_name: str
    linked_at: datetime.datetime
    email: str = field(default="", repr=False)
    """The address that both are linked through."""


async def neighbours(session: Session, chat_id: int) -> list[Neighbour]:
    """The other chats linked through the same addresses, oldest first."""
    own = await _own_hashes(session, chat_id)
    query = (
        select(Chat, col(Link.linked_at), col(Link.email_sealed))
        .join(Link, col(Link.chat_id) == Chat.chat_id)
        .where(col(Link.email_hash).in_(own), col(Link.chat_id) != chat_id)
        .order_by(col(Link.linked_at))
    )
    found: dict[int, Neighbour] = {}
    for chat, linked_at, email_sealed in (await session.exec(query)).all():
        name = session.vault.open_or_none(chat.first_name_sealed or "") or ""
        found.setdefault(
            chat.chat_id, Neighbour(chat.chat_id, name, linked_at, session.vault.open_or_none(email_sealed) or "")
        )
    return list(found.values())


async def revoke(session: Session, chat_id: int, other: int, now: datetime.datetime) -> int:
    """Removes the links that another chat has through this chat's addresses; how many there were."""
    own = await _own_hashes(session, chat_id)
    shared = (col(Link.chat_id) == other, col(Link.chat_id) != chat_id, col(Link.email_hash).in_(own))
    found = (await session.exec(select(col(Link.link_id)).where(*shared))).all()
    for address in set((await emails(session, chat_id)).values()):
        await proofs.forget_proven(session, chat_id=other, email=address)
        # Whoever read one mail may have read others: codes that wait in the mailbox open nothing any more.
        await codes.close_of_email(session, address, now)
    await codes.close_all(session, other)
    return await remove_links(session, found, now, "revoked")


async def chats_of_email(session: Session, email: str) -> list[int]:
    """The chats linked through an address."""
    hashes = session.vault.hashes("email", email)
    found = await session.exec(select(col(Link.chat_id)).where(col(Link.email_hash).in_(hashes)).distinct())
    return list(found)


@dataclass(frozen=True, slots=True)
class Kept:
    """The personal facts kept of a chat, opened for the person they are about."""

    first_name: str
    emails: tuple[str, ...]
    since: datetime.datetime


async def kept(session: Session, chat_id: int) -> Kept | None:
    """What is sealed in the chat's rows; ``None`` where nothing is kept."""
    chat = await session.get(Chat, chat_id)
    if chat is None:
        return None
    known = set((await emails(session, chat_id)).values())
    asked = await codes.latest(session, chat_id, *CodeState)
    known |= {asked.email} if asked else set()
    name = session.vault.open_or_none(chat.first_name_sealed or "") or ""
    return Kept(name, tuple(sorted(known)), chat.created_at)


async def forget(session: Session, chat_id: int, now: datetime.datetime) -> None:
    """Erases what is remembered of a chat, its links with it; of its codes only hashed counts stay, for a day."""
    await unlink(session, chat_id, now)
    await proofs.forget_proven(session, chat_id=chat_id)
    await session.change(delete(Chat).where(col(Chat.chat_id) == chat_id))


async def migrate(session: Session, chat_id: int, new_chat_id: int) -> None:
    """Follows a chat to its new id; what is queued for it goes along."""
    chat = await session.get(Chat, chat_id)
    if chat is None or await session.get(Chat, new_chat_id) is not None:
        return
    session.add(Chat(**(chat.model_dump() | {"chat_id": new_chat_id})))
    await session.flush()
    await session.change(update(Link).where(col(Link.chat_id) == chat_id).values(chat_id=new_chat_id))
    await outbox.readdress(session, chat_id, new_chat_id)
    await session.change(delete(Chat).where(col(Chat.chat_id) == chat_id))
