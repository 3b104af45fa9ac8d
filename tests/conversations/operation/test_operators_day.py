"""A day of an operator: an outage, a retry, a customer unlinked, a key rotated, an upgrade, a backup restored."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from structlog.testing import capture_logs

from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.persons import Person
from storage import migrations
from storage.migrations import Schema
from storage.tables import State
from tests.bot.commands import facts_of
from tests.bot.test_cli import Result, Shell, shell
from tests.conversations.notices.test_notices import FLEET, notices, until_blocked, until_settled
from tests.conversations.operation.backups import Backups, backups
from tests.conversations.operation.test_operator_chat import Looks, looks, operator
from tests.scene import CLIENT, Scene
from tests.storage import opened

__all__ = ["backups", "looks", "operator", "shell"]

ACCOUNT = "a-2001"
PATIENCE = 30.0
WAITS = ("queued", "leased", "retry")
"""The states of a notice that was not sent and will be; a worker tries it now and then."""


class Day:
    """The scene, the operator Ann, her shell, and two customers."""

    def __init__(self, scene: Scene, ann: Person, shell: Shell, looks: Looks) -> None:
        self.scene, self.ann, self.looks = scene, ann, looks
        self._shell = shell
        self.camille: Person
        self.robert: Person

    async def open(self) -> None:
        """Link both customers; only Camille asks for notices."""
        self.camille = await self.scene.linked(notices=True)
        self.robert = await self.scene.linked(email=FLEET, first_name="Robert")

    async def run(self, *arguments: str) -> Result:
        """Run ``odobot`` beside the bot, with its present key and database."""
        self._shell.settings = self.scene.process_settings
        with capture_logs():  # the bot's log would be in the output
            return await self._shell.run(*arguments)

    async def facts(self, *arguments: str) -> Any:
        """Run a command. Returns: what ``--json`` prints."""
        return facts_of(await self.run(*arguments, "--json"))

    async def alerted(self, text: str) -> None:
        """Wait until the operator's chat gets a message that contains a text."""
        await self.ann.wait_for_message(text, new=True, timeout=PATIENCE)

    async def is_answered(self) -> None:
        """Check that Camille's chat is linked and gets its invoices from the portal."""
        assert "212380" in (await self.scene.say(self.camille, "/factures")).text

    @property
    def folder(self) -> Path:
        """The working folder of the commands."""
        return self._shell.folder

    def issue(self, number: str) -> None:
        """Issue an invoice of Camille's account at the portal."""
        self.scene.portal.portal.issue_invoice(ACCOUNT, amount="40.19", number=number)


@pytest.fixture
async def day(scene: Scene, operator: Person, shell: Shell, looks: Looks, monkeypatch: pytest.MonkeyPatch) -> Day:
    """The operator's chat gets alerts, and the commands go by the scene's clock."""
    for module in ("deliveries.changes", "deliveries.listing", "announce_facts"):
        monkeypatch.setattr(f"bot.commands.{module}.utc_now", scene.clock.now)
    day = Day(scene, operator, shell, looks)
    await day.open()
    return day


async def test_day_of_an_operator(day: Day, backups: Backups) -> None:
    """Each step leaves the bot as the next one finds it, and Camille linked."""
    await portal_breaks(day, number="212381")
    await portal_returns(day, number="212381")
    await blocked_notice_is_retried(day, number="212382")
    await customer_is_found_and_unlinked(day)
    await announcement_is_sent(day)
    await key_is_rotated(day)
    await bot_is_upgraded(day)
    await backup_is_restored(day, backups)
    await notice_arrives(day, number="212383")


async def portal_breaks(day: Day, number: str) -> None:
    """Invoices fail first, then everything: a notice waits, a customer gets words, the operator is told once."""
    faults = day.scene.portal.faults
    faults.set(Fault(FaultKind.UNAVAILABLE, "*/invoices/*"))
    day.issue(number)
    await until_in_state(day, number, "retry")
    faults.set(Fault(FaultKind.UNAVAILABLE, "*"))
    await day.looks.some()

    words = (await day.scene.say(day.camille, "/factures")).text
    assert "ne répond pas" in words
    assert await day.ann.hears_nothing(0.2)
    day.scene.later(minutes=5, seconds=1)
    await day.alerted("Le portail ne répond pas depuis cinq minutes")
    (waiting,) = await deliveries(day, number)
    assert waiting["state"] in WAITS
    assert notices(day.camille, number) == []


async def portal_returns(day: Day, number: str) -> None:
    """The operator is told that it is over, and the notice arrives by itself."""
    day.scene.portal.faults.clear()
    await day.looks.some()
    day.scene.later(minutes=2)
    await day.alerted("Le portail répond de nouveau")
    day.scene.later(minutes=10)
    await notice_is_sent(day, number)


