"""A whole conversation, which leaves a row in nearly every table, and what the database holds after it."""

import asyncio
import contextlib
import datetime
import re

from sqlalchemy import text

from handlers.actions import MuteInvoice, ShowCalendar, Snooze
from handlers.telegram.callback_data import encode
from sandbox.telegram.persons import Person
from services.housekeeping import Housekeeping
from services.retention.tables import TABLES
from storage import chats
from storage.inbox import Inbox
from storage.tables import Kind
from tests.conversations.notices.test_copies import copied, mailed
from tests.conversations.notices.test_notices import LABELS, PATIENCE, subscribe, until_planned
from tests.conversations.support.desk import Desk
from tests.scene import Scene
from tests.storage import file_of, rows_of

DUE = datetime.date(2026, 10, 25)
ACCOUNT = "a-2003"
NUMBERS = ("990001", "990002", "990003")
TIME = re.compile(r"\d{4}-\d\d-\d\d")
Rows = dict[str, list[dict[str, object]]]
EMPTY = {"inbox", "invitations", "pending_papers", "address_guards"}
"""The tables in which the conversation leaves nothing: it is linked by a code that was typed right at once."""


async def everything_happened(desk: Desk, address: str) -> Person:
    """Let a person do nearly everything: lists, a PDF, notices, reminders, a copy, a pack, a calendar, the staff."""
    scene = desk.scene
    await desk.open(public_url="http://127.0.0.1:9")
    person = await copied(scene, address=address)
    await subscribe(scene, person, LABELS["fr"][0], LABELS["fr"][4])
    await mailed(scene, NUMBERS[0], address=address)
    await person.wait_for_message(NUMBERS[0], timeout=PATIENCE)
    for number in NUMBERS[1:]:
        scene.portal.portal.issue_invoice(ACCOUNT, amount="40.19", number=number, due_date=DUE)
        await until_planned(scene, 2, number)
    async with scene.components.database.read() as session:
        (link,) = (await chats.load(session, person.user_id)).links
    screen = await scene.say(person, "/avis")
    for action in (Snooze(link.link_id, NUMBERS[1], 1), MuteInvoice(link.link_id, NUMBERS[2])):
        await person.wait_for_answer(person.forge_tap(screen, encode(action) or ""))
    await person.wait_for_answer(person.forge_tap(screen, encode(ShowCalendar(link.link_id, "new")) or ""))
    await person.wait_for_message("calendar/")
    await scene.say(person, "/factures")
    await scene.say(person, NUMBERS[0])
    person.tap("PDF")
    await person.wait_for_message(".pdf", new=True)
    person.say("/parler")
    await person.wait_for_message("Ce que vous écrivez")
    person.say("Bonjour, le montant est faux.")
    await person.wait_for_message("C’est transmis")
    await scene.say(person, "/start")
    person.say("/releve")
    await person.wait_for_message(label="CSV")
    person.tap("CSV")
    await person.wait_for_message(".csv", new=True, timeout=PATIENCE)
    await until_stored(scene)
    return person


async def until_stored(scene: Scene) -> None:
    """Wait until every table has rows: saved answers are written some seconds after they were shown."""
    for _ in range(300):
        rows = await rows_of(scene.components.database)
        missing = [table for table in TABLES.keys() - EMPTY if not rows[table]]
        if not missing and rows["packs"][0]["settled_at"]:
            return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"nothing is stored in {missing}")


async def rows_once_quiet(scene: Scene) -> Rows:
    """Return every row, once no update waits in the inbox."""
    async with asyncio.timeout(10):
        while await Inbox(scene.components.database).load():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return await rows_of(scene.components.database)


def personal_values(rows: Rows) -> set[str]:
    """Return every text of the columns that hold something of a person, where it is long enough to be recognized."""
    found = set()
    for table, stored in TABLES.items():
        for row in rows[table]:
            for column in (*stored.sealed, *stored.hashed, *stored.plain):
                value = row[column]
                if isinstance(value, str) and len(value) >= 6 and not value.isalpha() and not TIME.match(value):
                    found.add(value)
    return found - set(Kind)


async def bytes_after_purge(scene: Scene) -> bytes:
    """Return all bytes of SQLite's files after a purge, or a dump of PostgreSQL's tables."""
    database = scene.components.database
    await rows_once_quiet(scene)
    services = scene.components.application.bot_data
    await Housekeeping(database, scene.clock.now, (services.linking.purge,)).clean(lambda: None)
    if not database.is_sqlite:
        async with database.engine.connect() as connection:
            tables = (
                await connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
            ).all()
            rows = [row for (table,) in tables for row in await connection.execute(text(f'SELECT * FROM "{table}"'))]
        return "\n".join(str(value) for row in rows for value in row).encode()
    path = file_of(scene.database_url)
    found = b""
    for each in path.parent.glob(f"{path.name}*"):
        with contextlib.suppress(FileNotFoundError):
            found += each.read_bytes()
    return found
