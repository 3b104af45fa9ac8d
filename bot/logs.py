"""Logs: structured, and redacted on the way out, tracebacks and other libraries' lines included."""

import logging
import re
import sys
import time
from collections.abc import Iterable, MutableMapping
from typing import Any

import structlog

_REDACTED = "[redacted]"
# Bounded on the left: a long word without an @ must not be read again from each of its letters.
_EMAIL = re.compile(r"[^\s@<>\"(),:;\[\]]{1,64}@[\w-]+(?:\.[\w-]+)*")
_BOT_PATH = re.compile(r"/bot\d+:[^/\s\"']+")
_OURS = ("bot", "handlers", "services", "portal", "mail", "storage", "texts")
_LOUD = ("httpx", "httpcore", "aiohttp", "aiosqlite", "alembic", "asyncio")


class Redactor:
    """A processor at the end of the chain: secrets by value, addresses by shape."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one secret may hold another.
        known = sorted({secret for secret in secrets if len(secret) >= 4}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Every value is redacted: an exception's words are as free as a message's."""
        return {name: self._value(value) for name, value in event.items()}

    def text(self, text: str) -> str:
        """One text without secrets and addresses."""
        text = self._secrets.sub(_REDACTED, text) if self._secrets else text
        text = _BOT_PATH.sub(f"/bot{_REDACTED}", text)
        return _EMAIL.sub(_REDACTED, text) if "@" in text else text

    def _value(self, value: Any) -> Any:
        if isinstance(value, bool | int | float | None):
            return value
        return self.text(value if isinstance(value, str) else str(value))


class ThrottledWarning:
    """A warning that strangers can cause: written once a minute at the most, with how often it was meant."""

    def __init__(self, log: Any, event: str, seconds: float = 60.0) -> None:
        self._log = log
        self._event = event
        self._seconds = seconds
        self._count = 0
        self._written_at: float | None = None

    def count(self) -> None:
        """It happened once more."""
        self._count += 1
        now = time.monotonic()
        if self._written_at is None or now - self._written_at >= self._seconds:
            self._log.warning(self._event, times=self._count)
            self._count, self._written_at = 0, now


def set_up_logs(log_format: str, level: str, secrets: Iterable[str]) -> None:
    """Routes structlog and the standard library's logging through one redacted chain, to standard error."""
    # A line that cannot be formatted would be printed bare, with its arguments.
    logging.raiseExceptions = False
    is_console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]
    last: structlog.typing.Processor
    last = structlog.dev.ConsoleRenderer() if is_console else structlog.processors.JSONRenderer(ensure_ascii=False)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Tracebacks without local variables: those hold what people wrote.
            structlog.processors.format_exc_info,
            Redactor(secrets),
            last,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Other libraries tell at DEBUG, and some at INFO, what people write; only our own rooms may go that low.
    root.setLevel(max(logging.INFO, logging.getLevelName(level)))
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    # What is let in or refused is always told, however quiet the rest is.
    logging.getLogger("security").setLevel(logging.INFO)
    for name in _LOUD:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
