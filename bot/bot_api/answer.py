"""Answers of the Bot API: limits on length and nesting, and JSON. An invalid answer raises ``NetworkError``."""

import json
from typing import Any

import aiohttp
import orjson
from telegram.error import NetworkError

MAX_ANSWER_BYTES = 2 * 1024 * 1024
"""An expected answer is a message of some kilobytes."""
MAX_UPDATES_BYTES = 16 * 1024 * 1024
"""An answer to getUpdates has up to 100 updates."""
MAX_FILE_BYTES = 20 * 1024 * 1024
"""Telegram gives bots no larger file (https://core.telegram.org/bots/api#getfile)."""
_MAX_DEPTH = 64
"""Levels of nesting. A message quotes one other; PTB raises RecursionError at some hundred levels."""


class AnswerTooLong(NetworkError):
    """The answer is longer than expected; it was not read to its end."""


async def read_answer(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """Return the body. Raises ``NetworkError`` if it is compressed or longer than ``max_bytes``."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        response.close()
        raise NetworkError("The answer is compressed, which was not requested")
    chunks, length = [], 0
    async for chunk in response.content.iter_any():
        length += len(chunk)
        if length > max_bytes:
            response.close()
            raise AnswerTooLong(f"The answer is longer than {max_bytes} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def parse_answer(payload: bytes) -> dict[str, Any]:
    """Return the JSON object. Raises ``NetworkError`` if there is none, or its nesting exceeds ``_MAX_DEPTH``."""
    answer = parse_object(payload)
    # Few brackets in all make it certain without a walk.
    if payload.count(b"{") + payload.count(b"[") > _MAX_DEPTH and is_too_deep(answer):
        raise NetworkError("Invalid server response")
    return answer


def parse_object(payload: bytes) -> dict[str, Any]:
    """Return the JSON object, of any nesting, without NUL in its texts. Raises ``NetworkError`` if there is none."""
    try:
        # Few payloads have the escape of NUL, so that others need no walk.
        answer = orjson.loads(payload) if b"\\u0000" not in payload else _parse_leniently(payload)
    except orjson.JSONDecodeError:
        answer = _parse_leniently(payload)
    if not isinstance(answer, dict):
        raise NetworkError("Invalid server response")
    return answer


def _parse_leniently(payload: bytes) -> Any:
    """Parse as PTB does: accept invalid UTF-8, unpaired surrogates and NUL, which become U+FFFD."""
    try:
        return _storable(json.loads(payload.decode("utf-8", "replace")))
    except (ValueError, RecursionError):
        raise NetworkError("Invalid server response") from None


def _storable(value: Any) -> Any:
    """Return parsed JSON with U+FFFD for each unpaired surrogate and NUL, which not every database or mail stores."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\0", "\ufffd")
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(each) for key, each in value.items()}
    return value


def is_too_deep(value: dict[str, Any]) -> bool:
    """Return whether the nesting exceeds ``_MAX_DEPTH``."""
    level: list[Any] = [value]
    for _ in range(_MAX_DEPTH):
        level = [
            child
            for each in level
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
