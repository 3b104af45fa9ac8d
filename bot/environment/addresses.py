"""URLs, and addresses to listen on."""

import ipaddress
from urllib.parse import urlsplit


def split_address(text: str) -> tuple[str, int]:
    """Split ``address:port`` into IP address and port; an IPv6 address is in brackets.

    Raises:
        ValueError: The text is not an IP address and a port from 0 to 65535.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(host)
        number = int(port) if port.isdecimal() else -1
    except ValueError:
        number = -1
    if not 0 <= number <= 65535:
        raise ValueError("expected address:port, like 127.0.0.1:8080")
    return host, number


def scheme_and_host(url: str) -> tuple[str, str]:
    """Return scheme and host; both empty if the URL is invalid, or has credentials, a query or a fragment."""
    try:
        parts = urlsplit(url)
        is_port_valid = parts.port is None or parts.port > 0
    except ValueError:  # its message would contain the value
        return "", ""
    is_plain = url.isascii() and url.isprintable() and " " not in url and not parts.query and not parts.fragment
    is_anonymous = parts.username is None and parts.password is None
    return (parts.scheme, parts.hostname or "") if is_port_valid and is_plain and is_anonymous else ("", "")


def is_loopback(host: str) -> bool:
    """Return whether the host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
