"""What keeps somebody else's words from acting on a screen: mark-up, direction marks, control characters."""

import html
import re
import unicodedata

# Bidirectional controls reorder the words around them (UAX #9): a name ending in U+202E would mirror an amount.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SPACES = re.compile(r"[\t\r\n\v\f\u0085\u2028\u2029]+")
_TELEPHONE = re.compile(r"(?:\d[\s'’-]*){5,}")
# Latin, Greek and Cyrillic letters, ASCII, and general punctuation: what almost every text is made of, and what needs
# no second look. Nothing up to U+0590 is written from right to left.
_HARMLESS = re.compile("[ -~\u00a0-\u058f\u2010-\u2027\u202f]*")
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"


def one_line(text: str) -> str:
    """Somebody else's text on one line, without control characters and direction marks: to search for, or to show."""
    if _HARMLESS.fullmatch(text):
        return text.strip()
    line = _SPACES.sub(" ", _BIDI.sub("", text))
    # A lone surrogate can come out of JSON ("\\ud800"), and no encoder takes it.
    return "".join(c for c in line if unicodedata.category(c) not in ("Cc", "Cs")).strip()


def plain(text: str) -> str:
    """Somebody else's text as it is shown: on one line, and right-to-left writing stays within itself."""
    visible = one_line(text)
    if _HARMLESS.fullmatch(visible):
        return visible
    if any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in visible):
        return f"{_ISOLATE}{visible}{_END_ISOLATE}"
    return visible


def person_name(text: str, limit: int = 40) -> str:
    """A name somebody chose freely, for a mail to a third person: nothing that a client links or dials."""
    letters = plain(unicodedata.normalize("NFKC", text))
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" or c in "'’-" else " " for c in letters)
    return " ".join(_TELEPHONE.sub("", kept).split())[:limit].strip()


def markup(text: str) -> str:
    """Text as HTML (Telegram's and a mail's): nothing in it is a tag or an entity."""
    return html.escape(text, quote=True)
