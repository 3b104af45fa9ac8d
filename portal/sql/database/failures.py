"""Classifies the errors of databases. Messages have the call, the view and the database's code, never a value."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError as PoolTimeout

from portal.errors import PortalBroken, PortalRefused, PortalUnavailable


class Outdated(Exception):
    """The database does not know a view, a column or a comparison: the views may be others than were inspected."""


_OUTDATED = {
    "42703", "42P01", "42883", "42804", "0A000",  # PostgreSQL; the last: the plan of a view that was made anew
    "1054", "1146",  # MySQL
    "SQLITE_ERROR", "SQLITE_SCHEMA",
}  # fmt: skip
_REFUSED = {"28P01", "28000", "3D000", "42501", "1044", "1045", "1049", "1142", "1143", "1227", "1698", "SQLITE_AUTH"}
_TOO_SLOW = {"57014", "1969", "3024", "SQLITE_INTERRUPT"}
_LOCKED = {"40001", "40P01", "55P03", "1205", "1213", "SQLITE_BUSY", "SQLITE_LOCKED"}
_AWAY = {
    "1040", "1053", "1077", "1158", "1159", "1160", "1161", "1203", "1226", "2002", "2003", "2006", "2013", "2026",
    "2055", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_NOMEM", "SQLITE_FULL",
}  # fmt: skip
_AWAY_CLASSES = ("08", "53", "57P", "58")
"""The first characters of PostgreSQL's codes for a lost connection, too few resources, a stop, and the system."""


def failure(call: str, error: Exception, view: str) -> Exception:
    """Return what to raise for a database's error.

    Args:
        call: The call's name in the message.
        error: SQLAlchemy's exception, or one of the connection.
        view: The view that was read; empty before that.

    Returns:
        ``Outdated`` or a ``PortalError``.
    """
    about = f"{call}: {view}" if view else call
    if not isinstance(error, DBAPIError):
        kind = "no free connection" if isinstance(error, PoolTimeout) else type(error).__name__
        return PortalUnavailable(f"{about}: {kind}", is_outage=not isinstance(error, PoolTimeout))
    code = _code(error)
    return _by_code(about, code, error)


def _by_code(about: str, code: str, error: DBAPIError) -> Exception:
    named = f"{about}: {type(error).__name__} {code}".rstrip()
    if code in _OUTDATED:
        return Outdated(f"{named}: a view, a column or its type is not as before; run odobot portal-check")
    if code in _REFUSED:
        return PortalRefused(f"{named}: the database refuses the login, or the reading of the view")
    if code in _TOO_SLOW:
        return PortalUnavailable(f"{named}: the query took too long", is_outage=True)
    if code in _LOCKED:
        return PortalUnavailable(f"{named}: locked")
    is_lost = error.connection_invalidated or (not code and isinstance(error, OperationalError | InterfaceError))
    if code in _AWAY or code.startswith(_AWAY_CLASSES) or is_lost:
        return PortalUnavailable(named, is_outage=True)
    return PortalBroken(f"{named}: the view cannot be read")


def _code(error: DBAPIError) -> str:
    """Return PostgreSQL's SQLSTATE, MySQL's number or SQLite's name of the error; empty for none."""
    original = error.orig
    first = original.args[0] if original is not None and original.args else None
    if isinstance(first, int):
        return str(first)
    for name in ("sqlstate", "sqlite_errorname"):
        if code := getattr(original, name, None) or getattr(getattr(original, "__cause__", None), name, None):
            return _base(str(code))
    return ""


def _base(code: str) -> str:
    """Return the name without what SQLite adds to it: ``SQLITE_IOERR_READ`` is ``SQLITE_IOERR``."""
    return "_".join(code.split("_")[:2])
