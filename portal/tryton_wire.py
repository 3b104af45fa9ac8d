"""Tryton 8's REST API: how a question is written, how an answer is read, and what its errors mean.

See https://docs.tryton.org/ (trytond, "User application REST"). A domain and an order travel as urlsafe-base64 JSON,
decimals and dates as ``{"__class__": …}``. Without a company in the context, what depends on one comes as null.
"""

import datetime
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from portal.calling import Answer, HttpClient, connected, is_problem, persistently, retry_after, within_total
from portal.errors import Forbidden, PortalBroken, PortalRefused, PortalUnavailable
from portal.parsing import readable, refuse_crowded

SCHEME = "tryton+"
Domain = list[Any]
"""Tryton's search clauses: ``[["number", "=", "212380"], …]``, all of which hold; ``["OR", …]`` where one does."""
Row = dict[str, Any]

_TIME_PARTS = ("year", "month", "day", "hour", "minute", "second", "microsecond")
_MOST_DIGITS = 12
_FARTHEST = 2**31
"""What a database takes as an offset without complaint."""


@dataclass(frozen=True, slots=True)
class TrytonAddress:
    """Where a Tryton database is served, and whose papers in it are meant."""

    base_url: str
    database: str
    company: int


def parse_address(url: str) -> TrytonAddress:
    """``tryton+https://host/database``, with ``?company=2`` where it is not the first one.

    Raises:
        ValueError: it is none; the message says what is expected.
    """
    expected = "expected tryton+https://host/database (plain tryton+http:// only on this machine, 127.0.0.1)"
    parts = urlsplit(url.removeprefix(SCHEME))
    database = parts.path.strip("/")
    asked = parse_qs(parts.query, keep_blank_values=True)
    company = asked.pop("company", ["1"])[-1]
    if not url.startswith(SCHEME) or not parts.netloc or not database or "/" in database or asked or parts.fragment:
        raise ValueError(expected)
    if not company.isdecimal() or not company.isascii():
        raise ValueError("expected tryton+https://host/database?company=1, a company's number in Tryton")
    return TrytonAddress(f"{parts.scheme}://{parts.netloc}/{quote(database)}/rest", database, int(company))


class TrytonWire:
    """One pool of connections to one database, as one user application. Reads only."""

    def __init__(self, address: TrytonAddress, key: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        headers = {
            "Authorization": f"bearer {key}",
            "Accept": "application/json",
            "X-Tryton-Context": _encoded({"company": address.company}),
        }
        self._http = HttpClient(address.base_url, headers, transport)

    async def aclose(self) -> None:
        """Gives the connections back."""
        await self._http.aclose()

    async def search(
        self, model: str, domain: Domain, fields: Iterable[str], *, order: Sequence[Sequence[str]] = (), size: int
    ) -> list[Row]:
        """The first ``size`` records that fit; dots in ``fields`` reach into other records."""
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
        """``size`` records from ``first`` (0 is the first one), and how many there are; past the end there are none."""
        if first > _FARTHEST:
            return [], await self.count(model, domain)
        # The end of Tryton's range is not part of it.
        header = {"Range": f"records={first}-{first + size}"}
        response = await self._ask(model, _asked(domain, fields, order), header)
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return [], await self.count(model, domain)
        total = response.headers.get("Content-Range", "").rpartition("/")[2]
        # Tryton counts to ten times what was asked for, and then writes a star.
        is_counted = total.isascii() and total.isdecimal() and len(total) <= _MOST_DIGITS
        known = int(total) if is_counted else await self.count(model, domain)
        return _rows(model, response, size), known

    async def count(self, model: str, domain: Domain) -> int:
        """How many records fit."""
        response = await self._call("POST", model, "search_count", body={"domain": domain})
        found = _decoded(model, response)
        if type(found) is not int or not 0 <= found < 10**_MOST_DIGITS:
            raise PortalBroken(f"{model}: not a count")
        return found

    @asynccontextmanager
    async def report(self, name: str, record: int) -> AsyncIterator[httpx.Response]:
        """An open document to stream, not tried again: half of it may have been read. It is made for **any** record."""
        path = f"/report/{name}/{record}"
        async with (
            within_total(f"report {name}"),
            connected(f"report {name}"),
            self._http.stream("GET", path, headers={"Accept": "application/pdf"}) as response,
        ):
            _refuse(f"report {name}", response)
            yield response

    async def _ask(self, model: str, params: list[tuple[str, str]], headers: dict[str, str] | None = None) -> Answer:
        return await self._call("GET", model, params=params, headers=headers)

    async def _call(
        self,
        method: str,
        model: str,
        action: str = "",
        *,
        params: list[tuple[str, str]] | None = None,
        headers: dict[str, str] | None = None,
        body: object = None,
    ) -> Answer:
        path = "/model/" + "/".join(filter(None, (model, action)))
        content = _json(body).encode() if body is not None else None

        async def attempt() -> Answer:
            async with connected(model):
                response = await self._http.request(
                    method,
                    path,
                    params=params or (),
                    headers=headers,
                    content=content,
                )
            _refuse(model, response)
            return response

        return await persistently(model, attempt)


def like(text: str) -> str:
    """A text as a pattern that fits nothing but itself."""
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
    raise TypeError(f"Tryton is asked no {type(value).__name__}")


def _read(value: dict[str, Any]) -> object:
    match value.get("__class__"):
        case "Decimal":
            return Decimal(value["decimal"])
        case "date":
            return datetime.date(value["year"], value["month"], value["day"])
        case "datetime":
            return datetime.datetime(**{name: value[name] for name in _TIME_PARTS}, tzinfo=datetime.UTC)
    return value


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no JSON")


def _decoded(model: str, answer: Answer) -> object:
    refuse_crowded(model, answer.content)
    try:
        return json.loads(readable(answer.content), object_hook=_read, parse_constant=_no_number)
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError):
        raise PortalBroken(f"{model}: not Tryton's JSON") from None


def _rows(model: str, answer: Answer, size: int) -> list[Row]:
    rows = _decoded(model, answer)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise PortalBroken(f"{model}: not a list of records")
    if len(rows) > size:
        raise PortalBroken(f"{model}: more records than were asked for")
    return rows


def _refuse(call: str, response: httpx.Response | Answer) -> None:
    """Records are searched, never asked for by number: a 404 is about the database or the address, not about them.

    A proxy says 403 and 404 too, while it restarts what is behind it: both may pass.
    """
    status = response.status_code
    if status in (httpx.codes.OK, httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE):
        return
    what = f"{call}: HTTP {status}"
    match status:
        case 400:
            raise Forbidden(f"{what}: the API user may not read this")
        case 401:
            raise PortalRefused(f"{what}: the key is not one of this database's, or was not validated")
        case 403 | 404 if not is_problem(response):
            raise PortalUnavailable(f"{what}: no such database, no REST API here, or a proxy's own page")
        case 429 | 502 | 503 | 504:
            raise PortalUnavailable(what, retry_after=retry_after(response))
        case _ if 400 <= status < 500:
            raise PortalRefused(what)
    raise PortalBroken(what)
