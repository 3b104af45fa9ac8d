"""The address of a Tryton database, as written in ``ODOBOT_PORTAL_URL``."""

from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

SCHEME = "tryton+"


@dataclass(frozen=True, slots=True)
class TrytonAddress:
    """The URL of a Tryton database's REST API, the database's name, and the id of the company in it."""

    base_url: str
    database: str
    company: int


def parse_address(url: str) -> TrytonAddress:
    """Parse ``tryton+https://host/database``, with ``?company=2`` for another company than the first.

    Raises:
        ValueError: the URL is not one; the message says what is expected.
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
