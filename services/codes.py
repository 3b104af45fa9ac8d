"""What the codes look like that are mailed to a person."""

import secrets

SHORT_DIGITS = 6
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS = "23456789"
LONG_ALPHABET = _DIGITS + _LETTERS
"""Without 0, 1, I and O, which are mistaken for one another."""
LONG_LENGTH = 8


def new_code(*, is_long: bool) -> str:
    """Make a random code: six digits, or eight characters with at least two letters and two digits."""
    if not is_long:
        return f"{secrets.randbelow(10**SHORT_DIGITS):0{SHORT_DIGITS}}"
    while True:
        code = "".join(secrets.choice(LONG_ALPHABET) for _ in range(LONG_LENGTH))
        if 2 <= sum(c in _DIGITS for c in code) <= LONG_LENGTH - 2:  # else it might be read as a word or a number
            return code


def shown_code(code: str) -> str:
    """A code as it is mailed: a long one in two halves."""
    return code if len(code) == SHORT_DIGITS else f"{code[:4]}-{code[4:]}"
