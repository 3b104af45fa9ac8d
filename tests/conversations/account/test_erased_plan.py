"""The plan of reminders goes with the person's data."""

from datetime import date

import pytest

from handlers.actions import MuteInvoice, Snooze
from handlers.telegram.callback_data import encode
from storage import chats
from tests.conversations.notices.test_notices import (
    ACCOUNT,
    AVIS,
    LABELS,
    MAIL,
    PATIENCE,
    at,
    notices,
    subscribe,
    until_planned,
)
from tests.scene import Scene
from tests.storage import rows_of

DUE = date(2026, 10, 25)  # ten days after the start
PLANNED, SNOOZED, MUTED, OF_ANOTHER = "990001", "990002", "990003", "990004"
YES = {"fr": "Oui", "en": "Yes"}


async def rows_with_link(scene: Scene, link_id: int) -> dict[str, int]:
    """Count the rows of a link, by table; tables without any are left out."""
    stored = await rows_of(scene.components.database)
    counts = {table: sum(row.get("link_id") == link_id for row in rows) for table, rows in stored.items()}
    return {table: count for table, count in counts.items() if count}


@pytest.mark.parametrize(
    ("language", "command"), [("fr", "/oublier"), ("en", "/forget"), ("fr", "/delier"), ("en", "/unlink")]
)
async def test_erasing_removes_the_plan_of_reminders(scene: Scene, language: str, command: str) -> None:
    """The plan has reminders, a snooze and a mute: nothing of it stays or is sent later. Another chat keeps its own."""
    person = await scene.linked(language, MAIL[language])
    await subscribe(scene, person, LABELS[language][4], language=language)
    aline = await scene.linked(email=MAIL["en" if language == "fr" else "fr"], first_name="Aline")
    await subscribe(scene, aline, LABELS["fr"][4])
    portal = scene.portal.portal
    for number in (PLANNED, SNOOZED, MUTED):
        portal.issue_invoice(ACCOUNT[language], amount="40.19", number=number, due_date=DUE)
    portal.issue_invoice(ACCOUNT["en" if language == "fr" else "fr"], amount="40.19", number=OF_ANOTHER, due_date=DUE)
    for number in (PLANNED, SNOOZED, MUTED, OF_ANOTHER):
        await until_planned(scene, 2, number)
    async with scene.components.database.read() as session:
        (link,) = (await chats.load(session, person.user_id)).links
        (of_another,) = (await chats.load(session, aline.user_id)).links
    screen = await scene.say(person, AVIS[language])
    for action in (Snooze(link.link_id, SNOOZED, 1), MuteInvoice(link.link_id, MUTED)):
        await person.wait_for_answer(person.forge_tap(screen, encode(action) or ""))
    await until_planned(scene, 3, SNOOZED)
    await until_planned(scene, 0, MUTED)
    before = await rows_with_link(scene, of_another.link_id)
    assert {"planned_notices", "sweeps", "mutes"} <= set(await rows_with_link(scene, link.link_id))

    await scene.say(person, command)
    await scene.tap(person, YES[language])

    kept = {"consents"} if command in ("/delier", "/unlink") else set()  # until the chat is erased
    assert (await rows_with_link(scene, link.link_id)).keys() == kept
    assert await rows_with_link(scene, of_another.link_id) == before
    at(scene, 9.01, 7)
    await aline.wait_for_message(OF_ANOTHER, new=True, timeout=PATIENCE)
    assert notices(person, "Rappel\u00a0:", "Reminder:") == []
