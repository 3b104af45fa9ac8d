"""The addresses that Telegram accepts in links and buttons, and their normal form."""

import re

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://")
APP_SCHEME = re.compile(r"(tg|ton|tonsite):(?://)?", re.IGNORECASE)
USER_LINK = re.compile(r"tg:(?://)?user\?id=(\d+)", re.IGNORECASE)
HOST = re.compile(r"[^\s\x00-\x20\"'<>@/?#:\\]+")


class LinkError(ValueError):
    """Why an address is refused, in Telegram's words."""


def mentioned_user_id(url: str) -> int | None:
    """Return the user id in a tg://user?id= address, or None."""
    found = USER_LINK.match(url)
    return int(found[1]) if found else None


def check_link(url: str) -> str:
    """Return the address as Telegram stores it: with scheme, lower-case host, and a path that starts with `/`.

    Raises:
        LinkError: Telegram would refuse the address.
    """
    app = APP_SCHEME.match(url)
    if app is not None:
        rest = url[app.end() :]
        if not re.match(r"[A-Za-z0-9_\-.]+([/?#]|$)", rest):
            raise LinkError("Unallowed characters in URL host")
        return f"{app[1].lower()}://{rest}"
    scheme_found = SCHEME.match(url)
    scheme = scheme_found[1].lower() if scheme_found else "http"
    if scheme not in ("http", "https"):
        raise LinkError("Unsupported URL protocol")
    rest = url[scheme_found.end() :] if scheme_found else url
    authority, tail = _split(rest)
    user, _, host_port = authority.rpartition("@")
    host, port = _host_and_port(host_port)
    if "." not in host and not host.startswith("["):
        raise LinkError("Wrong HTTP URL")
    if re.search(r"[\x00-\x20]", tail):
        tail = re.sub(r"[\x00-\x20]", lambda found: f"%{ord(found.group()):02X}", tail)
    if not tail.startswith("/"):
        tail = "/" + tail
    return f"{scheme}://{user + '@' if user else ''}{host.lower()}{port}{tail}"


def _split(rest: str) -> tuple[str, str]:
    found = re.search(r"[/?#]", rest)
    return (rest[: found.start()], rest[found.start() :]) if found else (rest, "")


def _host_and_port(host_port: str) -> tuple[str, str]:
    host, port = host_port, ""
    found = re.search(r":(\d*)$", host_port)
    if found is not None:
        host, port = host_port[: found.start()], found.group()
        if not found[1] or not 0 < int(found[1]) < 65536:
            raise LinkError("Wrong port number specified in the URL")
    if not host:
        raise LinkError("URL host is empty")
    if not host.startswith("[") and not HOST.fullmatch(host):
        raise LinkError("Disallowed character in URL host")
    return host, port


def checked_link(url: str) -> str | None:
    """Return the address as Telegram stores it, or None when it is invalid."""
    try:
        return check_link(url)
    except LinkError:
        return None
