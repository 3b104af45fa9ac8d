"""Which numbers and ids may be part of a URL's path, and when two numbers are equal.

A proxy in front of a portal may decode a path, fold its dot segments, cut it at ``;`` or normalise its characters
(nginx with ``proxy_pass http://backend/;``, Apache without ``nocanon``, Tomcat, IIS). So a number that a person typed,
or that a forged button holds, is part of a path only where every server reads it as that one segment.
"""

import re
import unicodedata
from urllib.parse import quote, unquote

from portal.errors import NotFound, PortalBroken

MOST_CHARACTERS = 100
"""The longest number of the contract, in characters."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_RESERVED = frozenset(
    {"accounts", "contacts", "count", "edit", "events", "export", "index", "invoices", "links", "new", "orders", "pdf"}
    | {"search", "summary"}
)
"""Names of the contract's other endpoints, and usual ones of web frameworks."""
_NEVER_IN_A_PATH = frozenset("\\%;?#")


def is_plain(number: str) -> bool:
    """Whether every server reads the number in a path as this one segment."""
    return (
        len(number) <= MOST_CHARACTERS
        and _PLAIN.fullmatch(number) is not None
        and ".." not in number
        and not number.endswith(".")
        and number.partition(".")[0].lower() not in _RESERVED
    )


def checked(number: str) -> str:
    """Return the number, for a query parameter.

    Raises:
        NotFound: it is empty, over 100 characters long, or has a NUL or a lone surrogate, which no database stores.
    """
    if (
        not number.strip()
        or len(number) > MOST_CHARACTERS
        or any(c == "\0" or "\ud800" <= c <= "\udfff" for c in number)
    ):
        raise NotFound("no order or invoice can have such a number")
    return number


def is_same(one: str, other: str) -> bool:
    """Whether two numbers are equal, ignoring case and the Unicode form of accents."""
    return one == other or folded(one) == folded(other)


def pdf_segment(number: str) -> str:
    """Quote the number of an invoice that was found in the account: ``2026/001`` becomes ``2026%2F001``.

    Raises:
        NotFound: a server could read it as another path.
    """
    for form in (number, unicodedata.normalize("NFKC", number)):
        foreign = any(not (c.isascii() or c.isalnum()) for c in form)
        folding = any(not segment.strip(" .") for segment in form.split("/"))
        if foreign or folding or _has_controls(form) or not _NEVER_IN_A_PATH.isdisjoint(form):
            raise NotFound("a number that cannot be part of a path")
    return quote(number, safe="")


def id_segment(text: str) -> str:
    """Quote a contact's or an account's id as one path segment. Ids come from the portal itself.

    Raises:
        PortalBroken: it is empty, has a dot segment (also encoded once or twice), a backslash or a control character.
    """
    if _PLAIN.fullmatch(text) and ".." not in text:
        return text
    once = unquote(text)
    for form in (text, once, unquote(once)):
        normal = unicodedata.normalize("NFKC", form)
        if not form.strip() or "\\" in normal or _has_controls(form) or any(map(_is_dots, normal.split("/"))):
            raise PortalBroken("an id that cannot be part of a path")
    return quote(text, safe="")


def _is_dots(segment: str) -> bool:
    """Whether a segment is ``.``, ``..``, or what servers read as these: ``..;``, ``...``, ``.. ``."""
    dots = segment.partition(";")[0].strip()
    return bool(dots) and not dots.strip(". ")


def _has_controls(text: str) -> bool:
    return any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in text)


def folded(number: str) -> str:
    """Return what two numbers have in common that are the same by ``is_same``: a key to count or look them up by."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", number).casefold())
