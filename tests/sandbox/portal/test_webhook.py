"""The portal's webhook: signature, order, retries, and no delay of the API's answers."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.sandbox.portal.test_server import Visit, visiting

SECRET = "whsec_" + base64.b64encode(b"a secret of the portal and the bot").decode()


class Receiver:
    """Answers POSTs with the given statuses, then 204, and keeps the requests."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
        self.got.append((headers, await reader.readexactly(int(headers["content-length"]))))
        status = self.statuses.pop(0) if self.statuses else 204
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/portal/events"
    async with server:
        yield receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def visit(receiver: Receiver) -> AsyncIterator[Visit]:
    async with visiting(webhook_url=receiver.url, webhook_secret=SECRET) as visit:
        yield visit


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def verified(received: tuple[dict[str, str], bytes]) -> Any:
    headers, body = received
    return Webhook(SECRET).verify(body, headers)


async def test_events_are_posted_with_a_signature(visit: Visit, receiver: Receiver) -> None:
    cursor = (await visit.get("/v1/events"))["cursor"]
    visit.portal.issue_invoice("a-2001", "10.00")
    visit.portal.people.remove_contact("c-1003")
    await until(lambda: len(receiver.got) == 2)
    events = (await visit.get("/v1/events", after=cursor))["items"]
    bodies = [verified(received) for received in receiver.got]
    assert [(body["type"], body["data"]["id"]) for body in bodies] == [(e["type"], e["id"]) for e in events]
    assert [headers["webhook-id"] for headers, _ in receiver.got] == [event["id"] for event in events]
    assert b"example.test" not in receiver.got[1][1]


async def test_retries_do_not_delay_requests(visit: Visit, receiver: Receiver) -> None:
    """A failing receiver is retried outside of the request path."""
    receiver.statuses = [500, 503]
    began = time.perf_counter()
    response = await visit.http.post("/control/invoices", json={"account_id": "a-2001", "amount": "10.00"})
    assert response.status_code == 201
    assert time.perf_counter() - began < 2  # generous: a retry would take much longer
    await until(lambda: visit.portal.webhook.delivered == 1)
    assert len(receiver.got) == 3
    assert len({verified(received)["data"]["id"] for received in receiver.got}) == 1


async def test_an_unreachable_receiver_is_given_up(visit: Visit) -> None:
    visit.portal.webhook._retry_delays = (0.01,)
    visit.portal.webhook.configure("http://127.0.0.1:1/", SECRET)
    visit.portal.issue_invoice("a-2001", "10.00")
    await until(lambda: visit.portal.webhook.given_up == 1)


async def test_a_monthly_run_is_one_post(visit: Visit, receiver: Receiver) -> None:
    visit.portal.generate(500)
    visit.portal.issue_monthly()
    visit.portal.issue_invoice("a-2001", "10.00")
    await until(lambda: len(receiver.got) == 2)
    assert verified(receiver.got[0])["type"] == "invoice.issued"


async def test_control_api_sets_the_webhook(receiver: Receiver) -> None:
    async with visiting() as visit:
        visit.portal.issue_invoice("a-2001", "10.00")
        await visit.http.put("/control/webhook", json={"url": receiver.url, "secret": SECRET})
        visit.portal.issue_invoice("a-2001", "11.00")
        await until(lambda: visit.portal.webhook.delivered == 1)
        state = (await visit.http.get("/control/webhook")).json()
        assert state == {"url": receiver.url, "delivered": 1, "given_up": 0}
        await visit.http.delete("/control/webhook")
        visit.portal.issue_invoice("a-2001", "12.00")
        assert (await visit.http.get("/control/webhook")).json()["url"] is None
    assert len(receiver.got) == 1
