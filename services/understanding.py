"""What a typed text means: a code, an address, a number."""

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
    """Compatibility forms as the plain ones, digits of any script as 0 to 9, and no invisible marks: what contact
    applications and right-to-left keyboards paste along."""
    plain = unicodedata.normalize("NFKC", text)
    visible = (c for c in plain if unicodedata.category(c) != "Cf")
    return "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in visible)


def code_in(text: str) -> str | None:
    """Six digits, also grouped or among words: ``123 456``, ``Votre code : 123456``. Part of an address, a date or a
    telephone number is no code."""
    words = " ".join(word for word in _plain_characters(text).split(" ") if "@" not in word)
    runs = ("".join(c for c in run if c.isdigit()) for run in _GROUPED_DIGITS.findall(words))
    return next((run for run in runs if len(run) == SHORT_DIGITS), None)


def long_code_in(text: str) -> str | None:
    """A code of eight characters, in any case, also in two halves: ``K7QM-2XVP``. At least two of them are digits and
    two are letters: no word and no number is one."""
    words = " ".join(word for word in _plain_characters(text).upper().split(" ") if "@" not in word)
    for found in _LONG_CODE.findall(words):
        code = "".join(c for c in found if c.isalnum())
        if len(code) == LONG_LENGTH and 2 <= sum(c.isdigit() for c in code) <= LONG_LENGTH - 2:
            return code
    return None


def number_in(text: str) -> str | None:
    """An order's or invoice's number typed bare, or after ``nº`` or ``#``: what the whole text is."""
    # NFKC would write the º of nº as an o, and an N of the number itself must not be taken for one.
    found = _NUMBER.fullmatch(_plain_characters(text.replace("º", "° ").replace("°", "° ")).strip())
    return found.group(1) if found else None


def email_in(text: str) -> str | None:
    """The one address in a text, as it is compared: normalised and in lower case; ``None`` for none or a bad one."""
    visible = "".join(" " if unicodedata.category(c) == "Cf" else c for c in text)
    words = [word.strip(_AROUND_ADDRESS).removeprefix("mailto:") for word in visible.split()]
    addresses = [word for word in words if "@" in unicodedata.normalize("NFKC", word)]
    return normal_email(addresses[0]) if len(addresses) == 1 else None


def normal_email(address: str) -> str | None:
    """An address as it is compared and hashed; ``None`` when it is none. Nothing is asked of any network."""
    # It builds its tables for 40 ms when it is imported: most starts, and most of who writes, name no address.
    from email_validator import EmailNotValidError, validate_email

    try:
        # Reserved domains such as .test are real on a company's own network and in the sandbox.
        valid = validate_email(address, check_deliverability=False, test_environment=True)
    except (EmailNotValidError, UnicodeError, ValueError):
        return None
    return valid.normalized.lower()
