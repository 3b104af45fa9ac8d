"""Logging: structured lines without secrets and addresses, including tracebacks and lines of libraries."""

import logging
import re
import sys
import time
from collections.abc import Iterable, MutableMapping
from typing import Any

import structlog

_REDACTED = "[redacted]"
# The limit of 64 keeps matching linear on a long word without an @.
_EMAIL = re.compile(r"[^\s@<>\"(),:;\[\]]{1,64}@[\w-]+(?:\.[\w-]+)*")
_BOT_PATH = re.compile(r"/bot\d+:[^/\s\"']+")
_OWN_LOGGERS = ("bot", "handlers", "services", "portal", "mail", "storage", "texts")
_VERBOSE_LOGGERS = ("httpx", "httpcore", "aiohttp", "aiosqlite", "alembic", "asyncio")


class Redactor:
    """A structlog processor that replaces secrets, email addresses and tokens in URLs by ``[redacted]``.

    Args:
        secrets: The values to replace; those shorter than four characters are ignored.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        # Longest first, because one secret may contain another.
        known = sorted({secret for secret in secrets if len(secret) >= 4}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Redact every value of the event: messages of exceptions may contain anything."""
        return {name: self._value(value) for name, value in event.items()}

    def text(self, text: str) -> str:
        """Return the text without secrets and addresses."""
        text = self._secrets.sub(_REDACTED, text) if self._secrets else text
        text = _BOT_PATH.sub(f"/bot{_REDACTED}", text)
        return _EMAIL.sub(_REDACTED, text) if "@" in text else text

    def _value(self, value: Any) -> Any:
        if isinstance(value, bool | int | float | None):
            return value
        return self.text(value if isinstance(value, str) else str(value))


class ThrottledWarning:
    """A warning that strangers can cause, written at most once in ``seconds``, with how often it occurred."""

    def __init__(self, log: Any, event: str, seconds: float = 60.0) -> None:
        self._log = log
        self._event = event
        self._seconds = seconds
        self._count = 0
        self._written_at: float | None = None

    def count(self) -> None:
        """Count one more time, and write the warning if the last one is old enough."""
        self._count += 1
        now = time.monotonic()
        if self._written_at is None or now - self._written_at >= self._seconds:
            self._log.warning(self._event, times=self._count)
            self._count, self._written_at = 0, now


def set_up_logs(log_format: str, level: str, secrets: Iterable[str]) -> None:
    """Send the lines of structlog and of the standard library, redacted, to standard error.

    Args:
        log_format: ``console``, ``json``, or ``auto``: console on a terminal, else JSON.
        level: The level of Odobot's own loggers.
        secrets: The values that no line may contain.
    """
    # Otherwise a line that cannot be formatted is printed unredacted, with its arguments.
    logging.raiseExceptions = False
    is_console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]
    renderer: structlog.typing.Processor
    console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    renderer = console if is_console else structlog.processors.JSONRenderer(ensure_ascii=False)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Tracebacks without local variables, which hold what people wrote.
            structlog.processors.format_exc_info,
            Redactor(secrets),
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries log at DEBUG, and some at INFO, what people write, so only Odobot's own loggers get those levels.
    root.setLevel(max(logging.INFO, logging.getLevelName(level)))
    for name in _OWN_LOGGERS:
        logging.getLogger(name).setLevel(level)
    # A line for each retry would contain the whole page of a gateway. The last failure is logged by the caller.
    logging.getLogger("stamina").setLevel(logging.ERROR)
    # The security log is written at any level.
    logging.getLogger("security").setLevel(logging.INFO)
    for name in _VERBOSE_LOGGERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
