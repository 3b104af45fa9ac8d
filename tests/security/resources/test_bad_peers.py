"""Hostile portals, mail servers, Telegram servers and clients (M6, M7)."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from telegram.error import NetworkError

from mail.errors import MailUnavailable
from mail.limits import ConnectionLimit
from portal.client import Reader
from portal.errors import PortalError
from portal.events import Event
from portal.http import HttpPortal
from portal.parsing import readable
from tests.scene import Scene

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    """Run a server on loopback. Gives its URL."""

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(guarded, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def longest_stall(work: Awaitable[object]) -> float:
    """Measure how long the event loop worked without a turn for others, in seconds of processor time."""
    worst, done = 0.0, asyncio.ensure_future(work)
    while not done.done():
        began = time.process_time()
        await asyncio.sleep(0.01)
        worst = max(worst, time.process_time() - began)
    done.exception()
    return worst


async def test_endless_informational_answers_are_aborted() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        while True:
            writer.write(b"HTTP/1.1 100 C\r\n\r\n" * 1_000)
            await writer.drain()

    async with server(serve) as url:
        portal = HttpPortal(url, "token")
        began = time.monotonic()

        async def ask() -> None:
            with pytest.raises(PortalError):
                await portal.orders(Reader("c", "a"), page=1, page_size=5)

        assert await longest_stall(ask()) < 2
        assert time.monotonic() - began < 10
        await portal.aclose()


def test_two_mebibytes_of_escapes_are_parsed_fast() -> None:
    body = b'{"cursor":"' + rb"\ud83d" + rb"\n" * 1_000_000 + b'"}'
    began = time.process_time()
    text = readable(body)
    assert time.process_time() - began < 5, "reading the rest anew at each escape takes minutes"
    assert "\\ufffd" in text
    assert readable(rb'"\\ud83d \ud83d\ude00 \ud83d x"') == '"\\\\ud83d \\ud83d\\ude00 \\ufffd x"'


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9001-01-01T00:00:00Z"])
def test_event_time_outside_the_database_range_is_invalid(at: str) -> None:
    with pytest.raises(ValidationError):
        Event.model_validate({"id": "1", "type": "invoice.paid", "occurred_at": at, "account_id": "a"})


async def test_copies_leave_mail_connections_for_codes() -> None:
    limit, release = ConnectionLimit(1_000), asyncio.Event()

    async def copy() -> None:
        async with limit.connection(urgent=False):
            await release.wait()

    copies = [asyncio.create_task(copy()) for _ in range(10)]
    await asyncio.sleep(0.01)
    async with asyncio.timeout(10), limit.connection(urgent=True):
        pass
    release.set()
    await asyncio.gather(*copies)


async def test_concurrent_readiness_checks_share_one_probe() -> None:
    from mail.server import parse_smtp_url
    from mail.smtp import SmtpMailer
    from sandbox.mail.mailbox import Mailbox

    async with Mailbox() as mailbox:
        mailer = SmtpMailer(parse_smtp_url(mailbox.url), "odobot@example.test")
        await asyncio.gather(*(mailer.ready() for _ in range(50)))
        assert mailbox.conversations == 1
        await mailbox.go_down()
        mailer = SmtpMailer(parse_smtp_url(mailbox.url), "odobot@example.test")
        failed = await asyncio.gather(*(mailer.ready() for _ in range(50)), return_exceptions=True)
        assert {type(each) for each in failed} == {MailUnavailable}


_CHAT = {"id": 1, "type": "private"}
ODD_UPDATES: dict[str, Any] = {
    "a message without a date": {"message_id": 1, "chat": _CHAT, "text": "x"},
    "a message that is text": "x",
    "a date in the far future": {"message_id": 1, "date": 10**18, "chat": _CHAT, "text": "x"},
    "an entity without a type": {
        "message_id": 1, "date": 1_790_000_000, "chat": _CHAT, "text": "x", "entities": [{"offset": 0, "length": 1}],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ODD_UPDATES)
async def test_unreadable_update_does_not_stop_polling(scene: Scene, name: str) -> None:
    """The updates after it are handled, and it is not requested again."""
    camille = await scene.linked()
    bot = scene.telegram.world.bot()
    bot.updates.add("message", ODD_UPDATES[name], ("message", camille.user_id), 86_400)

    assert "212380" in (await scene.say(camille, "/factures")).text
    assert "26387" in (await scene.say(camille, "/commandes")).text


async def test_large_bodies_of_others_do_not_block_small_events(scene: Scene) -> None:
    """Twenty connections hold a megabyte each; a small event is still read."""
    host, port = scene.public_url.removeprefix("http://").split(":")
    writers = []
    for _ in range(20):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /portal/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n" + b"x" * 1_048_575)
        await writer.drain()
        writers.append(writer)
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        answers = [await client.post(f"{scene.public_url}/portal/events", content=b"{}") for _ in range(5)]
    assert {answer.status_code for answer in answers} == {401}  # unsigned, and read
    for writer in writers:
        writer.close()


async def test_refused_webhooks_are_logged_once(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(100):
            assert (await client.post(f"{scene.public_url}/portal/events", content=b"{}")).status_code == 401
    assert capsys.readouterr().out.count("webhook.refused") <= 1


async def test_dripping_answer_is_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.bot_api import request
    from bot.bot_api.request import AiohttpRequest

    monkeypatch.setattr(request, "_WHOLE_ANSWER_SECONDS", 0.5)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with server(serve) as url:
        asking = AiohttpRequest()
        await asking.initialize()
        with pytest.raises(NetworkError):
            await asking.do_request(f"{url}/bot1:x/getMe", "POST")
        await asking.shutdown()
