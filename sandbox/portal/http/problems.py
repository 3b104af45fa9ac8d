"""Errors as `application/problem+json` (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sandbox.portal.records.journal import UnknownRow
from sandbox.portal.records.queries import NotAccessible, PartNotAccessible


class Problem(Exception):
    """An error answer. `status` is the HTTP status, `detail` a sentence without personal data."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def problem_response(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> JSONResponse:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(
        {**body, **more},
        status_code=status,
        headers=dict(headers or {}),
        media_type="application/problem+json",
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Turn every error of `app` into a problem document, the framework's errors included."""
    app.add_exception_handler(Problem, _refused)
    app.add_exception_handler(NotAccessible, _not_accessible)
    app.add_exception_handler(PartNotAccessible, _part_not_accessible)
    app.add_exception_handler(UnknownRow, _unknown_row)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _from_framework)
    app.add_exception_handler(Exception, _crashed)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return problem_response(error.status, error.detail, error.headers)


async def _not_accessible(_request: Request, _error: Exception) -> JSONResponse:
    return problem_response(404, "The contact has no such object.")


async def _part_not_accessible(_request: Request, _error: Exception) -> JSONResponse:
    return problem_response(403, "The contact has no access to this part of the account.")


async def _unknown_row(_request: Request, error: Exception) -> JSONResponse:
    return problem_response(404, str(error))


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # Leave out the value, which may be an email address.
    errors = [{"where": ".".join(map(str, e["loc"])), "message": e["msg"]} for e in error.errors()]
    return problem_response(422, "The request does not match the contract.", errors=errors)


async def _from_framework(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    # FastAPI answers 400 for a body that is not UTF-8. The contract has 422 for all invalid bodies.
    status = 422 if error.status_code == 400 else error.status_code
    return problem_response(status, str(error.detail), error.headers)


async def _crashed(_request: Request, _error: Exception) -> JSONResponse:
    return problem_response(500, "The portal failed.")
