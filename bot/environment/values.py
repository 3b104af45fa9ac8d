"""Checks of settings whose values have a form of their own. Each raises ``ValueError`` with what is expected."""

import base64
import re
from pathlib import Path

from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from mail.addresses import parse_address
from mail.server import parse_imap_url

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


def checked_chat_id(text: str) -> str:
    """Return the id of a chat, which is negative for a group; an empty text is valid. Raises: ValueError."""
    if not re.fullmatch(r"(-?[1-9]\d{0,15})?", text):
        raise ValueError("expected the id of a chat, like 123456789, or -1001234567890 for a group")
    return text


def checked_forum_id(text: str) -> str:
    """Return the id of a supergroup; an empty text is valid. Raises: ValueError."""
    if text and not re.fullmatch(r"-100\d{1,15}", text):
        raise ValueError("expected the id of a supergroup, like -1001234567890")
    return text


def checked_postal_address(text: str) -> str:
    """Return a postal address without spaces around it. Raises: ValueError."""
    if len(text) > _LONGEST_POSTAL_ADDRESS or not text.isprintable():
        raise ValueError(f"expected an address on one line, of {_LONGEST_POSTAL_ADDRESS} characters at most")
    return text.strip()


def checked_mail_address(text: str) -> str:
    """Return a mail address in its normal form; an empty text is valid. Raises: ValueError."""
    return str(parse_address(text)) if text.strip() else ""


def checked_imap_url(url: SecretStr) -> SecretStr:
    """Return the URL of a mailbox; an empty one is valid. Raises: ValueError."""
    if url.get_secret_value():
        parse_imap_url(url.get_secret_value())
    return url


def checked_telegram_token(token: SecretStr) -> SecretStr:
    """Return a bot's token. Raises: ValueError."""
    number, _, rest = token.get_secret_value().partition(":")
    is_plain = rest.isascii() and rest.isprintable() and not set(rest) & set("/ ")
    if not number.isdigit() or len(rest) < 10 or not is_plain:
        raise ValueError("expected the token that BotFather gave, like 123456789:AA…")
    return token


def checked_portal_token(token: SecretStr, expected: str) -> SecretStr:
    """Return the portal's token.

    Args:
        expected: What it is, in words; empty where the portal needs none.

    Raises:
        ValueError: It is missing, or no token.
    """
    text = token.get_secret_value()
    if not text and not expected:
        return token
    if not text:
        raise ValueError(f"is required but not set, expected {expected}, see .env.example")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("expected the portal's bearer token, without spaces")
    return token
