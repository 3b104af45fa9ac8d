"""The faults pane: one fault at a time for the portal, Telegram and the mail server."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from sandbox.mail.faults import Fault as MailFault
from sandbox.mail.faults import Stage
from sandbox.portal.faults import Fault, FaultKind
from sandbox.web.calls import Call, NotFound, Routes
from sandbox.web.page import Page

SENDING = ("sendMessage", "editMessageText", "sendDocument")
WELL = "well"
CUSTOM = "custom"

PORTAL_FAULTS = {
    "portal_slow": Fault(FaultKind.SLOW, seconds=6.0),
    "portal_500": Fault(FaultKind.SERVER_ERROR),
    "portal_pdf": Fault(FaultKind.PDF_CORRUPT, path="*/pdf"),
}
TELEGRAM_FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "telegram_429": ("retry_after", {"retry_after": 5}),
    "telegram_blocked": ("error", {"status": 403, "description": "Forbidden: bot was blocked by the user"}),
    "telegram_latency": ("latency", {"seconds": 2.0}),
    "telegram_gateway": ("gateway", {"status": 502}),
}


@dataclass(frozen=True, slots=True)
class System:
    """One of the three systems: its possible faults and its current one."""

    name: str
    title: str
    choices: tuple[str, ...]
    state: str


def health_values(page: Page) -> dict[str, Any]:
    """Return the template values of the faults pane."""
    return {
        "systems": (
            System("portal", "office", (WELL, "portal_down", *PORTAL_FAULTS), _portal_state(page)),
            System("telegram", "Telegram", (WELL, *TELEGRAM_FAULTS), _telegram_state(page)),
            System("mail", "mailbox", (WELL, "mail_down", "mail_refused"), _mail_state(page)),
        )
    }


def _portal_state(page: Page) -> str:
    faults = page.portal.faults.all()
    if not page.portal.is_up:
        return "portal_down"
    if not faults:
        return WELL
    return next((name for name, each in PORTAL_FAULTS.items() if each.kind is faults[0].kind), CUSTOM)


def _telegram_state(page: Page) -> str:
    rules = page.world.faults.rules
    if not rules:
        return WELL
    return next((name for name, (kind, _) in TELEGRAM_FAULTS.items() if kind == rules[0].kind), CUSTOM)


def _mail_state(page: Page) -> str:
    if page.mailbox.is_down:
        return "mail_down"
    faults = list(page.mailbox.faults)
    if not faults:
        return WELL
    return "mail_refused" if faults[0].at is Stage.RCPT else CUSTOM


async def _set_portal(page: Page, chosen: str) -> None:
    page.portal.faults.clear()
    if chosen == "portal_down":
        await page.portal.stop()
        return
    if not page.portal.is_up:
        await page.portal.start()
    if chosen in PORTAL_FAULTS:
        wanted = PORTAL_FAULTS[chosen]
        page.portal.faults.set(Fault(wanted.kind, path=wanted.path, seconds=wanted.seconds))


async def _set_telegram(page: Page, chosen: str) -> None:
    page.world.faults.clear()
    if chosen in TELEGRAM_FAULTS:
        kind, rule = TELEGRAM_FAULTS[chosen]
        for method in SENDING:
            page.world.faults.add(kind, method=method, count=None, **rule)


async def _set_mail(page: Page, chosen: str) -> None:
    await page.mailbox.heal()
    if chosen == "mail_down":
        await page.mailbox.go_down()
    elif chosen == "mail_refused":
        page.mailbox.fail(MailFault(Stage.RCPT, code=550))


SETTERS = {"portal": _set_portal, "telegram": _set_telegram, "mail": _set_mail}


async def choose(call: Call) -> Response:
    """Set or clear the fault of one system."""
    system = call.request.path_params["system"]
    if system not in SETTERS:
        raise NotFound
    await SETTERS[system](call.page, call.field("fault"))
    call.page.publish_changes()
    return call.show("health", **health_values(call.page))


async def show(call: Call) -> Response:
    """Show the faults pane."""
    return call.show("health", **health_values(call.page))


HEALTH_ROUTES: Routes = [("GET", "/health", show), ("POST", "/health/{system}", choose)]
