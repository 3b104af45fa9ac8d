"""What a typed text means: a code, an address, a number."""

import re
import unicodedata

from email_validator import EmailNotValidError, validate_email

_CODE = re.compile(r"(?<!\d)\d(?:[\s.\-–]?\d){5}(?!\d)")
_NUMBER = re.compile(r"(?:n[º°o]?\.?|no\.?|#|nº)?\s*([A-Za-z]{0,4}[-/]?\d[\dA-Za-z/-]{0,38})", re.IGNORECASE)
_AROUND_ADDRESS = "<>()[]«»“”\"',;: \u00a0"


def _ascii_digits(text: str) -> str:
    """Digits of any script as 0 to 9, and compatibility forms (full-width letters) as the plain ones."""
    return unicodedata.normalize("NFKC", text)


def code_in(text: str) -> str | None:
    """Six digits, also spaced or among words: ``123 456``, ``Votre code : 123456``."""
    found = _CODE.search(_ascii_digits(text))
    if found is None:
        return None
    digits = [str(unicodedata.digit(c)) for c in found.group() if c.isdigit()]
    return "".join(digits)


def number_in(text: str) -> str | None:
    """An order's or invoice's number typed bare, or after ``nº`` or ``#``: what the whole text is."""
    found = _NUMBER.fullmatch(_ascii_digits(text).strip())
    return found.group(1) if found else None


def email_in(text: str) -> str | None:
    """The one address in a text, as it is compared: normalised and in lower case; ``None`` for none or a bad one."""
    words = [word.strip(_AROUND_ADDRESS).removeprefix("mailto:") for word in text.split() if "@" in word]
    if len(words) != 1:
        return None
    return normal_email(words[0])


def normal_email(address: str) -> str | None:
    """An address as it is compared and hashed; ``None`` when it is none. Nothing is asked of any network."""
    try:
        # Reserved domains such as .test are real on a company's own network and in the sandbox.
        valid = validate_email(address, check_deliverability=False, test_environment=True)
    except (EmailNotValidError, UnicodeError, ValueError):
        return None
    return valid.normalized.lower()
