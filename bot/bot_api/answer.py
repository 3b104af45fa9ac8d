"""The answers of the Bot API: their length, and their JSON. What is wrong with one is a ``NetworkError``."""

import json
from typing import Any

import aiohttp
import orjson
from telegram.error import NetworkError

LONGEST = 2 * 1024 * 1024
"""Bytes. What is expected is a message of some kilobytes."""
LONGEST_UPDATES = 16 * 1024 * 1024
"""Bytes of an answer to getUpdates: a hundred updates."""
LONGEST_FILE = 20 * 1024 * 1024
"""Bytes. Telegram gives bots no longer file (https://core.telegram.org/bots/api#getfile)."""
_DEEPEST = 64
"""Levels of nesting. A message quotes one other; building PTB's objects of some hundred levels is a RecursionError."""


async def read(response: aiohttp.ClientResponse, longest: int) -> bytes:
    """The body of an answer. Raises ``NetworkError`` where it is compressed or longer than ``longest`` bytes."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        response.close()
        raise NetworkError("The answer is compressed, which was not asked for")
    pieces, length = [], 0
    async for piece in response.content.iter_any():
        length += len(piece)
        if length > longest:
            response.close()
            raise NetworkError(f"The answer is longer than {longest} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def parsed(payload: bytes) -> dict[str, Any]:
    """The object in an answer. Raises ``NetworkError`` where there is none, or one nested too deep."""
    try:
        found = orjson.loads(payload)
    except orjson.JSONDecodeError:
        found = _leniently(payload)
    if not isinstance(found, dict) or _is_too_deep(payload, found):
        raise NetworkError("Invalid server response")
    return found


def _leniently(payload: bytes) -> Any:
    """As PTB reads it: also with bytes that are no UTF-8, and halves of surrogate pairs."""
    try:
        return json.loads(payload.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise NetworkError("Invalid server response") from None


def _is_too_deep(payload: bytes, found: dict[str, Any]) -> bool:
    """Whether there are more than ``_DEEPEST`` levels; looks at each only where there are as many brackets at all."""
    if payload.count(b"{") + payload.count(b"[") <= _DEEPEST:
        return False
    level: list[Any] = [found]
    for _ in range(_DEEPEST):
        level = [
            child
            for each in level
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
