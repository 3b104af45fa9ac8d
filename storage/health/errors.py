"""What an error of a session means: the database is away, the values are wrong, or the program has a fault."""

import errno
import socket

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    SQLAlchemyError,
    StatementError,
    TimeoutError as PoolTimeout,
)

_SQLSTATES = ("08", "57P", "53300", "40001", "40P01", "55P03", "25006")
"""PostgreSQL: connection lost; stopping or starting; too many connections; serialization; deadlock; lock not
available; read-only during a fail-over (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""
_VALUE_CLASSES = ("22", "23", "54")
"""Data exception, integrity violation, program limit exceeded (such as a long index entry)."""
_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)
_SQLITE = ("SQLITE_BUSY", "SQLITE_LOCKED")


def is_outage(error: BaseException | None) -> bool:
    """Return whether the error, or what caused it, means that the database is away or locked. A full disk is not."""
    while error is not None:
        if _is_outage(error):
            return True
        error = error.__cause__
    return False


def _is_outage(error: BaseException) -> bool:
    # The driver raises errors of establishing a connection as they are: refused, no such host, timed out, 57P03.
    if isinstance(error, PoolTimeout | ConnectionError | TimeoutError | socket.gaierror):
        return True
    # No errno: asyncio joins the errors of several addresses of one host.
    if type(error) is OSError and (error.errno is None or error.errno in _UNREACHABLE):
        return True
    if isinstance(error, InterfaceError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return True
    of_driver = error.orig if isinstance(error, DBAPIError) else error
    if str(getattr(of_driver, "sqlite_errorname", None) or "").startswith(_SQLITE):
        return True
    return str(getattr(of_driver, "sqlstate", None) or "").startswith(_SQLSTATES)


def is_database_error(error: Exception) -> bool:
    """Return whether an error that a session raised comes from the database, and not from a mistake in the program.

    A connection that fails while SQLAlchemy opens it raises the driver's error, or one of the system's (``OSError``).
    """
    return isinstance(error, SQLAlchemyError | OSError) or type(error).__module__.startswith("asyncpg.")


def is_value_error(error: Exception) -> bool:
    """Return whether the same values would fail again on a database that works.

    False for a database that is away, locked, full or read-only, and for a deadlock.
    """
    if isinstance(error, DBAPIError):
        sqlstate = getattr(error.orig, "sqlstate", None)
        if isinstance(sqlstate, str):
            return sqlstate[:2] in _VALUE_CLASSES
        # asyncpg reports a value that it cannot encode as an interface error, caused by a ValueError.
        cause = error.orig.__cause__ if error.orig else None
        return isinstance(error, DataError | IntegrityError) or isinstance(cause, ValueError | OverflowError)
    return isinstance(error, StatementError | ValueError | ArithmeticError)
