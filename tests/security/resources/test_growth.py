"""Rows of unlinked chats expire, and forged data is not stored (L7)."""

from handlers.actions import MuteInvoice, Snooze
from handlers.telegram.callback_data import encode
from storage import chats, personal_data
from storage.tables import Chat, Mute, Notice
from tests.scene import Scene


async def count(scene: Scene, table: type) -> int:
    from sqlmodel import func, select

    async with scene.components.database.read() as session:
        return int((await session.exec(select(func.count()).select_from(table))).one())


async def purge(scene: Scene) -> None:
    async with scene.components.database.write() as session:
        await personal_data.delete_unlinked(session, scene.clock.now(), 100)


async def test_row_of_an_unlinked_chat_expires(scene: Scene) -> None:
    stranger, camille = scene.person(), await scene.linked()
    await scene.say(stranger, "/lier")
    await scene.say(stranger, "/langue")
    await scene.tap(stranger, "English")
    assert await count(scene, Chat) == 2
    scene.later(days=29)
    await scene.say(stranger, "/link")  # used again: 30 days from here
    scene.later(days=29)
    await purge(scene)
    assert await count(scene, Chat) == 2
    scene.later(days=2)
    await purge(scene)

    assert await count(scene, Chat) == 1
    assert "212380" in (await scene.say(camille, "/factures")).text


async def test_only_unlinked_chats_expire(scene: Scene) -> None:
    camille, aline = await scene.linked(), await scene.linked(first_name="Aline")
    await scene.say(camille, "/delier")
    await scene.tap(camille, "Oui")
    scene.later(days=31)
    await purge(scene)

    assert await count(scene, Chat) == 1
    assert "212380" in (await scene.say(aline, "/factures")).text


async def test_forged_numbers_leave_no_rows(scene: Scene) -> None:
    camille = await scene.linked()
    screen = await scene.say(camille, "/factures")
    async with scene.components.database.read() as session:
        link = (await chats.load(session, camille.user_id)).links[0].link_id
    notices = await count(scene, Notice)
    for number in range(20):
        for action in (MuteInvoice(link, f"forged{number}"), Snooze(link, f"forged{number}", 1)):
            await camille.wait_for_answer(camille.forge_tap(screen, encode(action) or ""))
    await scene.settled()

    assert await count(scene, Mute) == 0
    assert await count(scene, Notice) == notices
