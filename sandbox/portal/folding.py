"""Text made comparable: what the portal's search box and its look-up by email compare."""

import string
import unicodedata
from collections.abc import Iterable
from datetime import date

from sandbox.portal.money import NO_BREAK_SPACE, decimal_text, money_text

_LOWER_ASCII = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})


def email_key(email: str) -> str:
    """The address as compared: trimmed, and only A-Z lowered.

    Unicode's own lowering would make `K` (the kelvin sign) a `k`: somebody else's mailbox.
    """
    return email.strip().translate(_LOWER_ASCII)


def fold(text: str) -> str:
    """Without accents, case or odd spaces: `Été` is `ete`, a no-break space is a space."""
    # Unicode's compatibility caseless matching: each step can undo the other, as with a mathematical 𝓐.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold().translate(_LIGATURES))
    return "".join(" " if c.isspace() else c for c in decomposed if not unicodedata.combining(c))


def search_words(query: str) -> list[str]:
    """The folded words of a query; a row is found when it holds every one of them."""
    return fold(query).split()


def searchable(*texts: str | None, days: Iterable[date | None] = (), amounts: Iterable[int] = ()) -> str:
    """The folded text a row is searched in; amounts (cents) as both languages and the API write them."""
    parts = [text for text in texts if text]
    parts += [day.isoformat() for day in days if day]
    for cents in amounts:
        french = money_text(cents, "fr")
        # With the space of its thousands and without: people type either.
        parts += [french, french.replace(NO_BREAK_SPACE, ""), money_text(cents, "en"), decimal_text(cents)]
    return fold("\n".join(parts))
