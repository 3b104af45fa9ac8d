"""Untrusted text: on one line, in its own direction, never markup, never a link in a mail."""

import re
import sys
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings, strategies as st

from texts import escaping
from texts.escaping import escape_html, safe_person_name, safe_text, strip_controls

FSI, PDI = "\u2068", "\u2069"
CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HEBREW = "שלום"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Transport Boréal inc.", "Transport Boréal inc."),
        ("", ""),
        ("   ", ""),
        ("  Camille  ", "Camille"),
        ("two\nlines", "two lines"),
        ("a\r\n\t\v\f\u0085\u2028\u2029b", "a b"),
        ("a\x00b\x1bc\x7fd\x9fe", "abcde"),
        ("a\ud800b\udfffc", "abc"),
        ("amount\u202e00,1", "amount00,1"),
        (f"x{CONTROLS}y", "xy"),
        (CONTROLS, ""),
        (HEBREW, f"{FSI}{HEBREW}{PDI}"),
        (f"Garage {HEBREW} 12", f"{FSI}Garage {HEBREW} 12{PDI}"),
        ("مرحبا", f"{FSI}مرحبا{PDI}"),
        ("٣", f"{FSI}٣{PDI}"),
        (f"{FSI}{HEBREW}", f"{FSI}{HEBREW}{PDI}"),
        (f"{PDI}{HEBREW}\u202e", f"{FSI}{HEBREW}{PDI}"),
        ("👩‍👩‍👧 & fils", "👩‍👩‍👧 & fils"),
        ("<b>x</b> {company}", "<b>x</b> {company}"),
        ("1\u00a0293,08\u00a0$", "1\u00a0293,08\u00a0$"),
    ],
)
def test_plain_text(text: str, expected: str) -> None:
    assert safe_text(text) == expected


@settings(deadline=None)
@given(st.text(st.characters(), max_size=60))
@example("\ud800")
@example(f"\u202e{HEBREW}\n<")
def test_plain_text_is_one_safe_line(text: str) -> None:
    """The result is one encodable line without control characters, in its own direction."""
    shown = safe_text(text)
    assert len(shown.splitlines()) <= 1
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs")]
    shown.encode()
    is_isolated = shown.startswith(FSI)
    inside = shown.removeprefix(FSI).removesuffix(PDI) if is_isolated else shown
    assert not set(inside) & set(CONTROLS)
    assert is_isolated == shown.endswith(PDI)
    assert is_isolated == any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in inside)
    assert safe_text(shown) == shown


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp", "Zs")), max_size=60))
def test_plain_text_keeps_visible_characters(text: str) -> None:
    assert safe_text(text).removeprefix(FSI).removesuffix(PDI) == text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Camille", "Camille"),
        ("Jean-François O’Neil", "Jean-François O’Neil"),
        ("D'Arcy", "D'Arcy"),
        (HEBREW, HEBREW),
        ("Zoé 2", "Zoé 2"),
        ("नेहा", "नेहा"),
        ("<b>Max</b>", "b Max b"),
        ("https://evil.example/x?y=1", "https evil example x y 1"),
        ("evil.example", "evil example"),
        ("me@evil.example", "me evil example"),
        ("evil。example", "evil example"),
        ("evil․example", "evil example"),
        ("a\r\nBcc: x@y.example", "a Bcc x y example"),
        ("🎉", ""),
        ("\u202e\u2067", ""),
        ("x" * 60, "x" * 40),
        ("x" * 39 + " y", "x" * 39),
    ],
)
def test_person_name_is_plain_text(name: str, expected: str) -> None:
    assert safe_person_name(name) == expected


@pytest.mark.parametrize(
    "name", ["1-800-555-1234", "Appelez 1 800 555 1234", "5145551234", "٥١٤٥٥٥١٢٣٤", "514’555’1234", "⑤①④ ⑤⑤⑤-①②③④"]
)
def test_name_never_contains_a_telephone_number(name: str) -> None:
    """A mail client finds no telephone number in a name."""
    assert longest_run_of_digits(safe_person_name(name)) < 7


@settings(deadline=None)
@given(st.text(st.characters(), max_size=100))
@example("g⒈com")
@example("evil.com")
@example("tel:+15145551234")
def test_name_never_contains_a_link(name: str) -> None:
    shown = safe_person_name(name)
    assert len(shown) <= 40
    assert shown == " ".join(shown.split())
    for seen in (shown, unicodedata.normalize("NFKC", shown)):
        assert not re.search(r"[.:/@\\<>&\"?#%_+]|\u3002|\uff0e|\uff61", seen)
    assert longest_run_of_digits(shown) < 7


def longest_run_of_digits(text: str) -> int:
    """Return the most digits in a row as a mail client reads them, over spaces, dashes and apostrophes."""
    read = re.sub(r"[\s'’-]", "", unicodedata.normalize("NFKC", text))
    return max((len(run) for run in re.findall(r"\d+", read)), default=0)


class Reader(HTMLParser):
    """Parses HTML into tags and text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@settings(deadline=None)
@given(st.text())
@example("<script>&amp;\"'>&#x41;&lt")
def test_escaped_markup_is_read_back_unchanged(text: str) -> None:
    """Escaped text is read back unchanged and opens no tag."""
    reader = Reader()
    reader.feed(f"<p>{escape_html(text)}</p>")
    reader.close()
    assert reader.tags == ["p"]
    assert reader.text == text
    assert '"' not in escape_html(text)
    assert "'" not in escape_html(text)


@given(st.text())
@example("\u00a0 \u202f’…–")
@example("\u0590\u05d0")
def test_unescaped_fast_path_gives_the_same_result(text: str) -> None:
    quick = strip_controls(text), safe_text(text)
    with pytest.MonkeyPatch.context() as slowly:
        slowly.setattr(escaping, "_HARMLESS", re.compile(r"(?!)"))
        assert (strip_controls(text), safe_text(text)) == quick


def test_every_character_is_harmless_or_checked() -> None:
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if escaping._HARMLESS.fullmatch(character):
            assert unicodedata.category(character) not in ("Cc", "Cs")
            assert unicodedata.bidirectional(character) not in ("R", "AL", "AN")
            assert not escaping._BIDI.fullmatch(character)
            assert not escaping._SPACES.fullmatch(character)
