"""Logs: one JSON object a line, without secrets and personal data."""

import io
import json
import logging
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import example, given, settings, strategies as st

from bot.logs import Redactor, set_up_logs
from services.linking.linking import CodeRequested
from tests.bot import logging_as_it_was

TOKEN = "123456789:AAhZ-secret_telegram-token"
PASSWORD = "hunter2-very-secret"
KEY = "pV2o0kqkqk4ajB7z8b3XcT5y1mN6wQ9sR2uE4iO7pA0="
EMAIL = "camille.tremblay+odo@example.test"
CODE = "739264"
SECRETS = [TOKEN, PASSWORD, KEY, f"smtp://me:{PASSWORD}@mail.test"]


class Lines:
    """Captures what is written to standard error."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")

    def start(self, log_format: str = "json", level: str = "DEBUG") -> None:
        """Set up logging as a process does at its start."""
        self._patch.setattr(sys, "stderr", self._stream)
        set_up_logs(log_format, level, SECRETS)

    @property
    def text(self) -> str:
        self._stream.flush()
        buffer = self._stream.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode()

    def read(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.text.removesuffix("\n").split("\n") if line]
        assert [secret for secret in (TOKEN, PASSWORD, KEY, EMAIL, "tremblay") if secret in self.text] == []
        return lines


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Logs to set up; logging is restored afterwards."""
    with logging_as_it_was():
        yield Lines(monkeypatch)


def test_log_line_is_a_json_object(logs: Lines) -> None:
    """A line has the event, the timestamp, the logger and the level."""
    logs.start()
    structlog.get_logger("handlers.dispatch").warning("linking.failed", update_id=42, took=0.5, known=None, ok=False)
    logging.getLogger("elsewhere").error("it broke: %s", "why")
    ours, theirs = logs.read()
    assert (ours["event"], ours["level"], ours["update_id"], ours["took"]) == ("linking.failed", "warning", 42, 0.5)
    assert (ours["known"], ours["ok"]) == (None, False)
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("it broke: why", "error", "elsewhere")


SLIPS: dict[str, Any] = {
    "message": lambda log: log.info(f"token {TOKEN} of {EMAIL}"),
    "positional": lambda log: log.info("%s wrote %s", EMAIL, PASSWORD),
    "values": lambda log: log.info("x", email=EMAIL, key=KEY),
    "nested": lambda log: log.info("x", body={"to": [EMAIL, {"deep": (TOKEN, PASSWORD)}]}),
    "bytes": lambda log: log.info("x", body=f"{EMAIL} {TOKEN}".encode()),
    "an object": lambda log: log.info("x", url=httpx.URL(f"https://api.telegram.org/bot{TOKEN}/getMe")),
    "an exception as value": lambda log: log.info("x", error=ValueError(f"{EMAIL} {TOKEN}")),
    "bound": lambda log: log.bind(email=EMAIL).info("x"),
    "standard": lambda _: logging.getLogger("x").info("%s %s", EMAIL, TOKEN),
    "standard mapping": lambda _: logging.getLogger("x").info("%(who)s", {"who": f"{EMAIL} {PASSWORD}"}),
    "standard object": lambda _: logging.getLogger("x").warning(ValueError(f"{EMAIL} {KEY}")),
    "httpx": lambda _: logging.getLogger("httpx").warning(
        'HTTP Request: %s %s "%s"', "POST", httpx.URL(f"https://api.telegram.org/bot{TOKEN}/sendMessage"), "200 OK"
    ),
    "another bot's token": lambda _: logging.getLogger("x").info(
        f"POST https://api.telegram.org/bot987654321:AAother-{PASSWORD}/getMe"
    ),
    "a mail login": lambda log: log.info("connecting", url=f"smtp://me:{PASSWORD}@mail.test"),
    "several addresses": lambda log: log.info(f"<{EMAIL}>,{EMAIL};'{EMAIL}' mailto:{EMAIL}?subject=x"),
}


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
def test_secrets_and_addresses_are_redacted(logs: Lines, slip: Any) -> None:
    logs.start()
    slip(structlog.get_logger("x"))
    (line,) = logs.read()
    assert "[redacted]" in json.dumps(line)
    assert "AAother" not in logs.text


def raise_deeply() -> None:
    try:
        raise KeyError(f"{EMAIL} {TOKEN}")
    except KeyError as error:
        error.add_note(f"note {PASSWORD}")
        typed = f"message text of {CODE}"
        raise RuntimeError(f"while {EMAIL}") from (error if typed else None)


@pytest.mark.parametrize("how", ["structlog", "structlog exc_info", "standard", "group"])
def test_traceback_has_functions_but_no_personal_data(logs: Lines, how: str) -> None:
    logs.start()
    try:
        raise_deeply()
    except RuntimeError as error:
        match how:
            case "structlog":
                structlog.get_logger("x").exception("broke")
            case "structlog exc_info":
                structlog.get_logger("x").error("broke", exc_info=error)
            case "standard":
                logging.getLogger("x").exception("broke")
            case _:
                structlog.get_logger("x").error("broke", exc_info=ExceptionGroup(EMAIL, [error]))
    (line,) = logs.read()
    assert "RuntimeError" in line["exception"]
    assert "raise_deeply" in line["exception"]
    assert CODE not in line["exception"]  # local variables contain what people wrote


