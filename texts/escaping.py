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
# Drawn as nothing (Default_Ignorable_Code_Point of Unicode), yet not of the category Cf: fillers, variation selectors.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
_LETTER = r"[^\W\d_]"
# A dot stays at the end of a word ("inc.", "J.-P.") and between initials ("S.E.N.C."): no domain goes on behind it.
_LINKING_DOT = re.compile(rf"(?<!{_LETTER})\.|\.(?![\s,)-]|$|(?<=\b[A-Z]\.)[A-Z](?:[\s.,)-]|$))")
_PLACES = (
    "Alberta|B\\.?C\\b|British Columbia|Canada|Manitoba|N\\.?B\\b|New Brunswick|Nova Scotia|Nouveau-Brunswick|"
    "Newfoundland|Ontario|P\\.?E\\.?I\\b|QC|Qu[eé]bec|Saskatchewan|Yukon"
)
# A numbered company is called by its number: "9123-4567 Québec inc.", "1234567 Canada inc.".
_COMPANY_NUMBER = rf"(?:\d{{4}}-\d{{4}}|\d{{6,8}})(?= \(?(?:{_PLACES})\b)"
# Seven digits are a local number, whatever stands between them; so is "1-800-FLOWERS".
_DIALLED = r"(?:\d\W*){7,}|\b(?:1[ -]+(?:8\d\d|900)[ -]+|(?:8\d\d|900)-)(?=\w)"
_DIGITS = re.compile(f"(?P<company>{_COMPANY_NUMBER})|{_DIALLED}", re.IGNORECASE)
_VANITY = re.compile(_DIALLED, re.IGNORECASE)
_EMPTIED = re.compile(r"\( ?\)|(?<!\S)[+(](?= |$)|(?<= )\)")
_COMPANY_MARKS = frozenset("'’.,&()+")
_READ_AT_MOST = 200
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
    return _spaced(_VANITY.sub(" ", _TELEPHONE.sub("", _spaced(kept))))[:limit].strip()


def company_name(text: str, limit: int = 40) -> str:
    """The name of a company or an account, for a mail to a third person: no mail client links or dials any of it.

    ``9123-4567 Québec inc.`` and ``J.-P. Roy & Fils (S.E.N.C.)`` stay as they are. What makes an address or a telephone
    number goes: ``x.com/pay`` becomes ``x com pay``, and ``1-800-555-1234`` nothing.

    Args:
        text: The name as the portal has it.
        limit: How many characters are shown at the most, the ellipsis of a shortened name included.

    Returns:
        Empty where nothing is left.
    """
    seen = text[:_READ_AT_MOST]
    for _ in range(2):  # NFKC writes some fillers as others, and joins what a removed mark had kept apart
        seen = unicodedata.normalize("NFKC", _UNSEEN.sub("", _visible(one_line(seen))))
    name, before = "".join(map(_of_company, seen)), ""
    while name != before:  # what goes leaves others side by side
        before = name
        name = _LINKING_DOT.sub(" ", _spaced(name))
        name = _DIGITS.sub(lambda found: found["company"] or " ", _EMPTIED.sub("", _spaced(name)))
        name = _spaced(name).lstrip(" '’.,&)+-").rstrip(" ,&(-")
    return name if len(name) <= limit else name[: limit - 1].rstrip(" ,&(-") + "…"


def _visible(text: str) -> str:
    return "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Co", "Cn"))


def _of_company(character: str) -> str:
    """A character as a company's name may have it: itself, a hyphen for any dash, else a space."""
    category = unicodedata.category(character)
    if category[0] in "LN" or category in ("Mn", "Mc") or character in _COMPANY_MARKS:
        return character
    return "-" if category == "Pd" else " "


def _spaced(text: str) -> str:
    return " ".join(text.split())


def markup(text: str) -> str:
    """Text as HTML (Telegram's and a mail's): nothing in it is a tag or an entity."""
    return html.escape(text, quote=True)
