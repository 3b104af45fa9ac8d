"""The entities that Telegram finds in a text: commands, mentions, hashtags, links, email addresses."""

import re
from typing import Any

from sandbox.telegram.text.html_entities import utf16_length

COMMAND = re.compile(r"(?<![\w/<>@])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>@])")
MENTION = re.compile(r"(?<![\w/@.])@[A-Za-z][A-Za-z0-9_]{2,31}(?![\w@])")
HASHTAG = re.compile(r"(?<![\w#/])#\w{1,256}(?<!\d)(?![\w#])|(?<![\w#/])#\w*[^\W\d]\w*")
EMAIL = re.compile(r"(?<![\w.+\-@])[A-Za-z0-9._%+\-]{1,64}@(?:[A-Za-z0-9\-]+\.)+[A-Za-z]{2,63}(?![\w@])")
URL = re.compile(
    r"(?<![\w@/.])(?:https?://[^\s<>\"]*[^\s<>\"'.,;:!?)\]»]|"
    r"(?:[A-Za-z0-9\-]+\.)+(?:com|org|net|ca|fr|io|me|quebec|info|dev|app)(?:[/?][^\s<>\"]*[^\s<>\"'.,;:!?)\]»]|/)?(?![\w@.\-]\w))"
)
HINT = re.compile(r"[/@#.]")
PATTERNS = (("email", EMAIL), ("url", URL), ("bot_command", COMMAND), ("mention", MENTION), ("hashtag", HASHTAG))


def found_entities(text: str) -> list[dict[str, Any]]:
    """Return the entities found in a text, in order and without overlaps."""
    if not HINT.search(text):
        return []
    taken: list[tuple[int, int]] = []
    entities = []
    for kind, pattern in PATTERNS:
        for found in pattern.finditer(text):
            start, end = found.span()
            if any(start < other_end and other_start < end for other_start, other_end in taken):
                continue
            taken.append((start, end))
            entities.append(
                {
                    "type": kind,
                    "offset": utf16_length(text[:start]),
                    "length": utf16_length(text[start:end]),
                }
            )
    return sorted(entities, key=lambda entity: entity["offset"])
