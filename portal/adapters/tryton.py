"""The adapter of Tryton 8 servers."""

from portal.adapters.adapter import Adapter, Connection
from portal.adapters.urls import checked_web_url
from portal.tryton.address import SCHEME, parse_address
from portal.tryton.portal import TrytonPortal


def _checked_url(url: str) -> str:
    parse_address(url)
    address, question, query = url.partition("?")
    return checked_web_url(address, SCHEME) + question + query


def _open(connection: Connection) -> TrytonPortal:
    return TrytonPortal(connection.url, connection.token, links=connection.links, breaker=connection.breaker)


ADAPTER = Adapter(
    expected="tryton+https://host/database",
    check_url=_checked_url,
    open=_open,
    token="the key of a Tryton user application",  # noqa: S106
)
