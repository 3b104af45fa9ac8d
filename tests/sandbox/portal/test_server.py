"""The portal server in the test's event loop, and the client that the other portal tests use."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.portal import MovableClock, Portal, PortalServer

TOKEN = "the portal's token"
# 8 a.m. at the company.
MONDAY = datetime(2026, 3, 16, 12, 0, tzinfo=UTC)

CLIENT = "/v1/contacts/c-1001/accounts/a-2001"
CLIENT_2016 = "/v1/contacts/c-1001/accounts/a-2002"
BOREAL = "/v1/contacts/c-1002/accounts/a-2003"
NORTH_SHORE = "/v1/contacts/c-1004/accounts/a-2004"
ODD = "/v1/contacts/c-1005/accounts/a-2005"


@dataclass
class Visit:
    """A running portal, and a client with its token."""

    server: PortalServer
    clock: MovableClock
    http: httpx.AsyncClient

    @property
    def portal(self) -> Portal:
        return self.server.portal

    async def get(self, path: str, **query: Any) -> Any:
        """Return the JSON of a GET that must be 200. `from_` stands for `from`."""
        response = await self.http.get(path, params={name.rstrip("_"): value for name, value in query.items()})
        assert response.status_code == 200, response.text
        return response.json()

    async def numbers(self, path: str, **query: Any) -> list[str]:
        return [item["number"] for item in (await self.get(path, **query))["items"]]

    async def problem(self, expected: int, path: str, **query: Any) -> Any:
        """Return the problem document of a GET that must be refused with this status."""
        return problem_of(await self.http.get(path, params=query), expected)


def problem_of(response: httpx.Response, status: int) -> Any:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


@asynccontextmanager
async def visiting(**options: Any) -> AsyncIterator[Visit]:
    clock = MovableClock(MONDAY)
    async with (
        PortalServer(TOKEN, clock=clock, **options) as server,
        # verify=False: plain HTTP needs no certificates, which take time to load.
        httpx.AsyncClient(
            base_url=server.url, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False, verify=False
        ) as http,
    ):
        yield Visit(server, clock, http)


async def test_fast_start_and_stop_without_tasks_left() -> None:
    async with visiting():
        pass  # the first start imports modules and compiles SQL
    before = asyncio.all_tasks()
    server = PortalServer(TOKEN)
    began = time.perf_counter()
    await server.start()
    assert time.perf_counter() - began < 10
    async with httpx.AsyncClient(base_url=server.url) as http:
        assert (await http.get("/v1/links")).status_code == 401
        # An idle client connection does not delay the stop.
        began = time.perf_counter()
        await server.close()
        assert time.perf_counter() - began < 10
    assert asyncio.all_tasks() == before


async def test_answers_are_sent_without_delay() -> None:
    """Nagle's algorithm is off: no answer waits 40 ms for an acknowledgement."""
    async with visiting() as visit:
        fastest = 1.0
        for _ in range(20):
            began = time.perf_counter()
            await visit.get("/v1/links")
            fastest = min(fastest, time.perf_counter() - began)
        assert fastest < 0.04, "a delayed acknowledgement would add 40 ms to each answer"


async def test_restart_keeps_port_and_rows() -> None:
    async with visiting() as visit:
        number = visit.portal.issue_invoice("a-2001", "10.00")
        url = visit.server.url
        await visit.server.stop()
        with pytest.raises(httpx.ConnectError):
            await visit.http.get("/v1/links")
        await visit.server.start()
        assert visit.server.url == url
        assert number in await visit.numbers(f"{CLIENT}/invoices")


async def test_a_database_file_is_reused(tmp_path: Path) -> None:
    async with visiting(database=tmp_path / "portal.db") as visit:
        number = visit.portal.issue_invoice("a-2001", "10.00")
        cursor = (await visit.get("/v1/events"))["cursor"]
    async with visiting(database=tmp_path / "portal.db") as visit:
        assert number in await visit.numbers(f"{CLIENT}/invoices")
        assert (await visit.get("/v1/events", after=cursor))["items"] == []
        assert visit.portal.issue_invoice("a-2001", "10.00") != number


async def test_a_portal_can_be_empty() -> None:
    async with visiting(seeded=False) as visit:
        assert (await visit.get("/v1/links"))["items"] == []
        await visit.problem(404, "/v1/contacts/c-1001")


def test_url_needs_a_started_server() -> None:
    server = PortalServer(TOKEN)
    with pytest.raises(RuntimeError):
        _ = server.url
    server.portal.close()


def test_clocks_need_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        MovableClock(datetime(2026, 1, 1))  # noqa: DTZ001