def test_requested_code_is_not_logged(logs: Lines) -> None:
    logs.start()
    asked = CodeRequested(1, 2, email=EMAIL, code=CODE)
    structlog.get_logger("x").info("asked", asked=asked, all=[asked], error=ValueError(asked))
    structlog.get_logger("x").info(f"asked {asked} {asked!r}")
    logs.read()
    assert CODE not in logs.text


def test_unformattable_line_is_redacted(logs: Lines) -> None:
    logs.start()
    logging.getLogger("x").info("%d updates", f"{EMAIL} {TOKEN}")

    class Bad:
        def __repr__(self) -> str:
            raise ValueError(f"{EMAIL} {TOKEN}")

    structlog.get_logger("x").info("x", bad=Bad())
    assert EMAIL not in logs.text
    assert TOKEN not in logs.text


@pytest.mark.parametrize(
    "value", ["\ud800", "\x00\x1b[31m", 'a"b\\c\n{"x": 1}', "🎉\u2028", b"\xff", {1: {2}}, object()]
)
def test_any_value_is_logged_as_one_json_line(logs: Lines, value: Any) -> None:
    logs.start()
    structlog.get_logger("x").info("before", value=value)
    structlog.get_logger("x").info(f"after {value}")
    assert [line["event"].split(" ")[0] for line in logs.read()] == ["before", "after"]


def test_http_and_sql_libraries_log_only_warnings(logs: Lines) -> None:
    """Libraries that log URLs write nothing below WARNING."""
    logs.start()
    for name in ("httpx", "httpcore", "httpcore.http11", "aiosqlite", "alembic.runtime", "asyncio"):
        logging.getLogger(name).info("GET https://portal.test/v1/contacts/7781")
        logging.getLogger(name).debug("x")
    assert logs.read() == []


LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


@pytest.mark.parametrize("level", LEVELS)
def test_debug_level_applies_only_to_odobot_loggers(logs: Lines, level: str) -> None:
    """Odobot's packages log from the configured level; other libraries never log DEBUG."""
    logs.start("json", level)
    for log in (
        structlog.get_logger("handlers.dispatch"),
        logging.getLogger("bot.app"),
        logging.getLogger("elsewhere"),
    ):
        for name in LEVELS[:-1]:
            getattr(log, name.lower())("line")
    written = [(line["logger"], line["level"].upper()) for line in logs.read()]
    for ours in ("handlers.dispatch", "bot.app"):
        assert [of for logger, of in written if logger == ours] == LEVELS[LEVELS.index(level) : -1]
    others = max(LEVELS.index(level), 1)  # other libraries log what people write at DEBUG
    assert [of for logger, of in written if logger == "elsewhere"] == LEVELS[others:-1]


def test_console_format_is_redacted(logs: Lines) -> None:
    logs.start("console", "INFO")
    try:
        raise_deeply()
    except RuntimeError:
        structlog.get_logger("x").exception("broke", email=EMAIL)
    assert "broke" in logs.text
    assert [secret for secret in (TOKEN, PASSWORD, EMAIL, CODE) if secret in logs.text] == []


def test_auto_format_is_json_without_a_terminal(logs: Lines) -> None:
    logs.start("auto", "INFO")
    structlog.get_logger("x").info("line")
    assert [line["event"] for line in logs.read()] == ["line"]


@pytest.mark.parametrize("secret", ["a.b*c+secret", "se|cret", "sec\\ret", "(secret", "secret" * 200, "é-secret"])
def test_secret_is_not_used_as_a_regular_expression(secret: str) -> None:
    assert Redactor([secret]).text(f"x{secret}y") == "x[redacted]y"


def test_overlapping_secrets_are_redacted_completely() -> None:
    redact = Redactor(["secret-one", "secret-one-and-two", "one", "", "x"]).text
    assert redact("secret-one-and-two, secret-one") == "[redacted], [redacted]"
    assert redact("x marks nothing") == "x marks nothing"


ATOM = st.text("abcXYZ0189.+_-'%", min_size=1, max_size=20).filter(
    lambda text: text.strip(".") == text and ".." not in text
)


@settings(deadline=None)
@given(
    ATOM,
    st.sampled_from(["example.test", "odotrack.quebec", "é.ca", "a-b.co.uk", "xn--xemple-9ua.ca"]),
    st.text(' <>():,;"', max_size=3),
)
@example("a", "b.ca", "")
def test_mail_addresses_are_redacted(local: str, domain: str, around: str) -> None:
    shown = Redactor([]).text(f"to {around}{local}@{domain}{around} now")
    assert f"@{domain}" not in shown
    assert shown.startswith("to ")
    assert shown.endswith(" now")


@pytest.mark.parametrize("address", ["o!neil@example.test", "a/b@example.test", "a&b=c@example.test", "root@localhost"])
def test_unusual_mail_addresses_are_redacted(address: str) -> None:
    assert Redactor([]).text(f"to {address} now") == "to [redacted] now"


@pytest.mark.parametrize(
    "text", ["a" * 20_000, "a." * 10_000, "a@" * 10_000, "/bot1" * 4_000, "@" * 20_000], ids=lambda text: text[:5]
)
def test_redaction_of_a_long_line_is_fast(text: str) -> None:
    started = time.process_time()
    Redactor(SECRETS).text(text)
    assert time.process_time() - started < 3
