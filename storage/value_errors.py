"""Tells a statement that fails for its values from one that fails because of the database."""

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

_VALUE_CLASSES = ("22", "23", "54")
"""SQLSTATE classes of PostgreSQL: data exception, integrity violation, program limit exceeded (such as a long index
entry). https://www.postgresql.org/docs/current/errcodes-appendix.html"""


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
