"""The demo's clock: one process moves it, and another follows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from sandbox.portal.server import PortalServer
from sandbox.shared_clock import OffsetFile, SharedClock
from sandbox.telegram.server import TelegramServer


def test_moves_are_seen_through_the_file(tmp_path: Path) -> None:
    clock = SharedClock(tmp_path / "clock")
    other = OffsetFile(tmp_path / "clock")
    assert other.read() == 0
    clock.advance(timedelta(hours=2))
    assert abs(other.read() - 7200) < 1
    clock.set(datetime.now(UTC) - timedelta(days=1))
    assert abs(other.read() + 86400) < 1
    assert abs(OffsetFile(tmp_path / "clock").read() + 86400) < 1


async def test_control_apis_move_it(tmp_path: Path) -> None:
    """Telegram's control API and the portal's move the same clock."""
    clock = SharedClock(tmp_path / "clock")
    other = OffsetFile(tmp_path / "clock")
    async with (
        TelegramServer(clock=clock) as telegram,
        PortalServer("t", clock=clock) as portal,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        await http.post(f"{telegram.url}/control/clock", json={"advance": 3600})
        assert abs(other.read() - 3600) < 1
        moved = await http.post(f"{portal.url}/control/clock", json={"advance_seconds": 3600})
        assert moved.status_code == 200
    assert abs(other.read() - 7200) < 1
