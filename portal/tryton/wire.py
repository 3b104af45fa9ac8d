"""Sends searches to Tryton 8's REST API and parses its answers.

See https://docs.tryton.org/ (trytond, "User application REST"). A domain and an order travel as urlsafe-base64 JSON,
decimals and dates as ``{"__class__": …}``. Without a company in the context, fields that depend on one are null.
"""

import datetime
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import httpx

from portal.breaker import PortalBreaker
from portal.errors import TRYTON_STATUSES, PortalBroken, is_problem
from portal.http_client import Answer, document_call, with_retries
from portal.parsing import parsed_json
from portal.simple.json_api import JsonApi
from portal.tryton.address import TrytonAddress

Domain = list[Any]
"""Tryton's search clauses: ``[["number", "=", "212380"], …]``, all of which hold; ``["OR", …]`` where one does."""
Row = dict[str, Any]

_TIME_PARTS = ("year", "month", "day", "hour", "minute", "second", "microsecond")
_ACCEPTED = (httpx.codes.OK, httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE)
_MOST_DIGITS = 12
_MOST_OFFSET = 2**31
"""The largest offset that every database accepts."""
_HINTS = {
    400: "the API user may not read this",
    401: "the key is not one of this database's, or is not validated",
    403: "no REST API, or a proxy's answer",
    404: "no such database, no REST API, or a proxy's answer",
}


class TrytonWire:
    """Has one pool of connections to one database, as one user application. Only reads."""

    def __init__(
        self,
        address: TrytonAddress,
        key: str,
        transport: httpx.AsyncBaseTransport | None = None,
        breaker: PortalBreaker | None = None,
    ) -> None:
        self._breaker = breaker
        headers = {"Authorization": f"bearer {key}", "X-Tryton-Context": _encoded({"company": address.company})}
        self._api = JsonApi(
            address.base_url, headers, statuses=TRYTON_STATUSES, hints=_HINTS, is_own=is_problem, transport=transport
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._api.aclose()

    async def search(
        self, model: str, domain: Domain, fields: Iterable[str], *, order: Sequence[Sequence[str]] = (), size: int
    ) -> list[Row]:
        """Return the first ``size`` matching records. A dot in a field reads from a related record."""
        response = await self._ask(model, [*_asked(domain, fields, order), ("s", str(size))])
        return _rows(model, response, size)

    async def page(
        self,
        model: str,
        domain: Domain,
        fields: Iterable[str],
        *,
        order: Sequence[Sequence[str]],
        first: int,
        size: int,
    ) -> tuple[list[Row], int]:
        """Return up to ``size`` matching records from index ``first`` (from 0) on, and how many match in all."""
        if first > _MOST_OFFSET:
            return [], await self.count(model, domain)
        # Tryton excludes the end of a range.
        header = {"Range": f"records={first}-{first + size}"}
        response = await self._ask(model, _asked(domain, fields, order), header)
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return [], await self.count(model, domain)
        total = response.headers.get("Content-Range", "").rpartition("/")[2]
        # Above ten times the range's size, Tryton does not count and sends a star.
        is_counted = total.isascii() and total.isdecimal() and len(total) <= _MOST_DIGITS
        known = int(total) if is_counted else await self.count(model, domain)
        return _rows(model, response, size), known

    async def count(self, model: str, domain: Domain) -> int:
        """Return how many records match."""
        asked = _json({"domain": domain}).encode()
        response = await self._call("POST", f"/model/{model}/search_count", content=asked)
        found = parsed_json(model, response.content, _read)
        if type(found) is not int or not 0 <= found < 10**_MOST_DIGITS:
            raise PortalBroken(f"{model}: not a count")
        return found

    @asynccontextmanager
    async def report(self, name: str, record: int) -> AsyncIterator[httpx.Response]:
        """Open a document to stream, without retries. Tryton makes it for **any** record: check the record before."""
        async with (
            document_call(f"report {name}", self._breaker),
            self._api.document(f"/report/{name}/{{}}", str(record)) as response,
        ):
            yield response

    async def _ask(self, model: str, params: list[tuple[str, str]], headers: dict[str, str] | None = None) -> Answer:
        return await self._call("GET", f"/model/{model}", params=params, headers=headers)

    async def _call(self, method: str, path: str, **asked: Any) -> Answer:
        model = path.split("/")[2]
        return await with_retries(
            model, lambda: self._api.ask(method, path, accepted=_ACCEPTED, **asked), self._breaker
        )


def like(text: str) -> str:
    """Escape a text for a pattern that matches only this text."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _asked(domain: Domain, fields: Iterable[str], order: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    params = [("d", _encoded(domain)), *(("f", field) for field in fields)]
    return [*params, ("o", _encoded(order))] if order else params


def _encoded(value: object) -> str:
    return urlsafe_b64encode(_json(value).encode()).decode()


def _json(value: object) -> str:
    return json.dumps(value, default=_written)


def _written(value: object) -> dict[str, Any]:
    match value:
        case Decimal():
            return {"__class__": "Decimal", "decimal": str(value)}
        case datetime.datetime():
            utc = value.astimezone(datetime.UTC)
            return {"__class__": "datetime"} | {name: getattr(utc, name) for name in _TIME_PARTS}
        case datetime.date():
            return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    raise TypeError(f"no Tryton form of {type(value).__name__}")


def _read(value: dict[str, Any]) -> object:
    match value.get("__class__"):
        case "Decimal":
            return Decimal(value["decimal"])
        case "date":
            return datetime.date(value["year"], value["month"], value["day"])
        case "datetime":
            return datetime.datetime(**{name: value[name] for name in _TIME_PARTS}, tzinfo=datetime.UTC)
    return value


def _rows(model: str, answer: Answer, size: int) -> list[Row]:
    rows = parsed_json(model, answer.content, _read)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise PortalBroken(f"{model}: not a list of records")
    if len(rows) > size:
        raise PortalBroken(f"{model}: too many records")
    return rows
