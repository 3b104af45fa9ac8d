"""What ``odobot announce`` does and shows."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bot.commands.common import failure, loaded_settings, on_database, print_facts, record_change, shown, usage_error
from bot.environment.company_texts import use_company_texts
from bot.settings import Settings
from services.announcements import AnnouncementError, AnnouncementText, as_json as stored_texts, read_announcement
from services.clock import utc_now
from services.features import Feature
from services.security import SecurityEvent
from storage import announcements
from storage.announcements import StoredAnnouncement
from storage.database import Database
from texts.company import TextsError
from texts.language import Language

_AT_ONCE = 500
"""Chats queued in one transaction: tens of milliseconds, so that other writers of SQLite come in between."""
_NEWEST = 20
_LARGEST_FILE = 100_000


def send_file(file: Path, *, is_confirmed: bool, as_json: bool) -> None:
    """Check and show the announcement in a file; queue it if that is confirmed."""
    settings = loaded_settings()
    if Feature.NEWS not in settings.features_on:
        raise failure("ODOBOT_FEATURES: news is switched off, so nobody can subscribe to announcements")
    texts = _read(file, settings)
    if is_confirmed:
        number = on_database(settings, partial(_create, texts=stored_texts(texts)))
        _queue(settings, number, as_json=as_json)
        return
    count = on_database(settings, _count)
    lines = [line for language, text in texts.items() for line in _preview(language, text)]
    lines.append(f"{count} chats would get it; --yes sends it")
    print_facts({"sent": False, "chats": count, "texts": stored_texts(texts)}, lines, as_json=as_json)


def resume_queuing(number: int, *, as_json: bool) -> None:
    """Queue an announcement to the chats that are left."""
    settings = loaded_settings()
    found = on_database(settings, partial(_find, number=number))
    if found.is_cancelled:
        raise failure(f"announcement {number} was cancelled; send its file again as a new one")
    _queue(settings, number, as_json=as_json)


def cancel_announcement(number: int, *, as_json: bool) -> None:
    """Cancel what of an announcement was not sent yet."""

    async def work(database: Database) -> int:
        async with database.write() as session:
            count = await announcements.cancel(session, number, utc_now())
        if count is None:
            raise failure(f"there is no announcement {number}; odobot announce list shows them")
        record_change(database, SecurityEvent.ANNOUNCEMENT_CANCELLED, count)
        return count

    count = on_database(loaded_settings(), work)
    line = f"announcement {number}: {count} chats do not get it; what was sent stays in the chats"
    print_facts({"announcement": number, "cancelled": count}, [line], as_json=as_json)


def list_announcements(*, as_json: bool) -> None:
    """Print the newest announcements, the newest first."""

    async def load(database: Database) -> list[StoredAnnouncement]:
        async with database.read() as session:
            return await announcements.list_newest(session, _NEWEST)

    found = on_database(loaded_settings(), load)
    lines = [_line(each) for each in found] or ["No announcement was sent."]
    print_facts({"announcements": [_facts(each) for each in found]}, lines, as_json=as_json)


def _read(file: Path, settings: Settings) -> dict[str, AnnouncementText]:
    try:
        if file.stat().st_size > _LARGEST_FILE:
            raise usage_error(f"{file}: it has more than {_LARGEST_FILE} bytes")
        source = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise usage_error(f"{file}: it is not UTF-8") from None
    except OSError as error:
        raise usage_error(f"{file}: {error.strerror}") from None
    try:
        use_company_texts(settings)
        return read_announcement(source, [language.value for language in Language.offered()])
    except TextsError as error:
        raise failure(str(error)) from None
    except AnnouncementError as error:
        raise failure(f"{file}: {error}") from None


async def _count(database: Database) -> int:
    async with database.read() as session:
        return await announcements.count_subscribed(session)


async def _create(database: Database, texts: announcements.Texts) -> int:
    async with database.write() as session:
        number = await announcements.create(session, texts, utc_now())
    record_change(database, SecurityEvent.ANNOUNCEMENT_SENT, await _count(database))
    return number


async def _find(database: Database, number: int) -> StoredAnnouncement:
    async with database.read() as session:
        found = await announcements.find(session, number)
    if found is None:
        raise failure(f"there is no announcement {number}; odobot announce list shows them")
    return found


def _queue(settings: Settings, number: int, *, as_json: bool) -> None:
    async def work(database: Database) -> int:
        queued = 0
        while True:
            async with database.write() as session:
                some = await announcements.queue_some(session, number, utc_now(), _AT_ONCE)
            if some is None:
                return queued
            queued += some

    queued = on_database(settings, work)
    line = f"announcement {number}: queued for {queued} chats; odobot announce list counts what is sent"
    print_facts({"sent": True, "announcement": number, "chats": queued}, [line], as_json=as_json)


def _preview(language: str, text: AnnouncementText) -> list[str]:
    buttons = [f"[{label}] {address}" for label, address in text.buttons]
    return [f"--- {language}", text.title, *(line for each in text.paragraphs for line in ("", each)), *buttons, ""]


def _facts(each: StoredAnnouncement) -> Mapping[str, Any]:
    return {
        "announcement": each.announcement_id,
        "created_at": each.created_at,
        "titles": {language: text["title"] for language, text in each.texts.items()},
        "is_queued_to_all": each.is_complete,
        "is_cancelled": each.is_cancelled,
        "states": {state.value: count for state, count in sorted(each.counts.items())},
    }


def _line(each: StoredAnnouncement) -> str:
    title = next(iter(each.texts.values()))["title"]
    states = ", ".join(f"{count} {state}" for state, count in sorted(each.counts.items())) or "nothing queued"
    progress = "cancelled" if each.is_cancelled else "queued to all" if each.is_complete else "queuing: announce resume"
    return f"{each.announcement_id}  {shown(each.created_at)}  {shown(title)}: {states} ({progress})"
