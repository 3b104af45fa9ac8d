"""Middleware of the portal's API: request log, faults, and the bearer token."""

import asyncio
import hmac
import socket
import struct
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.portal.company import Portal
from sandbox.portal.faults import Fault, FaultKind
from sandbox.portal.http.fault_answers import faulty_answer
from sandbox.portal.http.problems import problem_response
from sandbox.portal.request_log import LoggedRequest, endpoint_name

TRANSPORT = "odobot.transport"


class ApiMiddleware:
    """ASGI middleware. Requests to the control API skip it."""

    def __init__(self, app: ASGIApp, portal: Portal, token: str, stopping: asyncio.Event) -> None:
        self._app = app
        self._portal = portal
        self._token = token.encode()
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Keep the path percent-encoded, since a number may contain a slash.
        scope["path"] = path = scope["raw_path"].decode("latin-1")
        if path.startswith("/control"):
            await self._app(scope, receive, send)
            return
        await self._logged(scope, receive, send)

    async def _logged(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, status = time.perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        path = scope["path"]
        try:
            await self._answer(scope, receive, noting)
        finally:
            self._portal.log.add(
                LoggedRequest(
                    method=scope["method"],
                    path=path,
                    query=scope["query_string"].decode("latin-1"),
                    endpoint=endpoint_name(path),
                    status=status,
                    milliseconds=(time.perf_counter() - began) * 1000,
                )
            )

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        for fault in self._portal.faults.take(scope["method"], scope["path"]):
            if fault.kind is FaultKind.SLOW:
                await self._wait(fault.seconds)
            else:
                await self._apply(fault, scope, receive, send)
                return
        await self._checked(scope, receive, send)

    async def _checked(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._is_authorised(scope):
            refusal = problem_response(401, "A valid bearer token is needed.", {"WWW-Authenticate": "Bearer"})
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _apply(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        async def close(reset: bool) -> bool:
            return await close_connection(scope, receive, reset=reset)

        await faulty_answer(fault, self._checked, close, self._wait)(scope, receive, send)

    def _is_authorised(self, scope: Scope) -> bool:
        for name, value in scope["headers"]:
            if name == b"authorization":
                scheme, _, token = value.partition(b" ")
                return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self._token)
        return False

    async def _wait(self, seconds: float) -> None:
        """Sleep, but only until the server stops."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return


async def close_connection(scope: Scope, receive: Receive, *, reset: bool) -> bool:
    """Close the connection. Returns False under a server other than PortalServer, which hides its transport."""
    transport = scope.get(TRANSPORT)
    if transport is None:
        return False
    if reset:
        # A linger time of zero makes the kernel send RST.
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    else:
        # close() flushes the written part first, which a cut answer needs.
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
    return True
