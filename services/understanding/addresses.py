"""Find mail addresses in typed text, and bring them into the normal form that is compared and hashed."""

import re
import unicodedata
from urllib.parse import unquote

# Full-width letters stay: they are another mailbox, which looks alike.
_CHARACTERS = str.maketrans(
    {ord("\uff20"): "@", ord("\uff0e"): ".", ord("\uff0d"): "-", ord("\uff1c"): "<", ord("\uff1e"): ">"}
    | dict.fromkeys(map(ord, "\u2018\u2019\u201b\u02bc\u2032\u00b4"), "'")
    | dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
    | {ord("\ufe6b"): "@", ord("\u3002"): ".", ord("\uff61"): ".", ord("\u201c"): '"', ord("\u201d"): '"'}
)
_EDGES = "<>()[]{}«»‹›„',;:.!?|*~_`= \u00a0…"
_SCHEME = re.compile(r"mailto:(?://)?", re.IGNORECASE)
_QUOTED = re.compile(r'(?:^|(?<=[\s<(\[:,;]))"(?:[^"\\\r\n]|\\[^\r\n]){1,64}"@[^\s<>()\[\],;"]+')
_SEPARATORS = re.compile(r"[\s<>()\[\]{}«»‹›„\"|,;]+")
_AT = re.compile("[@\uff20\ufe6b]|mailto:", re.IGNORECASE)
_LABEL = re.compile(r"(?:e-?mails?|courriels?|mails?|m[eé]l|adresses?|address|to|from|à|de)[=:]+", re.IGNORECASE)
_DOTS = re.compile(r"\.{2,}")
_SPOKEN = (
    (
        re.compile(r"\s*[(\[]\s*(?:at|arobase?|chez|a)\s*[)\]]\s*|\s+(?:at|arobase?|arrobase?|a commercial)\s+", re.I),
        "@",
    ),
    (re.compile(r"\s*[(\[]\s*(?:dot|point|pt)\s*[)\]]\s*|\s+(?:dot|point)\s+", re.I), "."),
    (re.compile(r"\s+(?:tiret bas|soulign[eé]|underscore)\s+", re.I), "_"),
    (re.compile(r"\s+(?:tiret|trait d'union|dash|hyphen)\s+", re.I), "-"),
    (re.compile(r"\s*@\s*"), "@"),
)
"""How a dictated address is written, or one with spaces in it, and what stands for it."""
_DOT_APART = re.compile(r"(?<=[\w-])\s*\.\s*(?=[\w-])")
_COMMA_FOR_DOT = re.compile(r"(@[\w.-]+),(?=[a-z]{2,})", re.IGNORECASE)
_LONGEST_SPOKEN = 120
"""Characters of the longest text that is read as one dictated address."""
_CLEAR = re.compile(r"mailto:|<[^<>\s]+@[^<>\s]+>|\b(?:e-?mails?|courriels?|adresses?|address)\b", re.IGNORECASE)
"""What says in a text of several words that a word with an ``@`` is an address, not ``see you @work`` or ``a@b``."""
_UNFINISHED = frozenset(
    (
        *("gmail", "googlemail", "hotmail", "outlook", "live", "msn", "yahoo", "icloud", "aol", "protonmail", "proton"),
        *("videotron", "sympatico", "cogeco", "rogers", "telus", "orange", "laposte", "wanadoo", "gmx"),
    )
)
"""Providers whose addresses go on: ``ana@gmail`` was not written to its end."""
_PUBLIC = ".ca"
_LONGEST_LOCAL = 64  # octets, RFC 5321 §4.5.3.1.1
_LONGEST = 320
"""Characters of the longest address (RFC 5321 §4.5.3.1); longer words are no addresses."""


def email_in(text: str, *, may_be_local: bool = False) -> str | None:
    """Find the only address in a text, also written as ``Ana <mailto:ana@b.ca>``.

    Args:
        may_be_local: Accept a domain of one label (``ana@usine``), if the text is nothing but the address, or says that
            it is one.

    Returns:
        Its normal form; ``None`` for none, several different ones, or an invalid one.
    """
    found = {normalize_email(address) for address in addresses_in(text)}
    email = found.pop() if len(found) == 1 else None
    if email is None or "." in (domain := email.rpartition("@")[2]):
        return email
    is_label = len(domain) > 1 and domain[0].isalpha() and domain not in _UNFINISHED
    words = [word for word in _SEPARATORS.split(text) if word.strip(_EDGES)]
    is_clear = len(words) == 1 or _CLEAR.search(text) is not None
    return email if may_be_local and is_label and is_clear else None


