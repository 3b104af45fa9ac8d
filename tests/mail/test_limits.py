"""The limits of connections to the mail server: at once and per second, urgent ones first."""

import asyncio
import time

import pytest

from mail import limits
from mail.errors import MailUnavailable
from mail.limits import ConnectionLimit
from mail.server import parse_smtp_url
from mail.smtp import SmtpMailer
from sandbox.mail.mailbox import Mailbox
from tests.mail.letters import a_letter


async def hold(limit: ConnectionLimit, released: asyncio.Event, *, urgent: bool, order: list[str], name: str) -> None:
    async with limit.connection(urgent=urgent):
        order.append(name)
        await released.wait()


async def test_four_connections_at_once_urgent_first() -> None:
    limit, released, order = ConnectionLimit(1_000), asyncio.Event(), list[str]()
    holding = [asyncio.create_task(hold(limit, released, urgent=True, order=order, name=f"h{n}")) for n in range(4)]
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(hold(limit, released, urgent=False, order=order, name=f"copy{n}")) for n in range(2)]
    waiting.append(asyncio.create_task(hold(limit, released, urgent=True, order=order, name="code")))
    await asyncio.sleep(0.05)
    assert order == ["h0", "h1", "h2", "h3"]
    released.set()
    await asyncio.gather(*holding, *waiting)
    assert order[4:] == ["code", "copy0", "copy1"]


async def test_the_rate_holds_after_the_burst() -> None:
    limit = ConnectionLimit(50)
    began = time.monotonic()
    for _ in range(75):
        async with limit.connection(urgent=True):
            pass
    assert time.monotonic() - began >= 0.45  # 50 at once, then 25 at 50 a second


async def test_long_wait_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_LONGEST_WAIT", 0.05)
    limit, released, order = ConnectionLimit(1_000), asyncio.Event(), list[str]()
    holding = [asyncio.create_task(hold(limit, released, urgent=True, order=order, name="h")) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(MailUnavailable):
        async with limit.connection(urgent=True):
            pytest.fail("it was let in")
    released.set()
    await asyncio.gather(*holding)
    async with limit.connection(urgent=True):  # the slots came back
        pass


async def test_cancelled_wait_frees_its_slot() -> None:
    limit, released, order = ConnectionLimit(1_000), asyncio.Event(), list[str]()
    holding = [asyncio.create_task(hold(limit, released, urgent=True, order=order, name="h")) for _ in range(4)]
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(hold(limit, released, urgent=True, order=order, name="w")) for _ in range(8)]
    await asyncio.sleep(0)
    for task in waiting[::2]:
        task.cancel()
    released.set()
    await asyncio.gather(*holding, *waiting, return_exceptions=True)
    async with asyncio.timeout(5), limit.connection(urgent=True):
        pass
    assert order.count("w") == 4


async def test_ready_opens_one_connection() -> None:
    """Each request for a code calls ``ready``: an attacker must not use up the server's connections."""
    async with Mailbox() as mailbox:
        mailer = SmtpMailer(parse_smtp_url(mailbox.url), "odobot@example.test")
        for _ in range(50):
            await mailer.ready()
        assert mailbox.conversations == 1
        await mailer.send(a_letter())
        await mailer.ready()
        assert mailbox.conversations == 2


async def test_ready_after_a_failed_send() -> None:
    async with Mailbox() as mailbox:
        mailer = SmtpMailer(parse_smtp_url(mailbox.url), "odobot@example.test")
        await mailer.ready()
        await mailbox.go_down()
        with pytest.raises(MailUnavailable):
            await mailer.send(a_letter())
        with pytest.raises(MailUnavailable):
            await mailer.ready()
        await mailbox.come_back()
        await mailer.ready()
