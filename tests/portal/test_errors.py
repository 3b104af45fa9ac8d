"""The rules that turn a status or a transport error into the portal's exceptions."""

import httpx
import pytest

from portal.errors import (
    CONTRACT_STATUSES,
    TRYTON_STATUSES,
    CursorTooOld,
    Forbidden,
    NotFound,
    NotReady,
    PortalBroken,
    PortalError,
    PortalRefused,
    PortalUnavailable,
    is_temporary,
    portal_errors,
    status_error,
)

PROBLEM = {"Content-Type": "application/problem+json; charset=utf-8"}


@pytest.mark.parametrize(
    ("status", "contract", "tryton"),
    [
        (204, PortalBroken, PortalBroken),
        (302, PortalBroken, PortalBroken),
        (400, PortalRefused, Forbidden),
        (401, PortalRefused, PortalRefused),
        (403, Forbidden, PortalRefused),
        (404, NotFound, PortalRefused),
        (409, NotReady, PortalRefused),
        (410, CursorTooOld, PortalRefused),
        (429, PortalUnavailable, PortalUnavailable),
        (500, PortalUnavailable, PortalBroken),
        (503, PortalUnavailable, PortalUnavailable),
    ],
)
def test_status(status: int, contract: type[PortalError], tryton: type[PortalError]) -> None:
    answer = httpx.Response(status, headers=PROBLEM)
    assert type(status_error("call", answer, CONTRACT_STATUSES)) is contract
    assert type(status_error("call", answer, TRYTON_STATUSES)) is tryton


@pytest.mark.parametrize("status", [403, 404])
def test_status_from_a_proxy(status: int) -> None:
    error = status_error("call", httpx.Response(status, headers={"Content-Type": "text/html"}), CONTRACT_STATUSES)
    assert type(error) is PortalUnavailable


def test_hint() -> None:
    """The operator reads the likely cause in the message."""
    error = status_error("call", httpx.Response(401), TRYTON_STATUSES, {401: "the key is wrong"})
    assert str(error) == "call: HTTP 401: the key is wrong"


@pytest.mark.parametrize(
    ("raised", "expected", "may_retry"),
    [
        (httpx.ConnectError("x"), PortalUnavailable, True),
        (httpx.ReadTimeout("x"), PortalUnavailable, True),
        (httpx.RemoteProtocolError("x"), PortalUnavailable, True),
        (httpx.DecodingError("x"), PortalBroken, False),
    ],
)
def test_transport_error(raised: Exception, expected: type[PortalError], may_retry: bool) -> None:
    with pytest.raises(PortalError) as caught, portal_errors("call"):
        raise raised
    assert type(caught.value) is expected
    assert is_temporary(caught.value) is may_retry


def test_retry_after_is_not_temporary() -> None:
    error = status_error("call", httpx.Response(503, headers={"Retry-After": "7"}), CONTRACT_STATUSES)
    assert isinstance(error, PortalUnavailable)
    assert error.retry_after == 7.0
    assert not is_temporary(error)