async def blocked_notice_is_retried(day: Day, number: str) -> None:
    """A notice to a blocked bot ends; it arrives when the person is back and the operator retries it."""
    day.camille.block()
    await until_blocked(day.scene, day.camille)
    day.issue(number)
    await until_settled(day.scene, 1, State.BLOCKED)
    (blocked,) = await deliveries(day, "--state", "blocked")
    day.camille.unblock()
    await until_blocked(day.scene, day.camille, blocked=False)
    assert notices(day.camille, number) == []

    assert (await day.run("deliveries", "retry", str(blocked["delivery"]))).code == 0
    await notice_is_sent(day, number)


async def customer_is_found_and_unlinked(day: Day) -> None:
    """Robert is found by his address; his chat says that it is no longer linked, and Camille's still is."""
    (found,) = (await day.facts("customers", "find", FLEET))["chats"]
    assert found["chat"] == day.robert.user_id
    assert (await day.run("unlink", "--email", FLEET)).code == 0
    assert (await day.run("customers", "find", FLEET)).code == 1
    assert "pas encore liée" in (await day.scene.say(day.robert, "/factures")).text
    await day.is_answered()


async def announcement_is_sent(day: Day) -> None:
    """Only Camille asked for the company's news, so only she gets it."""
    await day.scene.say(day.camille, "/avis")
    await day.scene.tap(day.camille, "Client Odotrack")
    await day.scene.tap(day.camille, "Nouvelles de l’entreprise")
    file = day.folder / "fermeture.md"
    file.write_text("# fr: Fermé le 24 juin\n\nBon congé!\n\n# en: Closed on June 24\n\nEnjoy!\n", encoding="utf-8")
    assert (await day.facts("announce", "send", str(file)))["chats"] == 1
    assert (await day.facts("announce", "send", str(file), "--yes"))["chats"] == 1
    await day.camille.wait_for_message("Fermé le 24 juin", new=True, timeout=PATIENCE)
    assert not [message for message in day.robert.chat().visible if "24 juin" in message.text]


async def key_is_rotated(day: Day) -> None:
    """The new key comes first, everything is sealed anew beside the running bot, and the old key is dropped."""
    new, old = Fernet.generate_key().decode(), day.scene.keys
    await restart(day, keys=f"{new},{old}")
    assert "no key opens: 0" in (await day.run("rotate-keys")).out
    await day.is_answered()
    await restart(day, keys=new)
    await day.is_answered()
    assert [each["chat"] for each in (await day.facts("customers", "find", CLIENT))["chats"]] == [day.camille.user_id]


async def bot_is_upgraded(day: Day) -> None:
    """The database has the schema of the version before: ``odobot migrate`` upgrades it while the bot is stopped."""
    await day.scene.stop_bot()
    async with opened(day.scene.database_url, [day.scene.keys]) as database:
        await migrations.downgrade(database.engine, migrations.revisions()[-2])
        assert await migrations.schema_of(database.engine) is Schema.OLDER
    assert "run: odobot migrate" in (await day.run("deliveries")).err
    assert (await day.run("migrate")).code == 0
    await day.scene.start_bot()
    await day.is_answered()


async def backup_is_restored(day: Day, backups: Backups) -> None:
    """A backup is made while the bot runs; what came after it is gone, what was before it works."""
    await day.scene.settled()
    backup = backups.make(day.scene.database_url)
    await day.scene.linked(email=FLEET, first_name="Après")

    await day.scene.stop_bot()
    day.scene.database_url = backups.restore(backup)
    await day.scene.start_bot()
    await day.is_answered()
    assert (await day.run("customers", "find", FLEET)).code == 1


async def notice_arrives(day: Day, number: str) -> None:
    """In the end a notice arrives as on any day."""
    day.issue(number)
    await notice_is_sent(day, number)
    assert await day.ann.hears_nothing(0.5)


async def restart(day: Day, keys: str) -> None:
    """Stop the bot and start it with these keys, the newest first."""
    await day.scene.stop_bot()
    day.scene.keys = keys
    await day.scene.start_bot()


async def deliveries(day: Day, *choice: str) -> list[dict[str, Any]]:
    """List Camille's deliveries of a choice, as ``odobot deliveries`` shows them."""
    options = choice if choice[0].startswith("--") else ("--number", *choice)
    return list((await day.facts("deliveries", "--account", ACCOUNT, *options))["deliveries"])


async def until_in_state(day: Day, number: str, state: str) -> None:
    """Wait until ``odobot deliveries`` shows the notice of an invoice in a state."""
    async with asyncio.timeout(PATIENCE):
        while [each["state"] for each in await deliveries(day, number)] != [state]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def notice_is_sent(day: Day, number: str) -> None:
    """Wait until Camille has the notice of an invoice, and the list says so; she has it once."""
    await day.camille.wait_for_message(number, new=False, timeout=PATIENCE)
    await until_in_state(day, number, "sent")
    assert len(notices(day.camille, number)) == 1
