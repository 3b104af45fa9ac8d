"""When a chat may be written to: its quiet hours, its time zone, whether the person blocked the bot, and its new id."""

import datetime
from collections.abc import Set

from msgspec import Struct
from sqlalchemy import or_, update
from sqlmodel import col, select

from storage.database import Session
from storage.notices.outbox import IN_PROGRESS, WAITING
from storage.tables import Channel, Chat, Delivery


class Quiet(Struct, frozen=True):
    """Quiet hours, in minutes after midnight of the chat's time zone; they may span midnight."""

    start: int
    end: int

    def until(self, at: datetime.datetime) -> datetime.datetime | None:
        """Return the end, in UTC, of the quiet period that contains ``at``; ``None`` outside of quiet hours.

        The end is a wall-clock time, also on the day on which the clocks change.

        Args:
            at: A time in the chat's time zone.
        """
        minute = at.hour * 60 + at.minute
        spans_midnight = self.start > self.end
        is_quiet = (minute >= self.start or minute < self.end) if spans_midnight else self.start <= minute < self.end
        if not is_quiet:
            return None
        ends_on = at.date() + datetime.timedelta(days=1 if spans_midnight and minute >= self.start else 0)
        wall = datetime.datetime.combine(ends_on, datetime.time(self.end // 60, self.end % 60), tzinfo=at.tzinfo)
        # In autumn an hour repeats: of the two ends, take the first one that is still to come.
        passes = (wall.replace(fold=fold).astimezone(datetime.UTC) for fold in (0, 1))
        return next((end for end in passes if end > at), at.astimezone(datetime.UTC) + datetime.timedelta(minutes=1))


class DeliveryPreferences(Struct, frozen=True):
    """When a chat may be written to. ``None``: not chosen, or (``blocked_at``) not blocked."""

    timezone: str | None
    quiet: Quiet | None
    blocked_at: datetime.datetime | None


async def load(session: Session, chat_id: int) -> DeliveryPreferences:
    """Load a chat's delivery preferences; every field is ``None`` for an unknown chat."""
    return _preferences(await session.get(Chat, chat_id))


async def load_each(session: Session, chat_ids: Set[int]) -> dict[int, DeliveryPreferences]:
    """Load chats' delivery preferences, as ``load``. Returns: those of each of ``chat_ids``."""
    found = await session.exec(select(Chat).where(col(Chat.chat_id).in_(chat_ids)))
    known = {chat.chat_id: chat for chat in found}
    return {chat_id: _preferences(known.get(chat_id)) for chat_id in chat_ids}


def _preferences(chat: Chat | None) -> DeliveryPreferences:
    if chat is None:
        return DeliveryPreferences(None, None, None)
    quiet = Quiet(chat.quiet_from, chat.quiet_to) if chat.quiet_from is not None and chat.quiet_to is not None else None
    return DeliveryPreferences(chat.timezone, quiet, chat.blocked_at)


async def set_quiet(session: Session, chat_id: int, quiet: Quiet | None) -> None:
    """Set the quiet hours; ``None`` turns them off."""
    values = {"quiet_from": quiet.start if quiet else None, "quiet_to": quiet.end if quiet else None}
    await session.change(update(Chat).where(col(Chat.chat_id) == chat_id).values(**values))


async def set_timezone(session: Session, chat_id: int, timezone: str) -> None:
    """Set the time zone of quiet hours and reminders, an IANA name."""
    await session.change(update(Chat).where(col(Chat.chat_id) == chat_id).values(timezone=timezone))


async def set_blocked(session: Session, chat_id: int, at: datetime.datetime | None) -> None:
    """Record that the person blocked the bot, or unblocked it (``None``)."""
    await session.change(update(Chat).where(col(Chat.chat_id) == chat_id).values(blocked_at=at))


async def readdress(session: Session, chat_id: int, new_chat_id: int) -> None:
    """Change the recipient of unsettled deliveries, and of those that will be repeated, to the chat's new id."""
    unsettled = or_(col(Delivery.state).in_((*WAITING, *IN_PROGRESS)), col(Delivery.repeat_at).is_not(None))
    await session.change(
        update(Delivery)
        .where(col(Delivery.channel) == Channel.TELEGRAM, col(Delivery.recipient) == chat_id, unsettled)
        .values(recipient=new_chat_id)
    )


async def release_postponed(session: Session, chat_id: int, now: datetime.datetime) -> None:
    """Make the deliveries that quiet hours postponed due now."""
    waiting = (
        col(Delivery.channel) == Channel.TELEGRAM,
        col(Delivery.recipient) == chat_id,
        col(Delivery.is_postponed),
    )
    await session.change(update(Delivery).where(*waiting, col(Delivery.state).in_(WAITING)).values(due_at=now))
