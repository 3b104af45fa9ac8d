"""The secret key is exchanged on running replicas, one after the other, while people talk to the bot."""

import asyncio
import re
import signal
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlmodel import select

from sandbox.telegram.persons import Person
from storage.tables import Link
from storage.vault import Vault
from tests.bot.test_rotate_keys import rotate_keys
from tests.postgres.server import PostgresServer
from tests.replicas.fleet import Fleet
from tests.replicas.test_replicas import position, talk

pytestmark = [pytest.mark.load, pytest.mark.timeout(600)]
EMAIL = "flotte@example.test"


async def restart_in_turn(fleet: Fleet, keys: str, person: Person) -> None:
    """Restart one replica after the other with these keys, while a person talks to the others, then to all."""
    for replica in fleet.replicas:
        talking = asyncio.create_task(talk(fleet, person, 4))
        await replica.end(signal.SIGTERM)
        replica._environment["ODOBOT_SECRET_KEYS"] = keys
        await replica.begin()
        await talking
        await talk(fleet, person, 4)


def stored(postgres: PostgresServer, url: str) -> str:
    """Return what the database holds, without the codes of the last day, which expire."""
    name = url.rpartition("/")[2]
    return str(postgres.run("pg_dump", "--data-only", "--exclude-table=codes", name))


async def test_key_is_retired_on_running_replicas(postgres: PostgresServer, tmp_path: Path) -> None:
    """Nobody is locked out, no update is refused, no notice is lost, and nothing stays under the old key."""
    url, new = postgres.create(), Fernet.generate_key().decode()
    async with Fleet(url, tmp_path, web=2, workers=1) as fleet:
        old = fleet.keys
        camille = await fleet.linked(email=EMAIL, notices=True)
        await fleet.say(camille, "/factures")
        await position(fleet)
        before = stored(postgres, url)
        assert Vault([old]).hash("email", EMAIL) in before

        await restart_in_turn(fleet, f"{old},{new}", camille)
        await restart_in_turn(fleet, f"{new},{old}", camille)
        talking = asyncio.create_task(talk(fleet, camille, 20))
        lines = await rotate_keys(fleet.replicas[0]._environment, tmp_path)
        assert "Sealed anew: 0;" not in lines
        await talking
        while "Sealed anew: 0; hashed anew: 0;" not in lines:
            lines = await rotate_keys(fleet.replicas[0]._environment, tmp_path)
        await restart_in_turn(fleet, new, camille)

        dump = stored(postgres, url)
        sealed = re.findall(r"gAAAAA[\w-]+=*", dump)
        assert sealed
        assert [token for token in sealed if Vault([old]).opens(token)] == []
        assert [token for token in sealed if not Vault([new]).opens(token)] == []
        for purpose, text in (("email", EMAIL), ("chat", str(camille.user_id))):
            assert Vault([old]).hash(purpose, text) not in dump
            assert Vault([new]).hash(purpose, text) in dump

        number = fleet.portal.portal.issue_invoice("a-2003", amount="293.08")
        assert "Nouvelle" in (await camille.wait_for_message(number, new=True, timeout=30)).text
        assert number in (await fleet.say(camille, "/factures")).text
        async with fleet.database.read() as session:
            assert len((await session.exec(select(Link.link_id))).all()) == 1
        logs = "".join(replica.log.read_text(errors="replace") for replica in fleet.replicas)
        for event in ("webhook.telegram_refused", "keys.unreadable", "delivery.no_key_opens", "inbox.not_read"):
            assert event not in logs
