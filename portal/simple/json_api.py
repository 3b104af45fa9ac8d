"""Asks a company's JSON API over HTTP, within the bot's limits, and raises ``portal.errors``."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

import httpx

from portal.errors import HasHeaders, NotFound, NotReady, Statuses, is_json, portal_errors, status_error
from portal.http_client import PDF_TIMEOUT, Answer, Params, fetch, http_client, read_document, with_query
from portal.models import Pdf
from portal.numbers import id_segment
from portal.parsing import parsed_json

DOCUMENT_STATUSES: Statuses = MappingProxyType({202: NotReady, 404: NotFound, 409: NotReady})
"""What these statuses mean where a document is asked for."""
_PDF = {"Accept": "application/pdf, */*;q=0.5"}
"""Django REST framework answers 406 to ``application/pdf`` alone."""
_HINTS = {401: "the token is wrong or has expired", 403: "the token may not read this", 406: "another Accept is needed"}
_NO_STATUSES: Statuses = MappingProxyType({})


class JsonApi:
    """Has one pool of connections to one API. It stores no cookie and follows no redirect.

    Each method makes one attempt: ``SimplePortal``, or ``http_client.with_retries``, repeats it and limits its time.
    A path is a template, such as ``/customers/{}/orders``, whose ``{}`` are filled with ids: they are quoted, so that
    none is read as another path, and the template names the call in messages, which therefore have no id.

    Errors, as of ``errors.status_error``: 429 and 5xx are ``PortalUnavailable``, other refusals ``PortalRefused``. A
    403 or 404 that is not JSON is a proxy's, hence ``PortalUnavailable``. A 404 is ``NotFound`` only where
    ``statuses`` says so: of a list, it more likely means that the address is wrong.

    Args:
        base_url: The API's address; paths are appended to it.
        headers: Sent with each request, the authorization among them.
        statuses: The statuses that have a meaning of their own in this API, such as ``{400: Forbidden}``.
        hints: The likely cause for the operator, by status, where the usual ones do not fit.
        is_own: Whether a 403 or 404 is the API's own; by default, if it is JSON.
        transport: Replaces the connections, in tests.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str] | None = None,
        *,
        statuses: Statuses = _NO_STATUSES,
        hints: Mapping[int, str] | None = None,
        is_own: Callable[[HasHeaders], bool] = is_json,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client = http_client(base_url, {"Accept": "application/json", **(headers or {})}, transport)
        self._statuses = statuses
        self._hints = {**_HINTS, **(hints or {})}
        self._is_own = is_own

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get_json(
        self, path: str, *ids: str, params: Params = (), statuses: Statuses = _NO_STATUSES
    ) -> Any:  # JSON has any shape
        """Return the JSON at a path.

        Args:
            path: A template, such as ``/customers/{}/orders``.
            ids: What its ``{}`` stand for.
            params: The query. **Nothing personal:** servers log URLs; an email address goes into a body.
            statuses: Beside those of the API, such as ``{404: NotFound}``.

        Raises:
            PortalError: as of the class; ``PortalBroken`` for an answer that is no JSON, or is longer than 2 MiB.
        """
        answer = await self.ask("GET", path, *ids, params=params, statuses=statuses)
        return parsed_json(f"GET {path}", answer.content)

    async def post_json(self, path: str, *ids: str, body: object, statuses: Statuses = _NO_STATUSES) -> Any:
        """Post a JSON body that asks for something, and return the JSON of the answer; see ``get_json``.

        It may be repeated, so it must not change anything.
        """
        answer = await self.ask("POST", path, *ids, content=json.dumps(body).encode(), statuses=statuses)
        return parsed_json(f"POST {path}", answer.content)

    async def ask(
        self,
        method: str,
        path: str,
        *ids: str,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        statuses: Statuses = _NO_STATUSES,
        accepted: tuple[int, ...] = (httpx.codes.OK,),
    ) -> Answer:
        """Send one request and return the whole answer; see ``get_json``.

        Args:
            method: ``GET`` or ``POST``.
            path: A template.
            ids: What its ``{}`` stand for.
            params: The query.
            headers: Sent beside the client's own.
            content: A JSON body; None for no body.
            statuses: Beside those of the API.
            accepted: The statuses that are no error.
        """
        call = f"{method} {path}"
        with portal_errors(call):
            answer = await fetch(
                self._client, method, _filled(path, ids), params=params, headers=headers, content=content
            )
        self._check(call, answer, statuses, accepted)
        return answer

    @asynccontextmanager
    async def document(self, path: str, *ids: str, params: Params = ()) -> AsyncIterator[httpx.Response]:
        """Open a PDF's answer to stream; ``http_client.read_document`` reads it, ``document_call`` limits the time."""
        call, url = f"GET {path}", with_query(_filled(path, ids), params)
        with portal_errors(call):
            async with self._client.stream("GET", url, headers=_PDF, timeout=PDF_TIMEOUT) as answer:
                self._check(call, answer, {**DOCUMENT_STATUSES, **self._statuses}, (httpx.codes.OK,))
                yield answer

    async def get_pdf(self, path: str, *ids: str, limit: int, params: Params = ()) -> Pdf:
        """Return the PDF at a path, with its ETag where the API sends one.

        Args:
            path: A template, such as ``/invoices/{}/pdf``.
            ids: What its ``{}`` stand for.
            limit: The most bytes.
            params: The query.

        Raises:
            NotReady: 202 or 409.
            NotFound: 404, if it is the API's own.
            TooLarge: it is longer than ``limit``; it is not read to its end.
            PortalError: as of the class.
        """
        async with self.document(path, *ids, params=params) as answer:
            return Pdf(content=await read_document(answer, limit), etag=answer.headers.get("ETag"))

    def _check(self, call: str, answer: HasHeaders, statuses: Statuses, accepted: tuple[int, ...]) -> None:
        if answer.status_code not in accepted:
            raise status_error(call, answer, {**self._statuses, **statuses}, self._hints, self._is_own)


def _filled(path: str, ids: tuple[str, ...]) -> str:
    return path.format(*map(id_segment, ids))
