"""Parses typed text: codes, mail addresses, numbers of orders and invoices."""

import re
import unicodedata

from services.codes import LONG_ALPHABET, LONG_LENGTH, SHORT_DIGITS

_LONG_CODE = re.compile(
    rf"(?<![{LONG_ALPHABET}])[{LONG_ALPHABET}]{{4}}[ \u00a0.\-–]?[{LONG_ALPHABET}]{{4}}(?![{LONG_ALPHABET}])"
)
_GROUPED_DIGITS = re.compile(r"\d(?:[ \u00a0.\-–]?\d)*")
_NUMBER = re.compile(r"(?:(?:n[º°o]\.?|#)\s*|n\.\s*|no?\s+)?([A-Za-z]{0,4}[-/]?\d[\dA-Za-z/.-]{0,98})", re.IGNORECASE)
_AROUND_ADDRESS = "<>()[]«»“”\"',;:.!? \u00a0"


def _plain_characters(text: str) -> str:
    """Apply NFKC, convert digits of every script to 0-9, and remove invisible format characters.

    Contact applications and right-to-left keyboards insert such characters.
    """
    normal = unicodedata.normalize("NFKC", text)
    visible = (c for c in normal if unicodedata.category(c) != "Cf")
    return "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in visible)


def code_in(text: str) -> str | None:
    """Find six digits, also grouped or between words: ``123 456``, ``Votre code : 123456``.

    Returns:
        The first such group; ``None`` where there is none. Digits of a mail address, or of a longer group such as a
        date or a telephone number, are ignored.
    """
    words = " ".join(word for word in _plain_characters(text).split(" ") if "@" not in word)
    runs = ("".join(c for c in run if c.isdigit()) for run in _GROUPED_DIGITS.findall(words))
    return next((run for run in runs if len(run) == SHORT_DIGITS), None)


def long_code_in(text: str) -> str | None:
    """Find a code of eight characters, in upper or lower case, also in two groups: ``K7QM-2XVP``.

    Returns:
        The code in upper case; ``None`` where there is none. Words and numbers never match: a code has at least two
        digits and two letters.
    """
    words = " ".join(word for word in _plain_characters(text).upper().split(" ") if "@" not in word)
    for found in _LONG_CODE.findall(words):
        code = "".join(c for c in found if c.isalnum())
        if len(code) == LONG_LENGTH and 2 <= sum(c.isdigit() for c in code) <= LONG_LENGTH - 2:
            return code
    return None


def number_in(text: str) -> str | None:
    """Parse the whole text as the number of an order or invoice, optionally after ``nº`` or ``#``; else ``None``."""
    # NFKC turns nº into no, which may also be the prefix of a number: replace the º before.
    found = _NUMBER.fullmatch(_plain_characters(text.replace("º", "° ").replace("°", "° ")).strip())
    return found.group(1) if found else None


def email_in(text: str) -> str | None:
    """Find the only address in a text. Returns: its normal form; ``None`` for none, several, or an invalid one."""
    visible = "".join(" " if unicodedata.category(c) == "Cf" else c for c in text)
    words = [word.strip(_AROUND_ADDRESS).removeprefix("mailto:") for word in visible.split()]
    addresses = [word for word in words if "@" in unicodedata.normalize("NFKC", word)]
    return normalize_email(addresses[0]) if len(addresses) == 1 else None


def normalize_email(address: str) -> str | None:
    """Return an address in the normal form that is compared and hashed; ``None`` for an invalid one. No DNS lookup."""
    # The import takes 40 ms, and most starts and most texts need no address.
    from email_validator import EmailNotValidError, validate_email

    try:
        # A company's own network and the sandbox use reserved domains such as .test.
        valid = validate_email(address, check_deliverability=False, test_environment=True)
    except (EmailNotValidError, UnicodeError, ValueError):
        return None
    return valid.normalized.lower()