def spoken_email_in(text: str) -> str | None:
    """Find the address in a text that spells it: ``ana point roy arobase b point ca``, ``ana @b.ca``, ``ana@b,ca``.

    Only for a text that answers the question for an address, and in which ``email_in`` finds none.

    Returns:
        Its normal form; None for none or several.
    """
    if len(text) > _LONGEST_SPOKEN or len(_AT.findall(text)) > 1:
        return None
    written = _COMMA_FOR_DOT.sub(r"\1.", text.translate(_CHARACTERS))
    if "@" in written:
        written = _DOT_APART.sub(".", written)
    for spoken, sign in _SPOKEN:
        written = spoken.sub(sign, written)
    return email_in(written)


def emails_in(field: str) -> dict[str, str]:
    """Return the addresses of a portal's field, which may have several, or spaces around them.

    Returns:
        Each valid address as it is written, by its normal form.
    """
    if (plain := normalize_email(field)) is not None:
        return {plain: field}
    found = ((normalize_email(address), address) for address in addresses_in(field))
    return {normal: address for normal, address in found if normal is not None}


def addresses_in(text: str) -> list[str]:
    """Return the words of a text that have an ``@``, without what programs write around an address."""
    if _AT.search(text) is None:
        return []
    visible = "".join(c for c in text.translate(_CHARACTERS) if unicodedata.category(c) != "Cf")
    quoted = _QUOTED.findall(visible)
    rest = _QUOTED.sub(" ", visible)
    words = (_without_scheme(word) for word in _SEPARATORS.split(rest))
    plain = (word.rstrip(_EDGES).lstrip(_EDGES.replace("_", "")) for word in words if "@" in word)
    return [*(each.rstrip(_EDGES) for each in quoted), *(word for word in plain if word)]


def _without_scheme(word: str) -> str:
    """Return the address of ``mailto:ana@b.ca?subject=x`` and ``courriel=ana@b.ca``; any other word as it is."""
    word = _LABEL.sub("", word.lstrip(_EDGES), count=1) if _LABEL.match(word.lstrip(_EDGES)) else word
    scheme = _SCHEME.match(word.lstrip(_EDGES))
    if scheme is None:
        return word
    return unquote(word.lstrip(_EDGES)[scheme.end() :].partition("?")[0])


def normalize_email(address: str) -> str | None:
    """Return an address in the normal form that is compared and hashed; ``None`` for an invalid one. No DNS lookup.

    Accepted are also the domains of a company's own network (``.local``, ``.test``, one label, an underscore), quoted
    local parts, and the dots of Japanese carriers (``a..b@``, ``a.@``), which RFC 5321 does not allow.
    """
    # The import takes 40 ms, and most starts and most texts need no address.
    from email_validator import EmailNotValidError, validate_email

    if len(address) > _LONGEST:
        return None
    local, _, domain = address.rpartition("@")
    if domain.rpartition(".")[2].isdigit() or ("_" in domain and not domain.isascii()):
        return None
    has_odd_dots = not local.startswith('"') and (".." in local or local[:1] == "." or local[-1:] == ".")
    checked = _DOTS.sub(".", local).strip(".") if has_odd_dots else local
    try:
        # The library refuses the domains of a company's own network, unless they end otherwise, and underscores.
        public = f"{domain.replace('_', 'x')}{_PUBLIC}"
        valid = validate_email(f"{checked}@{public}", check_deliverability=False, allow_quoted_local=True)
    except (EmailNotValidError, UnicodeError, ValueError):
        return None
    written = unicodedata.normalize("NFC", local) if has_odd_dots else valid.local_part
    if len(written.encode()) > _LONGEST_LOCAL:
        return None
    return f"{written}@{domain if '_' in domain else valid.domain.removesuffix(_PUBLIC)}".lower()
