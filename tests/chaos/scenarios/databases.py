"""The database restarts, is away, is frozen or locked; its disk is full, read-only, or loses the file."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from storage.database import Database
from tests.chaos.scenarios.play import Play, Where, notice_figures, playing, scenario, text_figures

MODES = ("polling", "webhook")
PEOPLE = 60
TEXTS = 400
RATE = 20.0
_MEGABYTES = 64


async def _under_load(where: Where, meanwhile: Callable[[Play], Awaitable[None]]) -> str:
    """400 texts at 20/s and an invoice for 60 chats each 4 s; the fault begins after 5 s."""
    async with playing(where, shared=PEOPLE, bulk_rate="100", chat_rate="1000") as play:
        typing = asyncio.create_task(play.types_evenly(TEXTS, RATE))
        invoices = asyncio.create_task(_issue_evenly(play, 5, 4.0))
        await asyncio.sleep(5)
        await meanwhile(play)
        await asyncio.gather(typing, invoices)
        history = await play.settle()
        reasons = await play.stage.program.readiness()
        return f"{text_figures(history)}; {await notice_figures(play, history)}; {reasons or 'ready'}"


async def _issue_evenly(play: Play, count: int, pause: float) -> None:
    for _ in range(count):
        play.issues()
        await asyncio.sleep(pause)


def _engine_fault(name: str, seconds: float, times: int = 1) -> Callable[[Play], Awaitable[None]]:
    async def play_it(play: Play) -> None:
        for _ in range(times):
            await play.stage.engine.fail(name, seconds)
            await asyncio.sleep(2)

    return play_it


@scenario("pg-fast", ("postgresql",), MODES)
async def pg_fast(where: Where) -> str:
    """Three restarts, ``fast``."""
    return await _under_load(where, _engine_fault("restarted_fast", 0, 3))


@scenario("pg-immediate", ("postgresql",), MODES)
async def pg_immediate(where: Where) -> str:
    """Three restarts, ``immediate``."""
    return await _under_load(where, _engine_fault("restarted_immediate", 0, 3))


@scenario("pg-away", ("postgresql",), MODES)
async def pg_away(where: Where) -> str:
    """Away for 20 s."""
    return await _under_load(where, _engine_fault("away", 20))


@scenario("pg-frozen", ("postgresql",), MODES)
async def pg_frozen(where: Where) -> str:
    """Every process of the server is stopped for 20 s."""
    return await _under_load(where, _engine_fault("frozen", 20))


@scenario("locked", modes=MODES)
async def locked(where: Where) -> str:
    """15 s of an exclusive lock of the tables (PostgreSQL), or of the lock of writers (SQLite)."""
    return await _under_load(where, _engine_fault("locked", 15))


@asynccontextmanager
async def _own_disk(where: Where) -> AsyncIterator[Where]:
    """Mount a small tmpfs for the run; needs root."""
    disk = where.folder / "disk"
    disk.mkdir()
    _command("mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m", "odobot-chaos", str(disk))
    try:
        yield replace(where, folder=disk)
    finally:
        _command("umount", "--lazy", str(disk))


def _command(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@scenario("disk-full", ("sqlite",))
async def disk_full(where: Where) -> str:
    """The disk is full for 20 s."""
    reasons: list[str] = []
    async with _own_disk(where) as disk:

        async def fill(play: Play) -> None:
            filler = disk.folder / "filler"
            with filler.open("wb", buffering=0) as file, suppress(OSError):
                while file.write(b"\0" * 65_536):
                    pass
            await asyncio.sleep(15)
            reasons.extend(await play.stage.program.readiness())
            await asyncio.sleep(5)
            filler.unlink()

        figures = await _under_load(disk, fill)
    return f"{figures}; readiness during it: {reasons or 'ready'}"


@scenario("disk-aborted", ("sqlite",))
async def disk_aborted(where: Where) -> str:
    """An ext4 file system is aborted, as after an error of the disk: read-only until it is mounted again."""
    image, disk = where.folder / "image", where.folder / "disk"
    disk.mkdir()
    image.write_bytes(b"\0" * _MEGABYTES * 1024 * 1024)
    _command("mkfs.ext4", "-q", str(image))
    _command("mount", "-o", "loop", str(image), str(disk))
    try:
        async with playing(replace(where, folder=disk), shared=PEOPLE, bulk_rate="100") as play:
            return await _aborted(play, image, disk)
    finally:
        _command("umount", "--lazy", str(disk))


async def _aborted(play: Play, image: Path, disk: Path) -> str:
    program = play.stage.program
    os.sync()  # an abort loses what the kernel has not written: the links and the cursor, a few seconds old
    _command("mount", "-o", "remount,abort", str(disk))
    play.issues()
    await play.types_evenly(60, 10.0)
    await asyncio.sleep(15)
    reasons = await program.readiness()
    said = await play.restarted()
    await program.kill()
    await play.stage.database.close()
    _command("umount", str(disk))
    _command("mount", "-o", "loop", str(image), str(disk))
    play.stage.database = Database(play.stage.engine.url, play.stage.database.vault)
    await program.start()
    history = await play.settle()
    return (
        f"{text_figures(history)}; {await notice_figures(play, history)}; readiness during it: {reasons or 'ready'};"
        f" a start on it: {said}"
    )


@scenario("file-deleted", ("sqlite",))
async def file_deleted(where: Where) -> str:
    """The database's file is deleted; what the process then says, and after a restart."""
    async with playing(where, own=5) as play:
        for file in where.folder.glob("odobot.db*"):
            file.unlink()
        play.types(play.stage.customers[0])
        answered = await play.seconds_until(lambda: play.is_answered(play.last_text()), 20.0)
        await asyncio.sleep(16)
        during = await play.stage.program.readiness()
        restarted = await play.restarted()
        play.types(play.stage.customers[0])
        again = await play.seconds_until(lambda: play.is_answered(play.last_text()), 10.0)
        return (
            f"answered after {answered}; readiness {during or 'ready'}; after a restart: {restarted},"
            f" a text is answered after {again}"
        )
