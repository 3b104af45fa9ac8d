"""Checks of the URLs that adapters and settings take."""

import ipaddress
from urllib.parse import urlsplit


def checked_web_url(url: str, prefix: str = "") -> str:
    """Return a URL of a web server without a trailing slash.

    Args:
        url: The URL.
        prefix: What stands before the scheme of the web server, such as ``acme+``.

    Raises:
        ValueError: It is neither ``https://`` nor ``http://`` on this machine, or has credentials, a query or a
            fragment.
    """
    scheme, host = scheme_and_host(url.removeprefix(prefix)) if url.startswith(prefix) else ("", "")
    if (scheme == "https" and host) or (scheme == "http" and is_loopback(host)):
        return url.rstrip("/")
    raise ValueError(f"expected {prefix}https://host (plain {prefix}http:// only on this machine, 127.0.0.1)")


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
