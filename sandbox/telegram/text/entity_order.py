"""Nests entities as Telegram does: merges and cuts styles, allows nothing inside code, sorts the outermost first."""

from itertools import pairwise

from sandbox.telegram.text.html_entities import Entity

SPLITTABLE = ("bold", "italic", "underline", "strikethrough", "spoiler")
QUOTES = ("blockquote", "expandable_blockquote")
CODE = ("pre", "code")
# Telegram's order of entities with the same range; 50 for the types that are missing here.
PRIORITY = {
    **{"blockquote": 0, "expandable_blockquote": 0, "pre": 10, "code": 20, "text_link": 49, "text_mention": 49},
    **{"bold": 90, "italic": 91, "underline": 92, "strikethrough": 93, "spoiler": 94, "custom_emoji": 99},
}


def order(entity: Entity) -> tuple[int, int, int]:
    """The key by which Telegram sorts entities."""
    return entity["offset"], -entity["length"], PRIORITY.get(entity["type"], 50)


def nested(entities: list[Entity]) -> list[Entity]:
    """Sort entities. Cut those that cross, and merge equal styles that touch, so that all of them nest."""
    entities = sorted(entities, key=order)
    if len(entities) < 2 or _are_nested(entities):
        return entities
    solid = _without_overlaps([each for each in entities if each["type"] not in SPLITTABLE])
    styles = [each for each in entities if each["type"] in SPLITTABLE]
    return sorted([*solid, *_cut(styles, solid)], key=order)


def _end(entity: Entity) -> int:
    end: int = entity["offset"] + entity["length"]
    return end


def _are_nested(entities: list[Entity]) -> bool:
    around: list[Entity] = []
    last_end: dict[str, int] = {}
    for entity in entities:
        start, end, kind = entity["offset"], _end(entity), entity["type"]
        while around and _end(around[-1]) <= start:
            around.pop()
        if around and (end > _end(around[-1]) or around[-1]["type"] in CODE):
            return False
        if kind in SPLITTABLE:
            if start <= last_end.get(kind, -1):
                return False
            last_end[kind] = end
        elif any(each["type"] not in SPLITTABLE and (each["type"] not in QUOTES or kind in QUOTES) for each in around):
            return False
        around.append(entity)
    return True


def _without_overlaps(entities: list[Entity]) -> list[Entity]:
    """Of two entities that overlap and cannot be cut, keep the first, except within a quotation."""
    kept: list[Entity] = []
    for entity in entities:
        if all(_fits(entity, other) for other in kept):
            kept.append(entity)
    return kept


def _fits(entity: Entity, other: Entity) -> bool:
    if entity["offset"] >= _end(other):
        return True
    return other["type"] in QUOTES and entity["type"] not in QUOTES and _end(entity) <= _end(other)


def _cut(styles: list[Entity], solid: list[Entity]) -> list[Entity]:
    """Cut styles where another style or a solid entity begins, and where a solid entity ends."""
    cuts = {each["offset"] for each in solid} | {_end(each) for each in solid}
    code = [each for each in solid if each["type"] in CODE]
    running: dict[str, list[int]] = {}
    result: list[Entity] = []

    def flush(to: int | None) -> None:
        for kind in SPLITTABLE:
            if kind not in running or (to is not None and running[kind][0] >= to):
                continue
            start, end = running[kind]
            upto = end if to is None else min(end, to)
            points = [start, *sorted(cut for cut in cuts if start < cut < upto), upto]
            result.extend({"type": kind, "offset": left, "length": right - left} for left, right in pairwise(points))
            if upto == end:
                del running[kind]
            else:
                running[kind][0] = upto

    for entity in styles:
        kind, start = entity["type"], entity["offset"]
        if kind in running and start <= running[kind][1]:
            running[kind][1] = max(running[kind][1], _end(entity))
            continue
        flush(start)
        running[kind] = [start, _end(entity)]
    flush(None)
    return [each for each in result if not any(c["offset"] <= each["offset"] < _end(c) for c in code)]
