"""The fonts of statements, and the characters that they have."""

import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_FONTS = Path(__file__).parent / "fonts"
MAIN_FONT = _FONTS / "OpenSans-Regular.ttf"
STRONG_FONT = _FONTS / "OpenSans-SemiBold.ttf"
FALLBACK_FONT = _FONTS / "DejaVuSansCondensed.ttf"
"""For Hebrew, Arabic, Armenian, Georgian, arrows and symbols."""
_HIDDEN = ("Cc", "Cf", "Cs", "Co")


@cache
def _covered(file: Path) -> frozenset[int]:
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # fpdf2 brings it, untyped

    with TTFont(file, lazy=True) as font:
        return frozenset(font.getBestCmap())


def printable(text: str) -> str:
    """Return the text as the fonts can print it: no control characters, and ``?`` for what no font has."""
    main, fallback = _covered(MAIN_FONT), _covered(FALLBACK_FONT)
    kept = []
    for character in unicodedata.normalize("NFC", text):
        if unicodedata.category(character) in _HIDDEN:
            continue
        if ord(character) in main or ord(character) in fallback:
            kept.append(character)
        else:
            kept.append(" " if character.isspace() else "?")
    return "".join(kept)


def needs_fallback(text: str) -> bool:
    """Return whether the printable text has characters that only the fallback font has."""
    return any(not in_main for _, in_main in runs_of(text))


def runs_of(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the printable text in pieces, each with whether the main font has it; else the fallback font has it."""
    main = _covered(MAIN_FONT)
    piece, is_main = "", True
    for character in printable(text):
        if (ord(character) in main) != is_main and piece:
            yield piece, is_main
            piece = ""
        is_main = ord(character) in main
        piece += character
    if piece:
        yield piece, is_main
