"""The form of mailed codes: short (six digits) and long (eight characters)."""

import secrets

SHORT_DIGITS = 6
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS = "23456789"
LONG_ALPHABET = _DIGITS + _LETTERS
"""Without 0, 1, I and O, which are easily confused."""
LONG_LENGTH = 8


def new_code(*, is_long: bool) -> str:
    """Make a random code: six digits, or eight characters with at least two letters and two digits."""
    if not is_long:
        return f"{secrets.randbelow(10**SHORT_DIGITS):0{SHORT_DIGITS}}"
    while True:
        code = "".join(secrets.choice(LONG_ALPHABET) for _ in range(LONG_LENGTH))
        if 2 <= sum(c in _DIGITS for c in code) <= LONG_LENGTH - 2:  # so that no word and no number is a long code
            return code


def format_code(code: str) -> str:
    """Return a code as it is mailed: a long one in two groups of four."""
    return code if len(code) == SHORT_DIGITS else f"{code[:4]}-{code[4:]}"
