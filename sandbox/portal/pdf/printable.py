"""The characters that the fonts can print."""

import unicodedata
from pathlib import Path

from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # fpdf2 brings it, untyped

_FONTS = Path(__file__).parent / "fonts"
MAIN_FONT = _FONTS / "OpenSans-Regular.ttf"
STRONG_FONT = _FONTS / "OpenSans-SemiBold.ttf"
FALLBACK_FONT = _FONTS / "DejaVuSansCondensed.ttf"


def _covered(file: Path) -> frozenset[int]:
    with TTFont(file, lazy=True) as font:
        return frozenset(font.getBestCmap())


_MAIN_COVERS = _covered(MAIN_FONT)
_FALLBACK_COVERS = _covered(FALLBACK_FONT)


def printable(text: str) -> str:
    """Return the text without control and direction characters. Unknown characters become `?`."""
    kept = []
    for character in unicodedata.normalize("NFC", text):
        if character.isspace() and ord(character) not in _MAIN_COVERS:
            kept.append(" ")
        elif unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co"):
            continue
        elif ord(character) in _MAIN_COVERS or ord(character) in _FALLBACK_COVERS:
            kept.append(character)
        else:
            kept.append("?")
    return "".join(kept)


def needs_fallback(text: str) -> bool:
    """Whether the text has characters that only the fallback font has."""
    return any(ord(character) not in _MAIN_COVERS for character in printable(text))
