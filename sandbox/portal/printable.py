"""What of a text can be printed: the fonts, and which characters they have."""

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
    """The text without what cannot or must not be printed: controls, marks that turn the direction, unknown signs."""
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
    """Whether the text has characters that only the fallback font can print."""
    return any(ord(character) not in _MAIN_COVERS for character in printable(text))
