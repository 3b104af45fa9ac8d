"""The address of a company's database, as written in ``ODOBOT_PORTAL_URL``."""

import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from portal.adapters.urls import is_loopback

PREFIX = "sql+"
CONNECT_SECONDS = 3
EXPECTED = "sql+postgresql://user:password@host/database (or sql+mysql://, sql+mariadb://, sql+sqlite:///file.db)"
_TLS_MODES = ("verify-full", "verify-ca", "require", "disable")


class Dialect(StrEnum):
    """The SQL of a database."""

    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    """Also MariaDB."""
    SQLITE = "sqlite"


_SCHEMES = {
    "postgresql": (Dialect.POSTGRESQL, "postgresql+asyncpg", 5432),
    "mysql": (Dialect.MYSQL, "mysql+asyncmy", 3306),
    "mariadb": (Dialect.MYSQL, "mariadb+asyncmy", 3306),
    "sqlite": (Dialect.SQLITE, "sqlite+aiosqlite", 0),
}


@dataclass(frozen=True, slots=True)
class SqlAddress:
    """A database: SQLAlchemy's URL, what its driver needs beside it, and the database's name for the feed's cursor."""

    dialect: Dialect
    url: URL = field(repr=False)
    arguments: dict[str, Any] = field(repr=False)
    database: str
    has_password: bool


def parse_address(url: str, password: str = "") -> SqlAddress:
    """Parse the URL of a database.

    ``?sslmode=`` is ``verify-full`` beyond loopback unless it is ``verify-ca`` or ``require``; ``?sslrootcert=`` names
    the certificates to trust. A Unix socket is ``?host=/run/postgresql`` or ``?unix_socket=/run/mysqld/mysqld.sock``.

    Args:
        url: ``sql+postgresql://…`` and so on.
        password: The database's password where the URL has none.

    Raises:
        ValueError: the URL is not one; the message says what is expected, without the URL.
    """
    expected = f"expected {EXPECTED}"
    try:
        parts = make_url(url.removeprefix(PREFIX))
        scheme = parts.drivername
    except (ArgumentError, ValueError):  # their messages may have the URL
        raise ValueError(expected) from None
    if not url.startswith(PREFIX) or scheme not in _SCHEMES or not parts.database:
        raise ValueError(expected)
    dialect, driver, port = _SCHEMES[scheme]
    if dialect is Dialect.SQLITE:
        return _file(parts, driver)
    options = {name: value if isinstance(value, str) else value[-1] for name, value in parts.query.items()}
    socket = options.pop("host" if dialect is Dialect.POSTGRESQL else "unix_socket", "")
    mode, root = options.pop("sslmode", ""), options.pop("sslrootcert", "")
    if options or bool(socket) == bool(parts.host) or not parts.username or (socket and not socket.startswith("/")):
        raise ValueError(expected)
    is_local = bool(socket) or is_loopback(parts.host or "")
    if mode not in ("", *_TLS_MODES):
        raise ValueError(f"expected ?sslmode= with {', '.join(_TLS_MODES)}")
    if mode == "disable" and not is_local:
        raise ValueError("expected TLS to a database on another machine: ?sslmode=verify-full, verify-ca or require")
    context = None if mode == "disable" or (is_local and not mode) else _context(mode or "verify-full", root)
    arguments: dict[str, Any] = {"ssl": context or False} if dialect is Dialect.POSTGRESQL else {}
    if dialect is Dialect.MYSQL:
        arguments = {"connect_timeout": CONNECT_SECONDS, "charset": "utf8mb4"} | ({"ssl": context} if context else {})
        arguments |= {"unix_socket": socket} if socket else {}
    else:
        arguments |= {"timeout": CONNECT_SECONDS} | ({"host": socket} if socket else {})
    whole = URL.create(
        driver, parts.username, parts.password or password or None, parts.host, parts.port or port, parts.database
    )
    return SqlAddress(dialect, whole, arguments, parts.database, bool(parts.password))


def check_url(url: str) -> str:
    """Return the URL; raise ``ValueError`` for one that is none, as ``parse_address`` does."""
    parse_address(url)
    return url


def _file(parts: URL, driver: str) -> SqlAddress:
    """Open the file for reading only: SQLite takes the mode from a URI."""
    if parts.host or parts.query or not parts.database or parts.database.startswith((":", "file:")):
        raise ValueError("expected sql+sqlite:///file.db, with four slashes for a path from the root")
    path = Path(parts.database).absolute()
    name = f"file:{quote(str(path))}?mode=ro&uri=true"
    whole = make_url(f"{driver}:///{name}")
    return SqlAddress(Dialect.SQLITE, whole, {"timeout": 2.0}, path.name, has_password=False)


def _context(mode: str, root: str) -> ssl.SSLContext:
    """Make TLS's settings. ``require`` encrypts without checking whom it speaks to, as PostgreSQL's clients do."""
    try:
        context = ssl.create_default_context(cafile=root or None)
    except (OSError, ssl.SSLError):
        raise ValueError("expected ?sslrootcert= with a readable file of certificates in PEM") from None
    if mode != "verify-full":
        context.check_hostname = False
    if mode == "require" and not root:
        context.verify_mode = ssl.CERT_NONE
    return context
