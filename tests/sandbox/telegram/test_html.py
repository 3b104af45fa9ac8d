# ruff: noqa: E501  # a table reads by its rows
"""The HTML mode: Telegram's errors and offsets, and the round trip of escaped text."""

import contextlib
import html
from typing import Any

import pytest
from hypothesis import given, strategies as st

from sandbox.telegram.text.entity_order import nested
from sandbox.telegram.text.formatting import clean, format_text
from sandbox.telegram.text.html_entities import HtmlError, parse_html, utf16_length
from sandbox.telegram.text.rendering import render_html


def entity(kind: str, offset: int, length: int, **more: Any) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length, **more}


ERRORS = [
    ("<x>", 'Unsupported start tag "x" at byte offset 0'),
    ("é€😀<X y>", 'Unsupported start tag "x" at byte offset 9'),
    ("<b/>", 'Unsupported start tag "b/" at byte offset 0'),
    ("<br>", 'Unsupported start tag "br" at byte offset 0'),
    ("1 < 2 and 3 > 2", 'Unsupported start tag "" at byte offset 2'),
    ("a<", "Unclosed start tag at byte offset 1"),
    ("a<b", "Unclosed start tag at byte offset 1"),
    ("<a href", 'Unclosed start tag "a" at byte offset 0'),
    ("<a href=", 'Unclosed start tag "a" at byte offset 0'),
    ("<a href='x", "Unclosed start tag at byte offset 0"),
    ("<a =x>", 'Empty attribute name in the tag "a" at byte offset 0'),
    ("<a href=x/y>", "Unexpected end of name token at byte offset 8"),
    ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
    ("<b><i>x</i>", 'Can\'t find end tag corresponding to start tag "b"'),
    ("x</b>", "Unexpected end tag at byte offset 1"),
    ("<b>é</i>", 'Unmatched end tag at byte offset 5, expected "</b>", found "</i>"'),
    ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
    ("<b>x</b", "Unclosed end tag at byte offset 4"),
    ("<b>x</b x>", "Unclosed end tag at byte offset 4"),
    ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ('<tg-emoji emoji-id="x">x</tg-emoji>', "Invalid custom emoji identifier specified"),
    ("&#xd83d;", "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units"),
]  # fmt: skip


@pytest.mark.parametrize(("markup", "error"), ERRORS)
def test_errors(markup: str, error: str) -> None:
    with pytest.raises(HtmlError) as refused:
        parse_html(markup)
    assert str(refused.value) == error


PARSED = [
    ("<b>a</b>", "a", [entity("bold", 0, 1)]),
    ("<STRONG>a</Strong>", "a", [entity("bold", 0, 1)]),
    ("😀<i>é😀</i>", "😀é😀", [entity("italic", 2, 3)]),
    ("<b>x</>", "x", [entity("bold", 0, 1)]),
    ("<b></b>x", "x", []),
    ("<ins>a</ins><del>b</del>", "ab", [entity("underline", 0, 1), entity("strikethrough", 1, 1)]),
    ("<tg-spoiler>a</tg-spoiler><span class='tg-spoiler'>b</span>", "ab", [entity("spoiler", 0, 1), entity("spoiler", 1, 1)]),
    ("<code>a</code>", "a", [entity("code", 0, 1)]),
    ('<code class="language-py">a</code>', "a", [entity("code", 0, 1)]),
    ("<pre>a</pre>", "a", [entity("pre", 0, 1)]),
    ('<pre><code class="language-py">a</code></pre>', "a", [entity("pre", 0, 1, language="py")]),
    ("<blockquote>a</blockquote>", "a", [entity("blockquote", 0, 1)]),
    ("<blockquote expandable>a</blockquote>", "a", [entity("expandable_blockquote", 0, 1)]),
    ('<a href="https://X.ca?a=1&amp;b=&quot;">a</a>', "a", [entity("text_link", 0, 1, url='https://x.ca/?a=1&b="')]),
    ("<a href='no link'>a</a>", "a", []),
    ("<a>x.ca</a>", "x.ca", [entity("text_link", 0, 4, url="http://x.ca/")]),
    ('<a href="tg://user?id=7">a</a>', "a", [entity("text_mention", 0, 1, user={"id": 7})]),
    ('<tg-emoji emoji-id="5368">x</tg-emoji>', "x", [entity("custom_emoji", 0, 1, custom_emoji_id="5368")]),
    ("&lt;&gt;&amp;&quot;&lt;b", '<>&"<b', []),
    ("&apos; &nbsp; &eacute; &; & &ampx;", "&apos; &nbsp; &eacute; &; & &ampx;", []),
    ("&#39;&#x1F600;&#0;&#x110000;&lt", "'😀&#0;&#x110000;<", []),
]  # fmt: skip


