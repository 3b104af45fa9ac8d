"""Links from the portal: used once, by one chat, told by nothing but the link itself, and nowhere in clear."""

import asyncio
import io
from collections.abc import Callable

import pytest
from sqlalchemy import event, text
from sqlmodel import select

from bot.logs import set_up_logs
from sandbox.telegram.persons import Person
from services.linking.code_results import Linked
from services.linking.invitations import InvitationGone, InvitationMade, Invitations
from services.security import SecurityLog
from storage.database import Database
from storage.linking.invitations import StoredInvitation
from storage.privacy.consents import Wording
from storage.tables import Invitation, PendingPaper
from tests.bot import logging_as_it_was
from tests.scene import Scene

YES, NO = "Oui, lier", "Non, ce n’est pas à moi"
GONE = "Ce lien ne peut pas servir"


async def unusable(scene: Scene) -> dict[str, str]:
    """Return a payload for each reason why an invitation cannot be used by somebody new."""
    opened, used, declined, expired = [await scene.invitation() for _ in range(4)]
    await scene.open(scene.person(), opened)
    for payload, label in ((used, YES), (declined, NO)):
        person = scene.person()
        await scene.open(person, payload)
        await scene.tap(person, label)
    await scene.settled()
    scene.later(minutes=15)
    still_open = await scene.invitation()
    await scene.open(scene.person(), still_open)
    return {
        "opened": still_open,
        "used": used,
        "declined": declined,
        "expired": expired,
        "unknown": "l-" + "A" * 43,
        "forged": expired[:-1] + ("A" if expired[-1] != "A" else "B"),
        "cut": expired[:-1],
        "long": "l-" + "A" * 62,
        "empty": "l-",
        "prefix": "l-_",
    }


async def test_unusable_links_give_one_answer_and_one_effort(scene: Scene) -> None:
    """The same words after the same statements, and no call to the portal: the reason shows in the log only."""
    answers: dict[str, tuple[str, tuple[str, ...], int]] = {}
    for reason, payload in (await unusable(scene)).items():
        person = scene.person()
        calls, statements = scene.portal.log.counts["contact"], list[str]()

        def listen(_c: object, _k: object, statement: str, *_: object, into: list[str] = statements) -> None:
            into.append(statement)

        engine = scene.components.database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", listen)
        screen = await scene.open(person, payload)
        event.remove(engine, "before_cursor_execute", listen)
        # Without those of the worker, which deletes old rows meanwhile.
        about = tuple(each for each in statements if "invitations" in each and not each.startswith("DELETE"))
        answers[reason] = (screen.text, about, scene.portal.log.counts["contact"] - calls)
    assert len(set(answers.values())) == 1, answers
    text_shown, about, calls = answers["unknown"]
    assert GONE in text_shown
    assert len(about) == 2
    assert calls == 0
    counts = scene.components.application.bot_data.security.counts
    assert {cause for of, cause in counts if of == "invitation_refused"} == {
        "unknown", "expired", "used", "declined", "other_chat",
    }  # fmt: skip


async def test_race_of_chats_for_one_link(scene: Scene) -> None:
    """Of ten chats that open a link at once, one sees the accounts."""
    payload = await scene.invitation("c-1002")
    people = [scene.person(first_name=f"Personne {n}") for n in range(10)]
    for person in people:
        person.start(payload)
    screens = [await person.wait_for_message() for person in people]
    assert sum("Boréal" in screen.text for screen in screens) == 1
    assert sum(GONE in screen.text for screen in screens) == 9


def replica(scene: Scene) -> Invitations:
    """Return the service of another process on the scene's database."""
    components = scene.components
    return Invitations(components.database, components.portal, scene.clock.now, SecurityLog(components.database.vault))


