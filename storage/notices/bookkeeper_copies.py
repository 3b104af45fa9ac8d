"""Bookkeepers' copies: the address to which a link's new invoices are mailed."""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import delete
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Copy, Link

_LARGEST = 2**31 - 1
_LINKS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class BookkeeperCopy:
    """A bookkeeper's copy, with the link that it belongs to."""

    copy_id: int
    link_id: int
    chat_id: int
    contact_id: str
    account_id: str
    account_name: str
    language: str
    email: str = field(repr=False)


async def find(session: Session, copy_id: int) -> BookkeeperCopy | None:
    """Return a copy; ``None`` where it does not exist or no key decrypts it."""
    # PostgreSQL raises an error for a number beyond the column's type.
    if copy_id > _LARGEST:
        return None
    return await _find(session, col(Copy.copy_id) == copy_id)


async def find_by_link(session: Session, link_id: int) -> BookkeeperCopy | None:
    """Return the copy of a link; ``None`` where it has none or no key decrypts it."""
    return await _find(session, col(Copy.link_id) == link_id)


async def _find(session: Session, which: object) -> BookkeeperCopy | None:
    query = select(Copy, Link).join(Link, col(Link.link_id) == Copy.link_id)
    found = (await session.exec(query.where(which))).first()  # type: ignore[arg-type]
    if found is None:
        return None
    row, link = found
    name, email = session.vault.open_or_none(link.account_name_sealed), session.vault.open_or_none(row.email_sealed)
    if name is None or email is None:  # sealed under a key that is no longer configured
        return None
    assert row.copy_id is not None
    assert link.link_id is not None
    return BookkeeperCopy(
        copy_id=row.copy_id,
        link_id=link.link_id,
        chat_id=link.chat_id,
        contact_id=link.contact_id,
        account_id=link.account_id,
        account_name=name,
        language=row.language,
        email=email,
    )


async def save(session: Session, link_id: int, email: str, language: str, now: datetime.datetime) -> None:
    """Store the confirmed address of a link's copy, in place of an earlier one."""
    await session.lock(f"copy {link_id}")
    await stop(session, link_id)
    sealed = session.vault.seal(email)
    session.add(Copy(link_id=link_id, email_sealed=sealed, language=language, confirmed_at=now))


async def stop(session: Session, link_id: int) -> bool:
    """Delete the copy of a link. Returns: False where there was none."""
    return bool(await session.change(delete(Copy).where(col(Copy.link_id) == link_id)))


@dataclass(frozen=True, slots=True)
class StoppedCopy:
    """A deleted copy, and the chat in which it was set up."""

    copy_id: int
    link_id: int
    chat_id: int


async def stop_for_address(session: Session, account_id: str, email: str) -> list[StoppedCopy]:
    """Delete every copy of an account's invoices that is mailed to an address, over all links of the account.

    Addresses are sealed, so the copies are decrypted and compared, ``_LINKS_AT_ONCE`` links at a time. A copy that no
    key decrypts stays: it cannot be mailed either.

    Args:
        account_id: The portal's id of the account.
        email: The address in its normal form.

    Returns:
        The copies that this call deleted; empty where there was none, or a concurrent call deleted it.
    """
    links = select(col(Link.link_id), col(Link.chat_id)).where(col(Link.account_id) == account_id)
    chat_of = {link_id: chat_id for link_id, chat_id in (await session.exec(links)).all() if link_id is not None}
    stopped: list[StoppedCopy] = []
    for some in _batched(chat_of, _LINKS_AT_ONCE):
        copies = select(col(Copy.copy_id), col(Copy.email_sealed)).where(col(Copy.link_id).in_(some))
        found = (await session.exec(copies)).all()
        matching = [copy_id for copy_id, sealed in found if session.vault.open_or_none(sealed) == email]
        if matching:
            gone = delete(Copy).where(col(Copy.copy_id).in_(matching)).returning(col(Copy.copy_id), col(Copy.link_id))
            deleted = (await session.exec(gone)).all()
            stopped += [StoppedCopy(copy_id, link_id, chat_of[link_id]) for copy_id, link_id in deleted]
    return sorted(stopped, key=lambda each: each.copy_id)


def _batched(items: Iterable[int], size: int) -> Iterator[tuple[int, ...]]:
    """Split into tuples of at most ``size`` items (``itertools.batched`` of Python 3.12)."""
    rest = iter(items)
    while some := tuple(islice(rest, size)):
        yield some
