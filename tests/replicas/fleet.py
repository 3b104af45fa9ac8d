"""A scene whose bot is several processes: ``odobot run --role web`` and ``--role worker`` on one PostgreSQL."""

import asyncio
import datetime
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx

from bot.http.webhook import SECRET_HEADER
from sandbox.serving import free_port
from storage.database import Database
from storage.vault import Vault
from tests.load.stage import KillableBot
from tests.replicas.nginx import load_balancer
from tests.scene import WEBHOOK_SECRET, Scene


class Replica(KillableBot):
    """One process of a role, on its own port, which may be stopped and started again."""

    def __init__(self, role: str, folder: Path, settings: dict[str, str]) -> None:
        self.role = role
        self.port = free_port()
        own = {"listen": f"127.0.0.1:{self.port}", "admin_listen": "127.0.0.1:0"}
        given = {f"ODOBOT_{name.upper()}": value for name, value in (settings | own).items()}
        home = folder / f"{role}-{self.port}"
        home.mkdir()
        super().__init__(home, given, "--role", role)

    async def end(self, sign: signal.Signals) -> None:
        """Stop the process by SIGKILL, or by SIGTERM within 30 s."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(sign)
        async with asyncio.timeout(30):
            await self._process.wait()


class Fleet(Scene):
    """A scene with replicas instead of one bot in the test's process."""

    def __init__(self, database_url: str, folder: Path, *, web: int = 0, workers: int = 0, **settings: str) -> None:
        super().__init__(database_url)
        self.clock.set(datetime.datetime.now(datetime.UTC))  # the processes use the machine's clock
        self.telegram.world.settings.webhook_retry_base = 0.2
        self.database = Database(database_url, Vault([self.keys]))
        self.replicas: list[Replica] = []
        self._folder = folder
        self._roles = ["web"] * web + ["worker"] * workers
        self._more = settings
        self._fleet = AsyncExitStack()

    async def start_bot(self, **_: object) -> None:
        """Start the processes, and the load balancer if there are web replicas."""
        settings = self.process_settings | self._more
        self.replicas = [Replica(role, self._folder, settings) for role in self._roles]
        web = [each for each in self.replicas if each.role == "web"]
        if web:
            balancer = load_balancer(self._folder / "nginx", [each.port for each in web])
            self.public_url = await self._fleet.enter_async_context(balancer)
            for each in web:
                each._environment["ODOBOT_WEBHOOK_URL"] = self.public_url
            self.portal.portal.webhook.configure(f"{self.public_url}/portal/events", WEBHOOK_SECRET)
        await asyncio.gather(*(each.begin() for each in self.replicas))

    async def post(self, replica: Replica, update: dict[str, Any]) -> int:
        """Post an update to one replica, as Telegram does. Returns the status, or 0 if the replica was killed."""
        headers = {SECRET_HEADER: self.database.vault.hash("webhook", "telegram")}
        async with httpx.AsyncClient(trust_env=False, timeout=40) as client:
            try:
                answer = await client.post(f"http://127.0.0.1:{replica.port}/telegram", json=update, headers=headers)
            except httpx.TransportError:
                return 0
        return answer.status_code

    async def stop_bot(self) -> None:
        """Stop all replicas by SIGTERM."""
        await asyncio.gather(*(each.end(signal.SIGTERM) for each in self.replicas))
        await self._fleet.aclose()
        await self.database.close()
