"""A portal with prepared answers: a page of invoices, and an empty feed."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

import orjson

from benches.stubs.http import Request, serve

TOKEN = "bench-token"
_ACCOUNT = re.compile(r"/accounts/a-(\d+)/invoices")


@cache
def _invoices(account: int) -> bytes:
    """A page of five monthly invoices, the newest unpaid; each account has numbers of its own."""
    items = [
        {
            "number": str(200_000 + account % 10_000 * 10 + month), "date": f"2026-{month:02}-01",
            "due_date": f"2026-{month:02}-28", "amount": "293.08", "balance": "293.08" if month == 10 else "0.00",
            "currency": "CAD", "paid_on": None if month == 10 else f"2026-{month:02}-15", "order_number": "26901",
            "url": f"https://portail.odotrack.test/factures/{account}-{month}",
        }
        for month in range(10, 5, -1)
    ]  # fmt: skip
    return orjson.dumps({"items": items, "page": 1, "page_size": 5, "total": 34})


_NO_EVENTS = orjson.dumps({"items": [], "cursor": "0"})
_NO_LINKS = orjson.dumps({"items": []})


def answer_to(path: str) -> bytes:
    """Return the body of the answer to a GET."""
    if account := _ACCOUNT.search(path):
        return _invoices(int(account[1]))
    return _NO_EVENTS if "/events" in path else _NO_LINKS


@asynccontextmanager
async def portal(latency: float = 0.0) -> AsyncIterator[str]:
    """Serve the portal stub; gives its base URL. ``latency`` is in seconds, for every call."""

    async def answer(request: Request) -> bytes:
        if latency:
            await asyncio.sleep(latency)
        return answer_to(request.path)

    async with serve(answer) as url:
        yield url
