"""What a chat wishes of notices beyond their kinds: quiet hours, copies by mail, invoices it wants no reminders of."""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy import delete, update
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Chat, Copy, Link, Mute

_LARGEST = 2**31 - 1
_LINKS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which nothing is announced, in minutes after midnight of the chat's zone; they may span midnight."""

    start: int
    end: int

    def until(self, at: datetime.datetime) -> datetime.datetime | None:
        """When the quiet that reigns at a time of the chat's zone ends; ``None`` where none reigns.

        The end is a wall-clock time: on the day the clocks change it is as far away as the clocks say (in UTC).
        """
        minute = at.hour * 60 + at.minute
        spans_midnight = self.start > self.end
        reigns = (minute >= self.start or minute < self.end) if spans_midnight else self.start <= minute < self.end
        if not reigns:
            return None
        ends_on = at.date() + datetime.timedelta(days=1 if spans_midnight and minute >= self.start else 0)
        wall = datetime.datetime.combine(ends_on, datetime.time(self.end // 60, self.end % 60), tzinfo=at.tzinfo)
        # In the hour that autumn repeats, the end that is meant is the one still to come.
        passes = (wall.replace(fold=fold).astimezone(datetime.UTC) for fold in (0, 1))
        return next((end for end in passes if end > at), at.astimezone(datetime.UTC) + datetime.timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class Silence:
    """A chat's choices about when it may be written to."""

    timezone: str | None
    quiet: Quiet | None
    blocked_at: datetime.datetime | None


async def silence(session: Session, chat_id: int) -> Silence:
    """When a chat may be written to; a chat that is not known has chosen nothing."""
    chat = await session.get(Chat, chat_id)
    if chat is None:
        return Silence(None, None, None)
    quiet = Quiet(chat.quiet_from, chat.quiet_to) if chat.quiet_from is not None and chat.quiet_to is not None else None
    return Silence(chat.timezone, quiet, chat.blocked_at)


async def set_quiet(session: Session, chat_id: int, quiet: Quiet | None) -> None:
    """Chooses quiet hours, or none."""
    values = {"quiet_from": quiet.start if quiet else None, "quiet_to": quiet.end if quiet else None}
    await session.change(update(Chat).where(col(Chat.chat_id) == chat_id).values(**values))


async def set_timezone(session: Session, chat_id: int, timezone: str) -> None:
    """Chooses the zone in which quiet hours and reminders are meant."""
    await session.change(update(Chat).where(col(Chat.chat_id) == chat_id).values(timezone=timezone))


async def set_blocked(session: Session, chat_id: int, at: datetime.datetime | None) -> None:
    """The person blocked the bot, or came back."""
    await session.change(update(Chat).where(col(Chat.chat_id) == chat_id).values(blocked_at=at))


@dataclass(frozen=True, slots=True)
class CopyTo:
    """A bookkeeper's copy: to which address, in which language, of which link."""

    copy_id: int
    link_id: int
    chat_id: int
    contact_id: str
    account_id: str
    account_name: str
    language: str
    email: str = field(repr=False)


async def copy(session: Session, copy_id: int) -> CopyTo | None:
    """One copy, while its link is there and a key opens it; ``None`` else."""
    # PostgreSQL refuses to look for a number that no row can have.
    if copy_id > _LARGEST:
        return None
    return await _copy(session, col(Copy.copy_id) == copy_id)


async def copy_of_link(session: Session, link_id: int) -> CopyTo | None:
    """The copy of a link, if it has one."""
    return await _copy(session, col(Copy.link_id) == link_id)


async def _copy(session: Session, which: object) -> CopyTo | None:
    query = select(Copy, Link).join(Link, col(Link.link_id) == Copy.link_id)
    found = (await session.exec(query.where(which))).first()  # type: ignore[arg-type]
    if found is None:
        return None
    row, link = found
    name, email = session.vault.open_or_none(link.account_name_sealed), session.vault.open_or_none(row.email_sealed)
    if name is None or email is None:  # sealed under a key that was retired: there is nobody to mail to
        return None
    assert row.copy_id is not None
    assert link.link_id is not None
    return CopyTo(
        copy_id=row.copy_id,
        link_id=link.link_id,
        chat_id=link.chat_id,
        contact_id=link.contact_id,
        account_id=link.account_id,
        account_name=name,
        language=row.language,
        email=email,
    )


async def set_copy(session: Session, link_id: int, email: str, language: str, now: datetime.datetime) -> None:
    """A confirmed address takes the place of an earlier one."""
    await session.alone(f"copy {link_id}")
    await stop_copy(session, link_id)
    sealed = session.vault.seal(email)
    session.add(Copy(link_id=link_id, email_sealed=sealed, language=language, confirmed_at=now))


async def stop_copy(session: Session, link_id: int) -> bool:
    """No more copies; ``False`` where there was none."""
    return bool(await session.change(delete(Copy).where(col(Copy.link_id) == link_id)))


@dataclass(frozen=True, slots=True)
class StoppedCopy:
    """A copy that was deleted, and the chat it had been set up in."""

    copy_id: int
    link_id: int
    chat_id: int


async def stop_copies(session: Session, account_id: str, email: str) -> list[StoppedCopy]:
    """Delete every copy of an account's invoices that goes to an address, whichever link it hangs on.

    Addresses are sealed, so the copies of the account's links are opened and compared, ``_LINKS_AT_ONCE`` links at a
    time. A copy that no key opens is left: it cannot be mailed either.

    Args:
        account_id: The portal's id of the account.
        email: The address in its normal form.

    Returns:
        The copies that this call deleted; empty where there was none, or another call was faster.
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


async def mute(session: Session, link_id: int, number: str) -> None:
    """No more reminders of one invoice."""
    await session.put_if_absent(Mute, link_id=link_id, number=number)


async def unmute(session: Session, link_id: int, number: str) -> None:
    """Who puts a reminder off wants it after all."""
    await session.change(delete(Mute).where(col(Mute.link_id) == link_id, col(Mute.number) == number))


async def is_muted(session: Session, link_id: int, number: str) -> bool:
    """Whether reminders of this invoice are unwanted."""
    return await session.get(Mute, (link_id, number)) is not None
