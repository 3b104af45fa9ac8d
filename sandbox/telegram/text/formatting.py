"""Turns the text of a bot or a person into what Telegram stores: cleaned, trimmed, measured, with sorted entities."""

import re
from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.text.auto_entities import found_entities
from sandbox.telegram.text.entity_order import SPLITTABLE, nested, order
from sandbox.telegram.text.html_entities import ENTITY_OF_TAG, Entity, HtmlError, parse_html, utf16_length

TEXT_LIMIT = 4096  # code points, after parsing
CAPTION_LIMIT = 1024
RAW_BYTES_LIMIT = 1 << 15

# Telegram turns control characters into spaces, and drops carriage returns and characters that break rendering.
DROPPED = re.compile("[\r\u2028-\u202e\u0333\u033f\u030a]")
CONTROLS = {code: " " for code in range(32) if code not in (10, 13)}
UNCLEAN = re.compile("[\x00-\x09\x0b-\x1f\u2028-\u202e\u0333\u033f\u030a]")
# Characters that Telegram treats as invisible, besides white space.
INVISIBLE = re.compile("[\\s\u200b-\u200f\u202e\ufeff\u00a0\u180e\u2800\ufffc\U000e0000-\U000e0001]*")
NEEDED_FIELD = {"text_link": "url", "text_mention": "user", "custom_emoji": "custom_emoji_id"}
ENTITY_TYPES = {
    *ENTITY_OF_TAG.values(),
    *("mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number"),
    *("expandable_blockquote", "text_mention"),
}


def format_text(
    raw: str, parse_mode: str | None, given: list[Entity] | None, *, limit: int, too_long: str
) -> tuple[str, list[Entity]]:
    """Return the stored text and entities of a bot's message or caption. The caller checks for an empty text.

    Args:
        given: Entities that the bot sent instead of markup.
        limit: In code points, after parsing.
        too_long: Telegram's error for a text over the limit.

    Raises:
        ApiError: 400, the markup cannot be parsed, or the text is too long.
    """
    if len(raw.encode("utf-8", "surrogatepass")) > RAW_BYTES_LIMIT:
        raise bad_request("text is too long")
    entities = [_known(entity) for entity in given or []]
    mode = (parse_mode or "").lower()
    if mode in ("markdown", "markdownv2"):
        raise bad_request(f"the sandbox does not parse parse_mode {parse_mode}; use HTML")
    if mode == "html":
        try:
            raw, entities = parse_html(raw)
        except HtmlError as error:
            raise bad_request(f"Can't parse entities: {error}") from None
    elif mode and mode != "none":
        raise bad_request("Unsupported parse_mode")
    else:
        _check_range(entities, utf16_length(raw))
    text, entities = clean(raw, entities)
    if len(text) > limit:
        raise bad_request(too_long)
    return text, with_found_entities(text, entities)


def _known(entity: Entity) -> Entity:
    """Return a copy of an entity that the bot sent.

    Raises:
        ApiError: 400, its type is unknown, or a required field is missing.
    """
    kind = entity["type"]
    needs = NEEDED_FIELD.get(kind, "offset")
    if kind not in ENTITY_TYPES:
        raise bad_request("Can't parse MessageEntity: Unsupported type specified")
    if needs not in entity:
        raise bad_request(f"Can't parse MessageEntity: Can't find field \"{needs}\"")
    return dict(entity)


def clean(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Clean and trim a text, and move its entities with it. A text without visible characters becomes empty."""
    if UNCLEAN.search(text) or "\r" in text:
        text, entities = _clean(text, entities)
    end = len(text.rstrip(" \n"))
    text = text[:end]
    entities = _clipped(entities, utf16_length(text))
    entities = nested(entities)
    leading = len(text) - len(text.lstrip(" \n"))
    if entities:
        leading = min(leading, entities[0]["offset"])  # white space inside an entity stays
    if leading:
        text = text[leading:]
        for entity in entities:
            entity["offset"] -= leading
    found = INVISIBLE.match(text)
    if found is not None and found.end() == len(text):
        return "", []
    return text, entities


def entity_text(text: str, entity: Entity) -> str:
    """Return the part of the text that an entity covers."""
    if text.isascii():
        return text[entity["offset"] : entity["offset"] + entity["length"]]
    units = text.encode("utf-16-le", "surrogatepass")
    return units[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])].decode("utf-16-le", "ignore")


def _clean(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    dropped = [utf16_length(text[: found.start()]) for found in DROPPED.finditer(text)]
    for entity in entities:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        entity["offset"] = start - sum(position < start for position in dropped)
        entity["length"] = end - sum(position < end for position in dropped) - entity["offset"]
    return DROPPED.sub("", text).translate(CONTROLS), entities


def _check_range(entities: list[Entity], length: int) -> None:
    for entity in entities:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        if start < 0 or entity["length"] < 0:
            what = "offset" if start < 0 else "length"
            raise bad_request(f"Receive an entity with incorrect {what} {entity[what]}")
        if start > length:
            raise bad_request(f"Entity begins after the end of the text at UTF-16 offset {start}")
        if end > length:
            raise bad_request(
                f"Entity beginning at UTF-16 offset {start} ends after the end of the text at UTF-16 offset {end}"
            )


def _clipped(entities: list[Entity], length: int) -> list[Entity]:
    kept = []
    for entity in entities:
        room = min(entity["length"], length - entity["offset"])
        if room > 0 and entity["offset"] >= 0:
            kept.append({**entity, "length": room})
    return kept


def with_found_entities(text: str, entities: list[Entity]) -> list[Entity]:
    """Add the entities that Telegram finds (commands, links, addresses…) where no other entity overlaps."""
    found = found_entities(text)
    if not found:
        return entities
    solid = [entity for entity in entities if entity["type"] not in SPLITTABLE and "quote" not in entity["type"]]
    free = [new for new in found if not any(_overlap(new, entity) for entity in solid)]
    return sorted([*entities, *free], key=order) if free else entities


def _overlap(one: Entity, other: Entity) -> bool:
    return bool(one["offset"] < other["offset"] + other["length"] and other["offset"] < one["offset"] + one["length"])


def same_content(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> bool:
    """Whether two lists hold the same entities in any order."""

    def key(entity: Entity) -> tuple[Any, ...]:
        return (entity["offset"], entity["length"], entity["type"], entity.get("url"), entity.get("language"))

    return sorted(one, key=key) == sorted(other, key=key)
