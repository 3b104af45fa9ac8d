"""The faults of Telegram, portal and mail server, by their names in the plan. Each ends after some seconds."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from sandbox.mail.faults import Act, Fault as MailFault, Stage as MailStage
from sandbox.portal.data.tables import EventRow
from sandbox.portal.faults import Fault as PortalFault, FaultKind as PortalFaultKind
from sandbox.telegram.faults import Fault as TelegramFault
from tests.chaos.setup.stage import SHARED_ACCOUNT, Stage

_MAIL_FAULTS = {
    "busy": MailFault(MailStage.RCPT, Act.REPLY, 451),
    "refuses": MailFault(MailStage.RCPT, Act.REPLY, 550),
    "drops_content": MailFault(MailStage.CONTENT, Act.DROP),
    "drops_reply": MailFault(MailStage.STORED, Act.DROP),
    "silent": MailFault(MailStage.CONNECT, Act.HANG),
}


@asynccontextmanager
async def telegram_away(stage: Stage) -> AsyncIterator[None]:
    """Let Telegram refuse connections during the block."""
    await stage.telegram.stop()
    try:
        yield
    finally:
        await stage.telegram.start()


@asynccontextmanager
async def telegram_fault(stage: Stage, kind: str, **options: Any) -> AsyncIterator[TelegramFault]:
    """Play a fault of Telegram during the block. Gives it; it counts the calls that it met.

    Args:
        kind: A kind of the sandbox's Telegram.
        options: ``method`` and other fields of the sandbox's fault; ``hang``: seconds of hanging and latency.
    """
    if "hang" in options:
        options["seconds"] = options.pop("hang")
    fault = stage.telegram.world.faults.add(kind, count=None, **options)
    try:
        yield fault
    finally:
        fault.count = 0  # matches no call any more


@asynccontextmanager
async def portal_fault(stage: Stage, kind: str, **options: Any) -> AsyncIterator[None]:
    """Play a fault of the portal during the block: ``refused``, ``gateway``, or a kind of the sandbox's portal."""
    if kind == "refused":
        await stage.portal.stop()
        try:
            yield
        finally:
            await stage.portal.start()
        return
    if kind == "gateway":
        kind, options = "proxy_page", {"status": 502} | options
    seconds = {"slow": 30.0, "stall": 30.0, "drip": 0.1}.get(kind, 1.0)
    fault = stage.portal.faults.set(PortalFault(PortalFaultKind(kind), **({"seconds": seconds} | options)))
    try:
        yield
    finally:
        stage.portal.faults.clear(fault.fault_id)


@asynccontextmanager
async def mail_fault(stage: Stage, kind: str) -> AsyncIterator[None]:
    """Play a fault of the mail server during the block; ``refused``: no connections."""
    if kind == "refused":
        await stage.mailbox.go_down()
    else:
        stage.mailbox.fail(_MAIL_FAULTS[kind])
    try:
        yield
    finally:
        await stage.mailbox.heal()


POISONS: Mapping[str, dict[str, Any]] = {
    "far_future": {"occurred_at": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)},
    "nul_character": {"account_id": "a\0b", "number": "1\x002"},
    "unknown_type": {"type": "invoice.shredded"},
    "empty_number": {"number": None},
    "long_number": {"number": "9" * 5_000},
}
"""What differs from a usual event in those that no reader can use."""


def add_poison(stage: Stage, kind: str) -> None:
    """Append one of the events of ``POISONS`` to the portal's feed; it stays there."""
    usual = {"type": "invoice.issued", "occurred_at": datetime.now(UTC), "account_id": SHARED_ACCOUNT, "number": "1"}
    with stage.portal.portal.database.session() as session:
        session.add(EventRow(**(usual | POISONS[kind])))
        session.commit()


async def play_fault(stage: Stage, name: str, seconds: float, options: Mapping[str, Any]) -> None:
    """Play a fault of the plan, such as ``telegram.gateway`` or ``database.away``, and end it after some seconds."""
    neighbour, _, kind = name.partition(".")
    match neighbour:
        case "telegram" if kind == "refused":
            async with telegram_away(stage):
                await asyncio.sleep(seconds)
        case "telegram":
            async with telegram_fault(stage, kind, **options):
                await asyncio.sleep(seconds)
        case "portal":
            async with portal_fault(stage, kind, **options):
                await asyncio.sleep(seconds)
        case "mail":
            async with mail_fault(stage, kind):
                await asyncio.sleep(seconds)
        case "feed" if kind in POISONS:
            add_poison(stage, kind)
        case "feed":
            async with portal_fault(stage, kind, path="/v1/events"):
                await asyncio.sleep(seconds)
        case "database":
            await stage.engine.fail(kind, seconds)
        case _:
            raise AssertionError(name)
