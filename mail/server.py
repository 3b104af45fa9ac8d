"""Parse the setting ODOBOT_SMTP_URL."""

import ipaddress
import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, unquote, urlsplit

_EXPECTED = (
    "expected smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465, "
    "with special characters of user and password percent-encoded"
)
_LABEL = r"[a-z0-9_](?:[a-z0-9_\-]{0,61}[a-z0-9_])?"  # names of containers may have underscores
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_SCHEMES = ("smtp", "smtps")


class Tls(StrEnum):
    """Encryption of a connection: STARTTLS (required), TLS from the first byte, or none."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    OFF = "off"


_DEFAULT_PORTS = {Tls.STARTTLS: 587, Tls.IMPLICIT: 465, Tls.OFF: 25}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A mail server and the login for it; `user` and `password` are empty if it needs none."""

    host: str
    port: int
    tls: Tls
    user: str = field(default="", repr=False)  # most often an email address
    password: str = field(default="", repr=False)


def parse_smtp_url(text: str) -> SmtpServer:
    """Parse `smtp://` (STARTTLS required, port 587) or `smtps://` (TLS from the first byte, port 465).

    User and password are optional and percent-decoded. `smtp://host?tls=off` (port 25) is permitted on loopback only.

    Raises:
        ValueError: one sentence that says what is expected. It repeats nothing of the text: any part of it may be the
            password.
    """
    parts = _split(text)
    if parts is None:
        raise ValueError(_EXPECTED)
    host = (parts.hostname or "").lower()
    if not _is_host(host):
        raise ValueError(f"{_EXPECTED}; the host is missing or is none")
    tls = _tls(parts, host)
    port = _port(parts)
    user, password = _login(parts)
    return SmtpServer(host, _DEFAULT_PORTS[tls] if port is None else port, tls, user, password)


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine: `localhost`, 127.0.0.0/8 or ::1."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(text: str) -> SplitResult | None:
    # urlsplit silently drops line breaks and tabs, and its errors quote the text.
    if not text.isprintable() or " " in text:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    well_formed = parts.scheme in _SCHEMES and parts.path in ("", "/") and not parts.fragment and "#" not in text
    return parts if well_formed else None


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None
    return "%" not in host


def _tls(parts: SplitResult, host: str) -> Tls:
    if not parts.query:
        return Tls.IMPLICIT if parts.scheme == "smtps" else Tls.STARTTLS
    if parts.query != "tls=off" or parts.scheme == "smtps":
        raise ValueError(f"{_EXPECTED}; the only option is smtp://…?tls=off")
    if not is_loopback(host):
        raise ValueError("?tls=off is taken only for a server on this machine (127.0.0.0/8, ::1, localhost)")
    return Tls.OFF


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        # Not raised inside the except clause: the library's error quotes what may be part of a password.
        raise ValueError(f"{_EXPECTED}; the port is a number from 1 to 65535")
    return port


def _login(parts: SplitResult) -> tuple[str, str]:
    userinfo, at, _ = parts.netloc.rpartition("@")
    user, password = _decoded(userinfo.partition(":")[0]), _decoded(userinfo.partition(":")[2])
    if user is None or password is None:
        raise ValueError(f"{_EXPECTED}, as UTF-8")
    if at and not (user and password):
        raise ValueError(f"{_EXPECTED}; user and password come together, or not at all")
    return user, password


def _decoded(text: str) -> str | None:
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:
        return None
    return None if "\0" in decoded else decoded  # NUL separates them in AUTH PLAIN (RFC 4616 §2)
