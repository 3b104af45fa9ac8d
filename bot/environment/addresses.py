"""Addresses to listen on."""

import ipaddress


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
