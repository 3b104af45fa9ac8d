"""The setting ``ODOBOT_PORTAL_LINKS``: a menu for a portal without one."""

from urllib.parse import urlsplit

from portal.models import MenuLink


def parse_links(text: str) -> tuple[MenuLink, ...]:
    """Parse ``login=https://host/in learn_more=https://host/``: keys and addresses, in the order of the menu.

    Known keys have titles in both languages; another key is its own title, with ``_`` for a space.

    Raises:
        ValueError: an entry is not such a pair; the message says what is expected.
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
