"""Parse the settings ODOBOT_SMTP_URL and ODOBOT_IMAP_URL."""

import ipaddress
import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, unquote, urlsplit

_LABEL = r"[a-z0-9_](?:[a-z0-9_\-]{0,61}[a-z0-9_])?"  # names of containers may have underscores
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class Tls(StrEnum):
    """Encryption of a connection: STARTTLS (required), TLS from the first byte, or none."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class _Form:
    """What URLs of a protocol look like: ``plain`` is the scheme with STARTTLS, ``plain`` and an s the one with TLS."""

    plain: str
    ports: dict[Tls, int]
    expected: str


_SMTP = _Form(
    "smtp",
    {Tls.STARTTLS: 587, Tls.IMPLICIT: 465, Tls.OFF: 25},
    "expected smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465, "
    "with special characters of user and password percent-encoded",
)
_IMAP = _Form(
    "imap",
    {Tls.STARTTLS: 143, Tls.IMPLICIT: 993, Tls.OFF: 143},
    "expected imaps://user:password@host:993/INBOX or imap://user:password@host:143/INBOX (STARTTLS), "
    "with special characters of user, password and folder percent-encoded",
)
_FOLDER = re.compile(r"/[!#-&(-\[\]-~]{0,200}")
"""A folder in a URL: ASCII without spaces, quotes and backslashes. Others stand in IMAP's modified UTF-7."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server and the login for it; `user` and `password` are empty if it needs none."""

    host: str
    port: int
    tls: Tls
    user: str = field(default="", repr=False)  # most often an email address
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ImapServer:
    """A mailbox: the server, the login for it, and the folder."""

    host: str
    port: int
    tls: Tls
    user: str = field(repr=False)  # most often an email address
    password: str = field(repr=False)
    folder: str = "INBOX"


def parse_smtp_url(text: str) -> SmtpServer:
    """Parse `smtp://` (STARTTLS required, port 587) or `smtps://` (TLS from the first byte, port 465).

    User and password are optional and percent-decoded. `smtp://host?tls=off` (port 25) is permitted on loopback only.

    Raises:
        ValueError: one sentence that says what is expected. It repeats nothing of the text: any part of it may be the
            password.
    """
    parts = _split(text, _SMTP)
    if parts is None or parts.path not in ("", "/"):
        raise ValueError(_SMTP.expected)
    return SmtpServer(*_parsed(parts, _SMTP))


def parse_imap_url(text: str) -> ImapServer:
    """Parse `imaps://` (TLS from the first byte, port 993) or `imap://` (STARTTLS required, port 143), with a login.

    `imap://…?tls=off` is permitted on loopback only. The path is the folder, INBOX if there is none.

    Raises:
        ValueError: as `parse_smtp_url`.
    """
    parts = _split(text, _IMAP)
    folder = _decoded(parts.path or "/") if parts else None
    if parts is None or folder is None or not _FOLDER.fullmatch(folder):
        raise ValueError(_IMAP.expected)
    host, port, tls, user, password = _parsed(parts, _IMAP)
    if not user:
        raise ValueError(f"{_IMAP.expected}; the login is missing")
    return ImapServer(host, port, tls, user, password, folder[1:] or "INBOX")


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine: `localhost`, 127.0.0.0/8 or ::1."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(text: str, form: _Form) -> SplitResult | None:
    # urlsplit silently drops line breaks and tabs, and its errors quote the text.
    if not text.isprintable() or " " in text:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    well_formed = parts.scheme in (form.plain, f"{form.plain}s") and not parts.fragment and "#" not in text
    return parts if well_formed else None


def _parsed(parts: SplitResult, form: _Form) -> tuple[str, int, Tls, str, str]:
    """Return host, port, encryption, user and password."""
    host = (parts.hostname or "").lower()
    if not _is_host(host):
        raise ValueError(f"{form.expected}; the host is missing or is none")
    tls = _tls(parts, host, form)
    port = _port(parts, form)
    user, password = _login(parts, form)
    return host, form.ports[tls] if port is None else port, tls, user, password


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None
    return "%" not in host


def _tls(parts: SplitResult, host: str, form: _Form) -> Tls:
    if not parts.query:
        return Tls.IMPLICIT if parts.scheme != form.plain else Tls.STARTTLS
    if parts.query != "tls=off" or parts.scheme != form.plain:
        raise ValueError(f"{form.expected}; the only option is {form.plain}://…?tls=off")
    if not is_loopback(host):
        raise ValueError("?tls=off is taken only for a server on this machine (127.0.0.0/8, ::1, localhost)")
    return Tls.OFF


def _port(parts: SplitResult, form: _Form) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        # Not raised inside the except clause: the library's error quotes what may be part of a password.
        raise ValueError(f"{form.expected}; the port is a number from 1 to 65535")
    return port


def _login(parts: SplitResult, form: _Form) -> tuple[str, str]:
    userinfo, at, _ = parts.netloc.rpartition("@")
    user, password = _decoded(userinfo.partition(":")[0]), _decoded(userinfo.partition(":")[2])
    if user is None or password is None:
        raise ValueError(f"{form.expected}, as UTF-8")
    if at and not (user and password):
        raise ValueError(f"{form.expected}; user and password come together, or not at all")
    return user, password


def _decoded(text: str) -> str | None:
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:
        return None
    return None if "\0" in decoded else decoded  # NUL separates them in AUTH PLAIN (RFC 4616 §2)
