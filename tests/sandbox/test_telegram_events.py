"""What waits for something to happen in the sandbox's Telegram."""

import asyncio

import pytest

from sandbox.telegram.events import Signal


async def test_a_signal_wakes_who_waits_and_tells_who_waited_in_vain() -> None:
    signal = Signal()
    waiting = asyncio.create_task(signal.wait(20))
    await asyncio.sleep(0)
    signal.fire()
    assert await waiting
    assert not await signal.wait(0.01)


async def test_who_is_called_off_while_the_signal_fires_is_called_off() -> None:
    signal = Signal()
    waiting = asyncio.create_task(signal.wait(20))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    signal.fire()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
