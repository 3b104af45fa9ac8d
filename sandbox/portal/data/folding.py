"""Normalizes text for the portal's search and for its look-up by email."""

import string
import unicodedata
from collections.abc import Iterable
from datetime import date

from sandbox.portal.data.money import NO_BREAK_SPACE, decimal_text, money_text

_LOWER_ASCII = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})


def email_key(email: str) -> str:
    """Return the email address as the portal compares it: trimmed, with A to Z in lower case.

    Unicode's lower-casing would turn `K` (the kelvin sign) into `k`, which is another mailbox.
    """
    return email.strip().translate(_LOWER_ASCII)


def fold(text: str) -> str:
    """Return the text without accents, case and special spaces: `Été` becomes `ete`."""
    # Unicode's compatibility caseless matching needs NFKD twice, for example for a mathematical 𝓐.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold().translate(_LIGATURES))
    return "".join(" " if c.isspace() else c for c in decomposed if not unicodedata.combining(c))


def search_words(query: str) -> list[str]:
    """Return the folded words of a query. A row matches when it contains all of them."""
    return fold(query).split()


def searchable(*texts: str | None, days: Iterable[date | None] = (), amounts: Iterable[int] = ()) -> str:
    """Return the folded text that a search looks in. Amounts (cents) are in both languages' and the API's forms."""
    parts = [text for text in texts if text]
    parts += [day.isoformat() for day in days if day]
    for cents in amounts:
        french = money_text(cents, "fr")
        # With and without the thousands separator, since people type both.
        parts += [french, french.replace(NO_BREAK_SPACE, ""), money_text(cents, "en"), decimal_text(cents)]
    return fold("\n".join(parts))
