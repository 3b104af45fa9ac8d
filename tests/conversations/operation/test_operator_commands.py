"""What an operator's commands do to a person's notices, while the bot runs on the same database."""

from typing import Any

import pytest

from storage.tables import State
from tests.bot.commands import facts_of
from tests.bot.test_cli import Shell, shell
from tests.conversations.notices.test_notices import (
    PATIENCE,
    notices,
    quiet,
    until_blocked,
    until_nothing_is_due,
    until_settled,
)
from tests.scene import Scene

__all__ = ["shell"]


@pytest.fixture
def operator(scene: Scene, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The operator's shell, by the scene's clock."""
    shell.settings = scene.process_settings
    for module in ("changes", "listing"):
        monkeypatch.setattr(f"bot.commands.deliveries.{module}.utc_now", scene.clock.now)
    return shell


async def listed(operator: Shell, *options: str) -> list[dict[str, Any]]:
    return list(facts_of(await operator.run("deliveries", *options, "--json"))["deliveries"])


async def test_retried_notice_reaches_the_person(scene: Scene, operator: Shell) -> None:
    """A notice that met a blocked bot arrives once the person is back and the operator retries it."""
    camille = await scene.linked(notices=True)
    camille.block()
    await until_blocked(scene, camille)
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await until_settled(scene, 1, State.BLOCKED)
    (blocked,) = await listed(operator, "--state", "blocked", "--account", "a-2001")
    number = str(blocked["delivery"])
    explained = facts_of(await operator.run("deliveries", "explain", number, "--json"))
    assert explained["blocked_since"] is not None
    assert explained["next"].startswith("The person blocks the bot since")
    camille.unblock()
    await until_blocked(scene, camille, blocked=False)

    result = await operator.run("deliveries", "retry", number)

    assert (result.code, result.out) == (0, f"{number}: queued again\n")
    await camille.wait_for_message("212381", new=True, timeout=PATIENCE)
    await until_settled(scene, 1, State.SENT)
    assert (await operator.run("deliveries", "retry", number)).out == f"{number}: not queued again: it was sent\n"
    assert len(notices(camille, "212381")) == 1


async def test_retry_while_blocked_ends_as_blocked(scene: Scene, operator: Shell) -> None:
    camille = await scene.linked(notices=True)
    camille.block()
    await until_blocked(scene, camille)
    scene.portal.portal.issue_invoice("a-2001", amount="40.19", number="212381")
    await until_settled(scene, 1, State.BLOCKED)
    result = await operator.run("deliveries", "retry", "1")
    assert "unless they come back before" in result.out
    await until_settled(scene, 1, State.BLOCKED)


async def test_cancelled_notice_is_never_sent(scene: Scene, operator: Shell) -> None:
    """One of two notices that wait for the end of quiet hours is cancelled: the other comes alone."""
    camille = await scene.linked(notices=True)
    await quiet(scene, camille)
    scene.later(hours=8)  # 22:00
    for number in ("212381", "212382"):
        scene.portal.portal.issue_invoice("a-2001", amount="40.19", number=number)
    await until_nothing_is_due(scene, 2)
    (unwanted,) = await listed(operator, "--number", "212381")
    assert unwanted["state"] == "queued"
    number = str(unwanted["delivery"])
    explained = facts_of(await operator.run("deliveries", "explain", number, "--json"))
    assert explained["means"].startswith("Quiet hours of the chat put it off")

    assert (await operator.run("deliveries", "cancel", number)).code == 0

    scene.later(hours=10)
    await camille.wait_for_message("212382", new=True, timeout=PATIENCE)
    await until_settled(scene, 1, State.SENT)
    await until_settled(scene, 1, State.CANCELLED)
    assert notices(camille, "212381") == []


async def test_customer_is_found_and_unlinked(scene: Scene, operator: Shell) -> None:
    """By the account: the chat, its wishes, no address; then its access ends, and it is found no more."""
    camille = await scene.linked(notices=True)
    (chat,) = facts_of(await operator.run("customers", "find", "a-2001", "--json"))["chats"]
    assert chat["chat"] == camille.user_id
    assert "invoice.issued" in chat["links"][0]["notices"]
    assert facts_of(await operator.run("stats", "--json"))["chats"]["linked"] == 1
    assert (await operator.run("unlink", "--chat", str(chat["chat"]))).code == 0
    assert (await operator.run("customers", "find", "a-2001")).code == 1
    assert "liée" in (await scene.say(camille, "/factures")).text
