"""Checks of settings whose values have a form of their own. Each raises ``ValueError`` with what is expected."""

import base64
from pathlib import Path

from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

_KEY_LENGTH = 44
_LONGEST_POSTAL_ADDRESS = 200


def check_webhook_secret(secret: str) -> None:
    """Check a Standard Webhooks secret; an empty one is valid. Raises: ValueError."""
    try:
        if secret and (not secret.startswith("whsec_") or len(base64.b64decode(secret[6:], validate=True)) < 16):
            raise ValueError
    except ValueError:
        raise ValueError("expected a Standard Webhooks secret, like whsec_…") from None


def check_database_url(url: str) -> None:
    """Check the URL of an SQLite file or of a PostgreSQL database. Raises: ValueError."""
    try:
        driver = make_url(url).drivername
    except (ArgumentError, ValueError):
        driver = ""
    if driver not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
        raise ValueError("expected sqlite+aiosqlite:///file.db or postgresql+asyncpg://user:password@host/name")
    if driver == "sqlite+aiosqlite" and not Path(make_url(url).database or "").absolute().parent.is_dir():
        raise ValueError("expected a file in an existing folder")


def fernet_keys(value: object) -> object:
    """Return the keys of a comma-separated text as a list. Raises: ValueError."""
    keys = [key.strip() for key in value.split(",") if key.strip()] if isinstance(value, str) else value
    try:
        # The decoder would accept a longer text and ignore everything after 32 bytes, such as a second key.
        valid = isinstance(keys, list) and all(len(key) == _KEY_LENGTH and Fernet(key) for key in keys)
    except ValueError:
        valid = False
    if not keys or not valid:
        raise ValueError("expected Fernet keys, comma-separated, newest first (make one with: odobot new-key)")
    return keys


def checked_postal_address(text: str) -> str:
    """Return a postal address without spaces around it. Raises: ValueError."""
    if len(text) > _LONGEST_POSTAL_ADDRESS or not text.isprintable():
        raise ValueError(f"expected an address on one line, of {_LONGEST_POSTAL_ADDRESS} characters at most")
    return text.strip()
