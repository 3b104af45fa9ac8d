"""Sanitises external text: HTML, bidirectional controls, control characters, and names that clients turn into links."""

import html
import re
import unicodedata

# Bidirectional controls reorder the words around them (UAX #9): a name ending in U+202E would mirror an amount.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SPACES = re.compile(r"[\t\r\n\v\f\u0085\u2028\u2029]+")
_TELEPHONE = re.compile(r"(?:\d[\s'’-]*){5,}")
# ASCII, Latin, Greek and Cyrillic letters, general punctuation, currencies, arrows and signs such as a check mark: most
# texts have no others, and need no further check. No script below U+0590 is written from right to left.
_HARMLESS = re.compile("[ -~\u00a0-\u058f\u2010-\u2027\u202f\u20a0-\u20bf\u2190-\u21ff\u2600-\u27bf]*")
# Invisible characters (Default_Ignorable_Code_Point) outside category Cf: fillers, variation selectors.
_IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
_LETTER = r"[^\W\d_]"
# A dot is kept at the end of a word ("inc.", "J.-P.") and between initials ("S.E.N.C."), where it forms no domain.
_LINKING_DOT = re.compile(rf"(?<!{_LETTER})\.|\.(?![\s,)-]|$|(?<=\b[A-Z]\.)[A-Z](?:[\s.,)-]|$))")
_PLACES = (
    "Alberta|B\\.?C\\b|British Columbia|Canada|Manitoba|N\\.?B\\b|New Brunswick|Nova Scotia|Nouveau-Brunswick|"
    "Newfoundland|Ontario|P\\.?E\\.?I\\b|QC|Qu[eé]bec|Saskatchewan|Yukon"
)
# A numbered company has its number as its name: "9123-4567 Québec inc.", "1234567 Canada inc.".
_COMPANY_NUMBER = rf"(?:\d{{4}}-\d{{4}}|\d{{6,8}})(?= \(?(?:{_PLACES})\b)"
# Clients dial seven digits, whatever separates them, and "1-800-FLOWERS".
_DIALABLE = r"(?:\d\W*){7,}|\b(?:1[ -]+(?:8\d\d|900)[ -]+|(?:8\d\d|900)-)(?=\w)"
_DIGITS = re.compile(f"(?P<company>{_COMPANY_NUMBER})|{_DIALABLE}", re.IGNORECASE)
_VANITY = re.compile(_DIALABLE, re.IGNORECASE)
_EMPTY_PARENTHESES = re.compile(r"\( ?\)|(?<!\S)[+(](?= |$)|(?<= )\)")
_COMPANY_MARKS = frozenset("'’.,&()+")
_INPUT_LIMIT = 200
_MASK = "•••"
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a text that begins with one of these for a formula."""
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"


def strip_controls(text: str) -> str:
    """Return text on one line, without control characters, lone surrogates and bidirectional controls."""
    if _HARMLESS.fullmatch(text):
        return text.strip()
    line = _SPACES.sub(" ", _BIDI.sub("", text))
    # JSON can contain a lone surrogate ("\\ud800"), which cannot be encoded.
    return "".join(c for c in line if unicodedata.category(c) not in ("Cc", "Cs")).strip()


def safe_text(text: str) -> str:
    """Return external text for display: as ``strip_controls``, and isolated if it has right-to-left characters."""
    if _HARMLESS.fullmatch(text):
        return text.strip()
    visible = strip_controls(text)
    if any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in visible):
        return f"{_ISOLATE}{visible}{_END_ISOLATE}"
    return visible


def safe_person_name(text: str, limit: int = 40) -> str:
    """Return a person's name for a mail to a third person, without anything that a client turns into a link.

    Args:
        limit: Maximum length in characters; the rest is cut off.

    Returns:
        Letters, numbers, marks, hyphens and apostrophes. Empty where nothing is left.
    """
    letters = safe_text(unicodedata.normalize("NFKC", text))
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" or c in "'’-" else " " for c in letters)
    return _collapse_spaces(_VANITY.sub(" ", _TELEPHONE.sub("", _collapse_spaces(kept))))[:limit].strip()


def safe_company_name(text: str, limit: int = 40) -> str:
    """Return the name of a company or account for a mail to a third person, without anything that a client links.

    ``9123-4567 Québec inc.`` and ``J.-P. Roy & Fils (S.E.N.C.)`` are unchanged. Addresses and telephone numbers are
    broken up or removed: ``x.com/pay`` becomes ``x com pay``, and ``1-800-555-1234`` nothing.

    Args:
        limit: Maximum length in characters, including the ellipsis of a shortened name.

    Returns:
        Empty where nothing is left.
    """
    cleaned = text[:_INPUT_LIMIT]
    for _ in range(2):  # NFKC turns some fillers into others, and composes characters that a mark separated
        cleaned = unicodedata.normalize("NFKC", _IGNORABLE.sub("", _without_invisible(strip_controls(cleaned))))
    name, before = "".join(map(_company_character, cleaned)), ""
    while name != before:  # a removal can form a new match
        before = name
        name = _LINKING_DOT.sub(" ", _collapse_spaces(name))
        name = _DIGITS.sub(lambda found: found["company"] or " ", _EMPTY_PARENTHESES.sub("", _collapse_spaces(name)))
        name = _collapse_spaces(name).lstrip(" '’.,&)+-").rstrip(" ,&(-")
    return name if len(name) <= limit else name[: limit - 1].rstrip(" ,&(-") + "…"


def _without_invisible(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Co", "Cn"))


def _company_character(character: str) -> str:
    """Return a character that a company's name may have: itself, a hyphen for a dash, or else a space."""
    category = unicodedata.category(character)
    if category[0] in "LN" or category in ("Mn", "Mc") or character in _COMPANY_MARKS:
        return character
    return "-" if category == "Pd" else " "


def _collapse_spaces(text: str) -> str:
    return " ".join(text.split())


def escape_html(text: str) -> str:
    """Escape text for HTML in Telegram messages and mails."""
    return html.escape(text, quote=True)


def masked_address(email: str) -> str:
    """Return an address for a mail to a third person: its first character and its domain, ``c•••@example.com``."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}{_MASK}@{domain}"


def is_masked_address(text: str) -> bool:
    """Return whether a text is what ``masked_address`` makes of a plain address."""
    return re.fullmatch(rf"[^\s<>@]?{_MASK}@[A-Za-z0-9.-]+", text) is not None
