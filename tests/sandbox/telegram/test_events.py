"""Signals: waiting for an event, timeouts and cancellation."""

import asyncio

import pytest

from sandbox.telegram.events import Signal


async def test_signal_wakes_waiters_or_times_out() -> None:
    signal = Signal()
    waiting = asyncio.create_task(signal.wait(20))
    await asyncio.sleep(0)
    signal.fire()
    assert await waiting
    assert not await signal.wait(0.01)


async def test_cancellation_during_a_signal_is_kept() -> None:
    """A waiter that is cancelled while the signal fires stays cancelled."""
    signal = Signal()
    waiting = asyncio.create_task(signal.wait(20))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    signal.fire()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
