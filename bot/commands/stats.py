"""``odobot stats``: figures about chats, notices and files, from what is stored at this moment."""

import datetime
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from bot.commands.common import aligned, loaded_settings, on_database, print_facts, shown
from services.clock import utc_now
from storage.database import Database
from storage.operator import figures
from storage.operator.figures import ChatFigures, DocumentFigures, NoticeFigures
from storage.tables import State

_PERIODS = (1, 7, 30)
"""Days, today included."""
_NOT_STORED = {
    "active_by_day": "only the day of each chat's last use is stored: a day shows the chats that were not back since",
    "pdfs_sent": "only uploads are stored: one that is sent again counts once",
}


def show_stats(days: int, *, as_json: bool) -> None:
    """Print the figures, with the last uses of so many days up to today."""
    settings = loaded_settings()

    async def load(database: Database) -> tuple[ChatFigures, NoticeFigures, DocumentFigures]:
        async with database.read() as session:
            return (
                await figures.count_chats(session, settings.zone),
                await figures.count_notices(session),
                await figures.count_documents(session),
            )

    chats, notices, documents = on_database(settings, load)
    facts = _facts(chats, notices, documents, _last_days(days, settings.zone))
    print_facts(facts, _lines(facts), as_json=as_json)


def _last_days(days: int, zone: ZoneInfo) -> list[datetime.date]:
    """Return the last days, today first, in the company's time zone."""
    today = utc_now().astimezone(zone).date()
    return [today - datetime.timedelta(days=ago) for ago in range(days)]


def _facts(
    chats: ChatFigures, notices: NoticeFigures, documents: DocumentFigures, days: list[datetime.date]
) -> dict[str, Any]:
    languages = sorted(chats.languages, key=lambda each: (-chats.languages[each], each or "~"))
    begins = {period: days[0] - datetime.timedelta(days=period - 1) for period in _PERIODS}
    return {
        "chats": {
            "linked": chats.chats,
            "blocked": chats.blocked,
            "links": chats.links,
            "accounts": chats.accounts,
            "languages": {language or "not chosen": chats.languages[language] for language in languages},
            "used_within_days": {
                str(period): sum(number for day, number in chats.last_used.items() if day is not None and day >= begin)
                for period, begin in begins.items()
            },
            "last_used_by_day": {str(day): chats.last_used[day] for day in days},
        },
        "notices": {
            "since": notices.since,
            "deliveries": [
                {"kind": kind, "channel": channel, "state": state, "count": number}
                for (kind, channel, state), number in sorted(notices.counts.items())
            ],
        },
        "documents": {
            "uploaded_pdfs": documents.uploaded_pdfs,
            "links_with_attached_pdf": documents.links_with_attached_pdf,
            "copies": documents.copies,
            "paused_copies": documents.paused_copies,
            "calendar_feeds": documents.calendar_feeds,
            "packs": [
                {"state": state, "format": form, "count": number}
                for (state, form), number in sorted(documents.packs.items())
            ],
        },
        "not_stored": _NOT_STORED,
    }


def _lines(facts: dict[str, Any]) -> Iterator[str]:
    """Return the figures as text for a terminal."""
    chats, notices, documents = facts["chats"], facts["notices"], facts["documents"]
    used = chats["used_within_days"]
    yield "chats"
    languages = ", ".join(f"{language} {number}" for language, number in chats["languages"].items())
    rows = [
        ("linked", f"{chats['linked']}, of which {chats['blocked']} block the bot"),
        ("links", f"{chats['links']} to {chats['accounts']} accounts"),
        ("languages", languages or "none"),
        (
            "used",
            ", ".join(f"{number} within {days} {'day' if days == '1' else 'days'}" for days, number in used.items()),
        ),
    ]
    yield from (f"  {line}" for line in aligned(rows))
    yield "last uses by day (no count of active chats is stored: a day shows the chats that were not back since)"
    by_day = chats["last_used_by_day"]
    yield from (f"  {line}" for line in aligned([(day, number) for day, number in by_day.items()]))
    since = f", the oldest of {shown(notices['since'])}" if notices["since"] else ""
    yield f"notices{since}"
    yield from (f"  {line}" for line in _notice_table(notices["deliveries"]))
    yield "files"
    names = {
        "uploaded_pdfs": "PDFs at Telegram",
        "links_with_attached_pdf": "links with attached PDF",
        "copies": "bookkeepers' copies",
        "paused_copies": "of these paused",
        "calendar_feeds": "calendar feeds",
    }
    rows = [(name, documents[key]) for key, name in names.items()]
    rows += [(f"packs {each['state']}", f"{each['count']} {each['format']}") for each in documents["packs"]]
    yield from (f"  {line}" for line in aligned(rows))


def _notice_table(deliveries: list[dict[str, Any]]) -> list[str]:
    """Return deliveries by kind and channel, with a column for each state that occurs."""
    if not deliveries:
        return ["none"]
    counts = {(each["kind"], each["channel"], each["state"]): each["count"] for each in deliveries}
    states = [state for state in State if any(found == state for _, _, found in counts)]
    kinds = sorted({(kind, channel) for kind, channel, _ in counts})
    rows = [(kind, channel, *(counts.get((kind, channel, state), 0) for state in states)) for kind, channel in kinds]
    return aligned([("kind", "channel", *states), *rows])
