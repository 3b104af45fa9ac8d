"""``odobot run`` of this checkout as a process that is killed, stopped and started again."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

ROOT = Path(__file__).parents[3]
RESTART_SECONDS = 1.0
"""The pause of a supervisor after a process that ended by itself."""
STOP_LIMIT_SECONDS = 10.0
KILL_AFTER_SECONDS = 30.0
_MEGABYTE = 1024 * 1024

T = TypeVar("T")


def run_until_terminated(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine as ``asyncio.run`` does; SIGTERM cancels it, so that it stops what it started."""

    async def cancelled_by_sigterm() -> T:
        task = asyncio.ensure_future(main)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    return asyncio.run(cancelled_by_sigterm())


class Program:
    """Keeps one process running, as systemd does: what ends by itself is started again.

    Args:
        settings: Environment variables of the bot.
        admin_url: Base URL of its health endpoints.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str], admin_url: str) -> None:
        self.folder = folder
        self.admin_url = admin_url
        self.lines: list[tuple[float, str]] = []
        """The log: unix seconds of the machine's clock, and the line."""
        self.ended: list[tuple[float, int, str]] = []
        """When the process ended by itself: unix seconds, exit code, last line of its log."""
        self.stops: list[tuple[float, float]] = []
        """The stops by SIGTERM: unix seconds, and how long each took in seconds."""
        self.first_memory = 0.0
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ODOBOT_")}
        self.environment = inherited | dict(settings) | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._is_wanted = False

    @property
    def pid(self) -> int | None:
        """The process's id; None while none runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    @property
    def memory(self) -> float:
        """Its resident memory in MB; 0 while none runs."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except (OSError, ValueError, IndexError):
            return 0.0
        return pages * os.sysconf("SC_PAGE_SIZE") / _MEGABYTE

    def starts(self) -> int:
        """Return how often it said ``odobot.started``."""
        return sum("odobot.started" in line for _, line in self.lines)

    async def start(self) -> None:
        """Start the process and keep it running. Does not wait until it serves."""
        self._is_wanted = True
        await self._spawn()
        self._supervisor = asyncio.create_task(self._supervise())

    async def wait_until_started(self, since: int, timeout: float = 60.0) -> None:
        """Wait until ``starts()`` exceeds ``since``. Raises TimeoutError with the end of the log."""
        deadline = time.monotonic() + timeout
        while self.starts() <= since:
            if time.monotonic() > deadline:
                raise TimeoutError("odobot did not start:\n" + "\n".join(line for _, line in self.lines[-20:]))
            await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """``kill -9``, and do not start it again."""
        await self._end(signal.SIGKILL)

    async def stop(self, kill_after: float = KILL_AFTER_SECONDS) -> float:
        """Send SIGTERM, and SIGKILL after ``kill_after`` seconds. Returns how long the stop took in seconds."""
        if self.pid is None:
            await self._end(signal.SIGKILL)
            return 0.0
        at, began = time.time(), time.monotonic()
        try:
            async with asyncio.timeout(kill_after):
                await self._end(signal.SIGTERM)
        except TimeoutError:
            await self._end(signal.SIGKILL)
            if kill_after < KILL_AFTER_SECONDS:
                return kill_after  # a stop that was cut short on purpose
        took = time.monotonic() - began
        self.stops.append((at, took))
        return took

    async def readiness(self) -> list[str]:
        """Return why the process is not ready; empty if it is."""
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
                answer = await client.get(f"{self.admin_url}/readyz")
        except httpx.HTTPError as error:
            return [f"no answer: {type(error).__name__}"]
        return [] if answer.status_code == 200 else [answer.text.strip()[:300]]

    async def _spawn(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.chaos.setup.stepped_program", "run",
            cwd=self.folder, env=self.environment, limit=_MEGABYTE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert self._process.stdout is not None
        self._reader = asyncio.create_task(self._read(self._process.stdout))

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self.lines.append((time.time(), line.decode(errors="replace").rstrip()))
            if not self.first_memory and "odobot.started" in self.lines[-1][1]:
                self.first_memory = self.memory

    async def _supervise(self) -> None:
        while self._is_wanted and self._process is not None:
            code = await self._process.wait()
            if self._reader is not None:
                await self._reader
            if not self._is_wanted:
                return
            self.ended.append((time.time(), code, self.lines[-1][1] if self.lines else "it said nothing"))
            await asyncio.sleep(RESTART_SECONDS)
            if self._is_wanted:
                await self._spawn()

    async def _end(self, sign: signal.Signals) -> None:
        self._is_wanted = False
        if self.pid is not None and self._process is not None:
            self._process.send_signal(sign)
            await self._process.wait()
        if self._supervisor is not None:
            await self._supervisor
            self._supervisor = None
        if self.pid is not None and self._process is not None:  # it was just started again
            self._process.kill()
            await self._process.wait()
