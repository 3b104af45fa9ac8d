"""The faults of the pane: what a person can choose for each system, from the registries of the systems."""

from collections.abc import Iterator
from typing import Any

from sandbox.mail.faults import PRESETS, Act, Fault as MailFault, Stage
from sandbox.portal.faults import Fault, FaultKind
from sandbox.telegram.faults import FaultKind as TelegramKind

SENDING = ("sendMessage", "editMessageText", "sendDocument")

_PORTAL_FIELDS: dict[str, dict[str, Any]] = {
    "slow": {"seconds": 6.0}, "stall": {"seconds": 6.0}, "drip": {"seconds": 0.05}, "not_ready": {"path": "*/pdf"},
}  # fmt: skip
_TELEGRAM_FIELDS: dict[str, dict[str, Any]] = {
    "retry_after": {"retry_after": 5},
    "error": {"status": 500, "description": "Internal Server Error"},
    "gateway": {"status": 502},
    "latency": {"seconds": 2.0},
    "hang_before": {"seconds": 30.0},
    "hang_after": {"seconds": 30.0},
}
TELEGRAM_NAMES = {"retry_after": "too_many"}
BLOCKED = {"status": 403, "description": "Forbidden: bot was blocked by the user"}
WEBHOOK_ELSEWHERE, ANOTHER_POLLER, TOO_MANY_HERE = "webhook_elsewhere", "another_poller", "too_many_here"
_MAIL: dict[str, MailFault] = {
    "hang": MailFault(Stage.CONTENT, Act.HANG),
    "break": MailFault(Stage.CONTENT, Act.DROP),
}


def portal_faults() -> dict[str, Fault]:
    """Return a fault of each kind by its name."""
    return {kind.value: _portal_fault(kind) for kind in FaultKind}


def _portal_fault(kind: FaultKind) -> Fault:
    name = kind.value
    path = "*"
    if name.startswith("pdf_"):
        path = "*/pdf"
    elif "event" in name or "cursor" in name or name == "empty_pages":
        path = "*/events"
    elif name.endswith("_contact"):
        path = "*/contacts/*"
    return Fault(kind, **({"path": path} | _PORTAL_FIELDS.get(name, {})))


def telegram_faults() -> dict[str, tuple[TelegramKind, dict[str, Any]]]:
    """Return kind and fields of each fault of sending, by its name."""
    names = {kind: TELEGRAM_NAMES.get(kind.value, kind.value) for kind in TelegramKind}
    found = {name: (kind, _TELEGRAM_FIELDS.get(kind.value, {})) for kind, name in names.items()}
    return found | {"blocked": (TelegramKind.ERROR, BLOCKED)}


def mail_faults() -> dict[str, MailFault]:
    """Return the mailbox's known faults by name, then a fault of each stage by the stage's name."""
    by_stage = {stage.value: MailFault(stage, code=421 if stage is Stage.CONNECT else 451) for stage in Stage}
    return PRESETS | _MAIL | by_stage


def choices() -> Iterator[tuple[str, str]]:
    """Yield each system and fault that the page offers."""
    for name in ("down", *portal_faults()):
        yield "portal", name
    for name in (*telegram_faults(), TOO_MANY_HERE, WEBHOOK_ELSEWHERE, ANOTHER_POLLER):
        yield "telegram", name
    for name in ("down", *mail_faults()):
        yield "mail", name