async def test_race_of_replicas_for_one_link(scene: Scene) -> None:
    """One request makes one invitation, one chat opens it, and one tap uses it, whichever process serves it."""
    replicas = [replica(scene) for _ in range(4)]
    made = await asyncio.gather(*(each.make("msg-1", "c-1002", None, None) for each in replicas))
    (link,) = [each for each in made if isinstance(each, InvitationMade)]
    opened = await asyncio.gather(*(replicas[n % 4].open(1_000 + n, link.token) for n in range(12)))
    (found,) = [(n, each) for n, each in enumerate(opened) if isinstance(each, StoredInvitation)]
    chat, invitation = 1_000 + found[0], found[1].invitation_id
    words = Wording("x", "fr")
    linked = await asyncio.gather(*(each.accept(chat, invitation, "Camille", words) for each in replicas * 2))
    assert [type(each) for each in linked if isinstance(each, Linked)] == [Linked]
    assert isinstance(await replicas[0].accept(chat + 1, invitation, "Autre", words), InvitationGone)


async def test_stranger_cannot_use_an_invitation_by_its_number(scene: Scene) -> None:
    camille, other = scene.person(), await scene.linked()
    await scene.open(camille, await scene.invitation("c-1002"))
    for data in ("1Y1|", "1Y1|1|", "1U1|", "1Y2|1|", "1Y-1|1|", "1Yzzzzzzzzzz|1|"):
        other.forge_tap(await scene.say(other, "/aide"), data)
        screen = await other.wait_for_message()
        assert "Boréal" not in screen.text, data
    assert "Transport Boréal" in (await scene.tap(camille, YES)).text


async def test_group_gets_nothing_of_a_link(scene: Scene) -> None:
    camille, payload = scene.person(), await scene.invitation("c-1002")
    group = scene.telegram.world.create_group("Flotte", [camille])
    camille.say(f"/start@odobot {payload}", group=group)
    answer = await camille.wait_for_message(group=group)
    assert "Boréal" not in answer.text
    assert "Boréal" in (await scene.open(camille, payload)).text


async def test_token_is_nowhere_in_clear(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the database nor the log has the token, and no error shows it."""
    written = io.StringIO()
    with logging_as_it_was():
        monkeypatch.setattr("sys.stderr", written)
        set_up_logs("json", "DEBUG", [])
        await scene.stop_bot()
        await scene.start_bot()
        payload = await scene.invitation()
        camille = scene.person()
        await scene.open(camille, payload)
        await scene.tap(camille, YES)
        await scene.open(scene.person(), payload)
        await scene.settled()
    token = payload.removeprefix("l-")
    assert "security.invitation_opened" in written.getvalue()
    assert token not in written.getvalue()
    async with scene.components.database.read() as session:
        (row,) = (await session.exec(select(Invitation))).all()
        stored = (await (await session.connection()).execute(text("SELECT * FROM invitations"))).all()
    assert token not in str(stored)
    assert token not in repr(row)
    assert token not in repr(InvitationMade(token, scene.clock.now()))


async def rows(database: Database) -> tuple[int, int]:
    async with database.read() as session:
        found = (await session.exec(select(Invitation))).all(), (await session.exec(select(PendingPaper))).all()
    return len(found[0]), len(found[1])


async def forgotten(scene: Scene, person: Person) -> None:
    await scene.say(person, "/oublier")
    await scene.tap(person, "Oui")


async def purged(scene: Scene, _person: Person) -> None:
    scene.later(hours=2, seconds=1)
    await scene.components.application.bot_data.linking.purge(100)


@pytest.mark.parametrize("erase", [forgotten, purged])
async def test_rows_are_erased(scene: Scene, erase: Callable[..., object]) -> None:
    """Forgetting the chat erases the invitation that it opened and the paper that waits; so do two hours."""
    camille = scene.person()
    await scene.open(camille, await scene.invitation())
    await scene.open(camille, "f-212380")
    assert await rows(scene.components.database) == (1, 1)
    await erase(scene, camille)  # type: ignore[misc]
    assert await rows(scene.components.database) == (0, 0)


async def test_invitation_of_a_contact_without_address_links_nobody(scene: Scene) -> None:
    payload = await scene.invitation()
    scene.portal.portal.people.change_contact("c-1001", email="")
    person = scene.person()
    screen = await scene.open(person, payload)
    assert GONE in screen.text
    assert YES not in screen.labels
