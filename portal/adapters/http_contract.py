"""The adapter of portals that serve the HTTP contract, docs/portal-api.yaml."""

from portal.adapters.adapter import Adapter, Connection
from portal.adapters.urls import checked_web_url
from portal.http import HttpPortal


def _open(connection: Connection) -> HttpPortal:
    return HttpPortal(connection.url, connection.token, breaker=connection.breaker)


ADAPTER = Adapter(
    expected="https://host",
    check_url=checked_web_url,
    open=_open,
    token="a portal's bearer token",  # noqa: S106
    is_http_contract=True,
)
