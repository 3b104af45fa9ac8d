"""A menu for a portal that has none of its own, written as a setting."""

from urllib.parse import urlsplit

from portal.models import MenuLink


def parse_links(text: str) -> tuple[MenuLink, ...]:
    """``login=https://host/in learn_more=https://host/``: a key and an address each, in the order to show them.

    The known keys have titles in both languages; any other key is its own title, with ``_`` for a space.

    Raises:
        ValueError: an entry is no such pair; the message says what is expected.
    """
    return tuple(_link(entry) for entry in text.split())


def _link(entry: str) -> MenuLink:
    key, _, url = entry.partition("=")
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if not key or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected key=https://address, separated by spaces, like login=https://host/in")
    return MenuLink(key=key, title=key.replace("_", " "), url=url)