@pytest.mark.parametrize(("markup", "text", "entities"), PARSED)
def test_parsed(markup: str, text: str, entities: list[dict[str, Any]]) -> None:
    assert parse_html(markup) == (text, entities)


@given(st.text())
def test_escaped_text_round_trip(text: str) -> None:
    assert parse_html(html.escape(text)) == (text, [])
    assert parse_html(html.escape(text, quote=False)) == (text, [])


@given(st.text(min_size=1), st.text(min_size=1), st.sampled_from(["b", "i", "u", "s", "code", "pre", "blockquote"]))
def test_offsets_are_utf16(before: str, inside: str, tag: str) -> None:
    text, (found,) = parse_html(f"{html.escape(before)}<{tag}>{html.escape(inside)}</{tag}>")
    assert text == before + inside
    units = text.encode("utf-16-le")
    marked = units[2 * found["offset"] : 2 * (found["offset"] + found["length"])]
    assert marked.decode("utf-16-le") == inside
    assert utf16_length(text) == len(units) // 2


@given(st.recursive(st.text(max_size=8).map(html.escape), lambda inner: st.builds(
    lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>", st.sampled_from(["b", "i", "u", "s", "tg-spoiler"]), st.lists(inner, max_size=3),
), max_leaves=12))  # fmt: skip
def test_rendered_html_parses_to_the_same(markup: str) -> None:
    text, entities = clean(*parse_html(markup))
    again = clean(*parse_html(render_html(text, entities)))
    assert again == (text, entities)


ENTITIES = st.lists(
    st.builds(
        entity,
        st.sampled_from(["bold", "italic", "code", "pre", "text_link", "blockquote", "spoiler"]),
        st.integers(0, 10),
        st.integers(1, 10),
    ),
    max_size=7,
)


@given(ENTITIES)
def test_nested_entities_never_cross(entities: list[dict[str, Any]]) -> None:
    result = nested(entities)
    for one in result:
        for other in result:
            end, other_end = one["offset"] + one["length"], other["offset"] + other["length"]
            assert not one["offset"] < other["offset"] < end < other_end
    assert nested(result) == result


@given(st.text())
def test_parser_raises_only_html_errors(markup: str) -> None:
    with contextlib.suppress(HtmlError):
        parse_html(markup)


@pytest.mark.parametrize(
    ("raw", "text", "entities"),
    [
        ("  <b> a </b>  ", " a", [entity("bold", 0, 2)]),
        ("<b>a\n</b>\n", "a", [entity("bold", 0, 1)]),
        ("a\r\n\tb\u2028c", "a\n bc", []),
        ("x\r<b>y\rz</b>", "xyz", [entity("bold", 1, 2)]),
        ("<b> </b>a", " a", [entity("bold", 0, 1)]),
        ("\u200b\u00a0", "", []),
        ("<b>a</b><b>b</b>", "ab", [entity("bold", 0, 2)]),
        ("<b>a<b>b</b></b>", "ab", [entity("bold", 0, 2)]),
        ("<i><b>a</b></i>", "a", [entity("bold", 0, 1), entity("italic", 0, 1)]),
        ("<i><b>a</b>b</i>", "ab", [entity("italic", 0, 2), entity("bold", 0, 1)]),
        ("<code>a<b>b</b></code>", "ab", [entity("code", 0, 2)]),
        ("/start me@x.ca https://x.ca/a, @someone #été", "/start me@x.ca https://x.ca/a, @someone #été",
         [entity("bot_command", 0, 6), entity("email", 7, 7), entity("url", 15, 14), entity("mention", 31, 8), entity("hashtag", 40, 4)]),
        ("a/b 1/2 <a href='x.ca'>/go</a>", "a/b 1/2 /go", [entity("text_link", 8, 3, url="http://x.ca/")]),
    ],
)  # fmt: skip
def test_what_telegram_stores(raw: str, text: str, entities: list[dict[str, Any]]) -> None:
    assert format_text(raw, "HTML", None, limit=4096, too_long="message is too long") == (text, entities)
