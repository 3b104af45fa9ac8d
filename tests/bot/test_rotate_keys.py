"""``odobot rotate-keys`` as a process: killed in the middle, and run again."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func
from sqlmodel import select

from storage.database import Database
from storage.health.keys import sealed_columns
from storage.tables import Chat, Link
from storage.vault import Vault
from tests.scene import PORTAL_TOKEN, TOKEN
from tests.storage import NOW

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
LINKS = 1_500
ROOT = Path(__file__).parents[2]


async def started(environment: Mapping[str, str], folder: Path) -> asyncio.subprocess.Process:
    """Start ``odobot rotate-keys``."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ODOBOT_")}
    given = {name: value for name, value in environment.items() if name.startswith("ODOBOT_")}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "rotate-keys", cwd=folder, stdout=asyncio.subprocess.PIPE,
        env=inherited | {"PYTHONPATH": str(ROOT)} | given,
    )  # fmt: skip


async def rotate_keys(environment: Mapping[str, str], folder: Path) -> str:
    """Run ``odobot rotate-keys`` to its end. Returns: what it printed."""
    process = await started(environment, folder)
    out, _ = await process.communicate()
    assert process.returncode == 0, out
    return out.decode()


async def under(database: Database, vault: Vault) -> int:
    """Return how many sealed columns these keys open."""
    count = 0
    async with database.read() as session:
        for _, columns in sealed_columns():
            rows = (await session.exec(select(*columns))).all()  # type: ignore[call-overload]
            values = [value for row in rows for value in (row if len(columns) > 1 else (row,))]
            count += sum(bool(value) and vault.opens(value) for value in values)
    return count


@pytest.mark.timeout(180)
async def test_rotation_killed_in_the_middle_completes(database_url: str, tmp_path: Path) -> None:
    """``kill -9`` leaves every column readable; the next run seals the rest, and changes nothing of what is done."""
    database, old = Database(database_url, Vault([NEW, OLD])), Vault([OLD])
    sealed, email = old.seal("Compte"), old.seal("p@example.test")
    async with database.write() as session:
        session.add_all(Chat(chat_id=n, first_name_sealed=sealed, created_at=NOW) for n in range(LINKS))
        await session.flush()
        session.add_all(
            Link(
                chat_id=n, contact_id=f"c-{n}", account_id=f"a-{n}", account_name_sealed=sealed, access="invoices",
                email_sealed=email, email_hash=old.hash("email", "p@example.test"), linked_at=NOW, chosen_at=NOW,
            )
            for n in range(LINKS)
        )  # fmt: skip
    environment = {
        "ODOBOT_COMPANY": "Odotrack", "ODOBOT_TELEGRAM_TOKEN": TOKEN,
        "ODOBOT_PORTAL_URL": "http://127.0.0.1:9", "ODOBOT_PORTAL_TOKEN": PORTAL_TOKEN,
        "ODOBOT_SMTP_URL": "smtp://127.0.0.1:9", "ODOBOT_MAIL_FROM": "odobot@odotrack.test",
        "ODOBOT_PRIVACY_CONTACT": "vieprivee@odotrack.test",
        "ODOBOT_DATABASE_URL": database_url, "ODOBOT_SECRET_KEYS": f"{NEW},{OLD}",
    }  # fmt: skip

    process = await started(environment, tmp_path)
    async with asyncio.timeout(90):
        while True:
            async with database.read() as session:
                newest = (await session.exec(select(Chat.first_name_sealed).where(Chat.chat_id == 0))).one()
            if newest != sealed:
                break
            await asyncio.sleep(0.005)
    process.kill()
    await process.wait()

    done = await under(database, Vault([NEW]))
    assert 0 < done < 3 * LINKS
    assert await under(database, Vault([NEW, OLD])) == 3 * LINKS

    lines = await rotate_keys(environment, tmp_path)
    assert f"Sealed anew: {3 * LINKS - done}; hashed anew: {LINKS}; no key opens: 0" in lines
    assert (await under(database, Vault([NEW])), await under(database, old)) == (3 * LINKS, 0)
    async with database.read() as session:
        assert (await session.exec(select(func.count()).select_from(Link))).one() == LINKS
    await database.close()
