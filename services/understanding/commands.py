"""Find a command in typed text: with a slash in any spelling, or as a word by itself."""

import difflib
import re
from collections.abc import Mapping

from services.understanding.normalising import EDGES, folded, plain_text
from services.understanding.words import NOT_NOUNS, key_of

_SLASH = re.compile(r"[/\\]+\s*(?=[^\W_])")
_MOST_WORDS = 8
_LONGEST_NAME = 32
"""Characters of a command's name in Telegram."""
_LIKENESS = 0.72
"""Least ratio of difflib at which a name is suggested: one wrong letter in four, two in eight."""
_MOST_DIFFERENCE = 2
"""Characters by which a suggested name may be longer or shorter."""

Commands = Mapping[str, str]
"""The names and other words of the commands, in ``folded`` form, each with the command's own name."""


def slashed(text: str) -> tuple[str, str] | None:
    """Split ``/Paramètres@bot 7`` into ``parametres`` and ``7``. Returns: None for a text without a slash before it."""
    plain = plain_text(text).strip(" \n\t.,!?…'\"«»()[]")
    if (found := _SLASH.match(plain)) is None:
        return None
    name, *rest = re.split(r"\s+", plain[found.end() :], maxsplit=1)
    return folded(name.partition("@")[0].strip(EDGES + "/")), rest[0] if rest else ""


def named(word: str, commands: Commands) -> str | None:
    """Return the command of a name, in singular or plural: ``facture`` and ``invoice``; None if there is none."""
    joined = re.sub(r"[\s_'-]", "", word)
    for spelled in (joined, f"{joined}s", joined.removesuffix("s"), joined.removesuffix("x")):
        if spelled in commands:
            return commands[spelled]
    return None


def whole_text_command(text: str, commands: Commands) -> str | None:
    """Return the command that the whole text names, also among small words: ``mes commandes``, ``aide svp``."""
    if len(text) > 80:
        return None
    words = plain_text(text).split()
    if not words or len(words) > _MOST_WORDS:
        return None
    keys = [key for word in words if (key := key_of(word)) and any(c.isalnum() for c in key)]
    return named("".join(keys), commands) or named("".join(key for key in keys if key not in NOT_NOUNS), commands)


def nearest(word: str, commands: Commands) -> str | None:
    """Return the command whose name is most like a word; None if none is like it."""
    if len(word) > _LONGEST_NAME:
        return None
    joined = re.sub(r"[\s_'-]", "", word)
    near = [
        name
        for name in commands
        if abs(len(name) - len(joined)) <= _MOST_DIFFERENCE and (name[0] == joined[:1] or name[-3:] == joined[-3:])
    ]
    found = difflib.get_close_matches(joined, near, n=1, cutoff=_LIKENESS)
    return commands[found[0]] if found else None
