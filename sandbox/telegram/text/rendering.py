"""Writes a text and its entities as HTML."""

import html
from typing import Any

TAGS = {
    "bold": ("<b>", "</b>"),
    "italic": ("<i>", "</i>"),
    "underline": ("<u>", "</u>"),
    "strikethrough": ("<s>", "</s>"),
    "spoiler": ("<tg-spoiler>", "</tg-spoiler>"),
    "code": ("<code>", "</code>"),
    "pre": ("<pre>", "</pre>"),
    "blockquote": ("<blockquote>", "</blockquote>"),
    "expandable_blockquote": ("<blockquote expandable>", "</blockquote>"),
}


def render_html(text: str, entities: list[dict[str, Any]]) -> str:
    """Return HTML that Telegram parses to this text and these entities. Found entities (links, commands) get no tag."""
    opening: dict[int, list[str]] = {}
    closing: dict[int, list[str]] = {}
    for entity in entities:
        start, end = _tags(entity)
        if start:
            opening.setdefault(entity["offset"], []).append(start)
            closing.setdefault(entity["offset"] + entity["length"], []).insert(0, end)
    if not opening:
        return html.escape(text, quote=False)
    pieces: list[str] = []
    offset = 0
    for character in text:
        pieces += closing.pop(offset, ())
        pieces += opening.pop(offset, ())
        pieces.append(html.escape(character, quote=False))
        offset += 2 if character > "\uffff" else 1
    return "".join([*pieces, *closing.get(offset, ())])


def _tags(entity: dict[str, Any]) -> tuple[str, str]:
    kind = entity["type"]
    if kind == "text_link":
        return f'<a href="{html.escape(entity["url"])}">', "</a>"
    if kind == "text_mention":
        return f'<a href="tg://user?id={entity["user"]["id"]}">', "</a>"
    if kind == "custom_emoji":
        return f'<tg-emoji emoji-id="{entity["custom_emoji_id"]}">', "</tg-emoji>"
    if kind == "pre" and entity.get("language"):
        return f'<pre><code class="language-{html.escape(entity["language"])}">', "</code></pre>"
    return TAGS.get(kind, ("", ""))
