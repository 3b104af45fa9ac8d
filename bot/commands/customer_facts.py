"""What ``odobot customers find`` shows."""

from collections.abc import Iterator, Sequence
from typing import Any

import typer

from bot.commands.common import (
    aligned,
    checked_address,
    checked_text,
    loaded_settings,
    on_database,
    print_facts,
    shown,
    usage_error,
)
from services.notices.event_recorder import REMINDER_SUBSCRIPTION
from storage.database import Database
from storage.operator import customers
from storage.operator.customers import CustomerChat, CustomerLink

_NAME = "odobot customers find"


def show_found(wanted: str, *, as_json: bool) -> None:
    """Print the chats linked through an address or to an account; exit 1 if there are none."""
    text = checked_text(wanted, f"{_NAME}: ADDRESS_OR_ACCOUNT")
    if not text:
        raise usage_error(f"{_NAME}: give an email address or an account's id")
    address = checked_address(text, f"{_NAME}: what has an @") if "@" in text else None

    async def load(database: Database) -> list[CustomerChat]:
        async with database.read() as session:
            if address is not None:
                return await customers.find_by_email(session, address)
            return await customers.find_by_account(session, text)

    found = on_database(loaded_settings(), load)
    by = "through this address" if address else "to this account"
    lines = [line for chat in found for line in _lines(chat)] or [f"No chat is linked {by}."]
    print_facts({"chats": [_facts(chat) for chat in found]}, lines, as_json=as_json)
    if not found:
        raise typer.Exit(1)


def _facts(chat: CustomerChat) -> dict[str, Any]:
    return {
        "chat": chat.chat_id,
        "language": chat.language,
        "created_at": chat.created_at,
        "last_seen": chat.last_seen.date() if chat.last_seen else None,
        "blocked_since": chat.blocked_at,
        "timezone": chat.timezone,
        "quiet_hours": _hours(chat.quiet),
        "links": [_link_facts(link) for link in chat.links],
    }


def _link_facts(link: CustomerLink) -> dict[str, Any]:
    copy, kinds = link.copy, link.subscriptions
    return {
        "link": link.link_id,
        "account": link.account_id,
        "contact": link.contact_id,
        "access": link.access,
        "linked_at": link.linked_at,
        "confirmed_at": link.confirmed_at,
        "last_used": link.used_at.date() if link.used_at else None,
        "is_match": link.is_match,
        "is_readable": link.is_readable,
        "notices": None if kinds is None else [kind for kind in kinds if kind != REMINDER_SUBSCRIPTION],
        "reminders": REMINDER_SUBSCRIPTION in (kinds or ()),
        "attaches_pdf": link.attaches_pdf,
        "copy": copy and {"language": copy.language, "confirmed_at": copy.confirmed_at, "paused_since": copy.paused_at},
        "has_calendar": link.has_calendar,
    }


def _hours(quiet: tuple[int, int] | None) -> str | None:
    return "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in quiet) if quiet else None


def _lines(chat: CustomerChat) -> Iterator[str]:
    """Return a chat as text for a terminal."""
    facts = _facts(chat)
    yield f"chat {chat.chat_id}"
    rows: list[Sequence[object]] = [
        ("language", chat.language or "not chosen"),
        ("since", chat.created_at),
        ("last seen", facts["last_seen"] or "not known"),
        ("blocked", f"since {shown(chat.blocked_at)}" if chat.blocked_at else "no"),
        ("quiet hours", f"{facts['quiet_hours'] or 'none'}{f', {chat.timezone}' if chat.timezone else ''}"),
    ]
    yield from (f"  {line}" for line in aligned(rows))
    for link in chat.links:
        yield from _link_lines(link)


def _link_lines(link: CustomerLink) -> Iterator[str]:
    facts = _link_facts(link)
    other = "" if link.is_match else " (another link of the chat)"
    yield f"  link {link.link_id}, account {shown(link.account_id)}{other}"
    if not link.is_readable:
        yield "    UNREADABLE: no key of ODOBOT_SECRET_KEYS opens it; the person has to link again"
    notices = facts["notices"]
    copy = link.copy
    paused = f", paused since {shown(copy.paused_at)}" if copy and copy.paused_at else ""
    rows: list[Sequence[object]] = [
        ("contact", link.contact_id),
        ("access", ", ".join(link.access) or "none"),
        ("since", link.linked_at),
        ("confirmed", link.confirmed_at or "not yet"),
        ("last used", facts["last_used"] or "not known"),
        ("notices", "not asked yet" if notices is None else ", ".join(notices) or "none"),
        ("reminders", "yes" if facts["reminders"] else "no"),
        ("attached PDF", "yes" if link.attaches_pdf else "no"),
        ("copy", f"{copy.language}, since {shown(copy.confirmed_at)}{paused}" if copy else "none"),
        ("calendar", "yes" if link.has_calendar else "no"),
    ]
    yield from (f"    {line}" for line in aligned(rows))
