"""Errors as RFC 9457 `application/problem+json`, for every way a request can go wrong."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sandbox.portal.journal import UnknownRow
from sandbox.portal.queries import NotTheirs, NotThisPart


class Problem(Exception):
    """A refusal to be sent as it is: `status` is the HTTP status, `detail` a sentence without personal data."""

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
    """Makes every error of `app` a problem document, those of the framework included."""
    app.add_exception_handler(Problem, _refused)
    app.add_exception_handler(NotTheirs, _not_theirs)
    app.add_exception_handler(NotThisPart, _not_this_part)
    app.add_exception_handler(UnknownRow, _unknown_row)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _from_framework)
    app.add_exception_handler(Exception, _crashed)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return problem_response(error.status, error.detail, error.headers)


async def _not_theirs(_request: Request, _error: Exception) -> JSONResponse:
    return problem_response(404, "There is no such thing for this contact.")


async def _not_this_part(_request: Request, _error: Exception) -> JSONResponse:
    return problem_response(403, "This part of the account is not theirs to see.")


async def _unknown_row(_request: Request, error: Exception) -> JSONResponse:
    return problem_response(404, str(error))


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # Where and why only: what was sent may be an email address.
    errors = [{"where": ".".join(map(str, e["loc"])), "message": e["msg"]} for e in error.errors()]
    return problem_response(422, "The request is not what the contract says.", errors=errors)


async def _from_framework(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    # FastAPI's 400 is a body that is not UTF-8: to the contract, one more that is not what it asks for.
    status = 422 if error.status_code == 400 else error.status_code
    return problem_response(status, str(error.detail), error.headers)


async def _crashed(_request: Request, _error: Exception) -> JSONResponse:
    return problem_response(500, "The portal failed.")
