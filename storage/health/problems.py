"""Names what is wrong with a database in words for the operator. Each driver has its own errors for it."""

import os
from pathlib import Path

from msgspec import Struct
from sqlalchemy.exc import SQLAlchemyError

_NO_SPACE = "the disk is full: free some space"
_SQLITE = {
    "SQLITE_NOTADB": "the file is not an SQLite database, or it is encrypted: name another one",
    "SQLITE_CORRUPT": "the file is damaged: restore a backup (docs/operating.md)",
    "SQLITE_FULL": _NO_SPACE,
    "SQLITE_BUSY": "another process holds its lock: end that process",
    "SQLITE_LOCKED": "another process holds its lock: end that process",
    "SQLITE_PERM": "no permission: let this user write the file and its directory",
}
_OTHERWISE = {
    "SQLITE_READONLY": "it is read-only: look at its permissions, at the mount, and at the kernel's log",
    "SQLITE_IOERR": "the disk fails: look at the kernel's log",
    "SQLITE_CANTOPEN": "the file cannot be opened: look at its path and its permissions",
}
"""For where the file shows no reason."""
_LOCKED = {"SQLITE_BUSY", "SQLITE_LOCKED"}
_POSTGRESQL = {
    "28": "the server refuses the user or the password",
    "3D": "the server has no such database: create it, then run odobot migrate",
    "42": "the user may not use the tables, or they are missing: grant it, or run odobot migrate",
    "25": "the server is read-only",
    "55": "another session holds locks on its tables: end that session",
    "53": "the server has no room or no connection left: look at its disk and max_connections",
    "57": "the server starts, stops, or ended the connection",
    "58": "the server's disk fails: look at its log",
    "08": "the connection was lost",
    "XX": "the server reports damaged data: look at its log",
}
_TEMPORARY = {"08", "25", "53", "55", "57", "58"}
"""Classes of SQLSTATE after which a later attempt may succeed (https://www.postgresql.org/docs/15/errcodes-appendix.html)."""


_EFFECTIVE = os.access in os.supports_effective_ids


class DatabaseUnusable(Exception):
    """The database cannot be written to; the message says why, and what to do."""


class Problem(Struct, frozen=True):
    """What is wrong, in part of a line; ``is_temporary`` says whether it may pass without an operator."""

    reason: str
    is_temporary: bool


def problem_of(error: Exception, file: Path | None) -> Problem | None:
    """Return what an error says about the database; None if it is not an error of a database or of the network.

    Args:
        file: The file of an SQLite database, else None.
    """
    if isinstance(error, DatabaseUnusable):
        return Problem(str(error), is_temporary=file is None)
    original = getattr(error, "orig", None) or error
    if (code := getattr(original, "sqlite_errorname", None)) is not None:
        return _of_sqlite(str(code), file)
    if (state := getattr(original, "sqlstate", None)) is not None:
        words = _POSTGRESQL.get(state[:2], "the server refuses the request")
        return Problem(f"{words} (SQLSTATE {state})", is_temporary=state[:2] in _TEMPORARY)
    if file is not None and isinstance(error, OSError):
        return Problem(f"the file cannot be used ({error.strerror or type(error).__name__})", is_temporary=False)
    if isinstance(error, TimeoutError):
        return Problem("the server does not answer: look whether it runs", is_temporary=True)
    if isinstance(error, OSError | SQLAlchemyError):
        return Problem(f"the server cannot be reached ({type(original).__name__}): look whether it runs", True)
    return None


def _of_sqlite(code: str, file: Path | None) -> Problem:
    """Return the problem behind a result code (https://www.sqlite.org/rescode.html), which rarely names the cause."""
    primary = "_".join(code.split("_")[:2])
    words = _SQLITE.get(primary) or (_of_file(file) if file else "") or _OTHERWISE.get(primary)
    return Problem(words or f"it cannot be used ({code})", is_temporary=primary in _LOCKED)


def _of_file(file: Path) -> str:
    """Return why a file cannot be opened or written; empty if the reason is not known."""
    folder = file.parent
    try:
        if not folder.is_dir():
            return "its directory does not exist: create it"
        if file.is_dir():
            return "it is a directory: name a file"
        space = os.statvfs(folder)
        if space.f_flag & os.ST_RDONLY:
            return "the file system is read-only: mount it writable, or look at the kernel's log for errors of the disk"
        is_usable = os.access(folder, os.W_OK | os.X_OK, effective_ids=_EFFECTIVE)
        if is_usable and file.exists():
            is_usable = os.access(file, os.R_OK | os.W_OK, effective_ids=_EFFECTIVE)
        if not is_usable:
            return "no permission: let this user write the file and its directory"
        if space.f_bavail == 0:
            return _NO_SPACE
    except OSError as error:
        return f"its directory cannot be read ({error.strerror})"
    return ""
