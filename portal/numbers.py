"""Which numbers and ids may stand in a URL's path, and when two numbers are the same one.

A proxy in front of a portal may decode a path, fold its dot segments, cut it at ``;`` or normalise its characters
(nginx with ``proxy_pass http://backend/;``, Apache without ``nocanon``, Tomcat, IIS). So what a person typed, or a
forged button held, stands in a path only where no server could read anything else into it.
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
"""Words that are other endpoints of the contract, or usually are in web frameworks."""
_NEVER_IN_A_PATH = frozenset("\\%;?#")


def is_plain(number: str) -> bool:
    """Whether every server reads the number in a path as one segment, and as this one."""
    return (
        len(number) <= MOST_CHARACTERS
        and _PLAIN.fullmatch(number) is not None
        and ".." not in number
        and not number.endswith(".")
        and number.partition(".")[0].lower() not in _RESERVED
    )


def checked(number: str) -> str:
    """The same number, for a query parameter.

    Raises:
        NotFound: it is empty, too long, or holds a NUL or half a surrogate pair: no database keeps such a number.
    """
    if (
        not number.strip()
        or len(number) > MOST_CHARACTERS
        or any(c == "\0" or "\ud800" <= c <= "\udfff" for c in number)
    ):
        raise NotFound("no paper can have such a number")
    return number


def is_same(one: str, other: str) -> bool:
    """Whether two numbers are equal, their case and the way their accents are encoded aside."""
    return one == other or _folded(one) == _folded(other)


def pdf_segment(number: str) -> str:
    """An invoice's number, found before in the account, as one path segment: ``2026/001`` becomes ``2026%2F001``.

    Raises:
        NotFound: some server could read another path into it.
    """
    for form in (number, unicodedata.normalize("NFKC", number)):
        foreign = any(not (c.isascii() or c.isalnum()) for c in form)
        folding = any(not segment.strip(" .") for segment in form.split("/"))
        if foreign or folding or _has_controls(form) or not _NEVER_IN_A_PATH.isdisjoint(form):
            raise NotFound("a number that cannot stand in a path")
    return quote(number, safe="")


def id_segment(text: str) -> str:
    """A contact's or an account's id as one path segment. Ids come from the portal itself.

    Raises:
        PortalBroken: it is empty, a dot segment, holds one between slashes (also encoded once or twice), or holds a
            backslash or a control character.
    """
    if _PLAIN.fullmatch(text) and ".." not in text:
        return text
    once = unquote(text)
    for form in (text, once, unquote(once)):
        normal = unicodedata.normalize("NFKC", form)
        if not form.strip() or "\\" in normal or _has_controls(form) or any(map(_is_dots, normal.split("/"))):
            raise PortalBroken("an id of the portal's that cannot stand in a path")
    return quote(text, safe="")


def _is_dots(segment: str) -> bool:
    """``.``, ``..`` and what servers take for them: ``..;``, ``...``, ``.. ``."""
    dots = segment.partition(";")[0].strip()
    return bool(dots) and not dots.strip(". ")


def _has_controls(text: str) -> bool:
    return any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in text)


def _folded(number: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", number).casefold())
