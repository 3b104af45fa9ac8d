"""The faults pane: one fault at a time for the portal, Telegram and the mail server."""

from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response

from sandbox.web.calls import Call, NotFound, Routes
from sandbox.web.page import Page
from sandbox.web.panes.faults import (
    ANOTHER_POLLER,
    SENDING,
    TOO_MANY_HERE,
    WEBHOOK_ELSEWHERE,
    choices,
    mail_faults,
    portal_faults,
    telegram_faults,
)
from sandbox.web.rendering.fault_words import fault_words

WELL = "well"
CUSTOM = "custom"
TITLES = {"portal": "office", "telegram": "Telegram", "mail": "mailbox"}
USUAL = ("down", "slow", "server_error", "proxy_page", "pdf_corrupt", "too_many", "blocked", "gateway", "latency",
         "webhook_elsewhere", "refused", "greylisting", "too_large", "hang")  # fmt: skip
"""The faults that are shown first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One fault in the page's language."""

    name: str
    title: str
    note: str


@dataclass(frozen=True, slots=True)
class System:
    """One of the three systems: its usual faults, the others, and the current one."""

    name: str
    title: str
    usual: tuple[Choice, ...]
    others: tuple[Choice, ...]
    state: str


def health_values(page: Page, language: str) -> dict[str, Any]:
    """Return the template values of the faults pane."""
    return {"systems": [_system(page, name, language) for name in SETTERS]}


def _system(page: Page, system: str, language: str) -> System:
    all_of_it = [Choice(name, *fault_words(system, name, language)) for each, name in choices() if each == system]
    usual = tuple(sorted((each for each in all_of_it if each.name in USUAL), key=lambda each: USUAL.index(each.name)))
    others = tuple(each for each in all_of_it if each not in usual)
    return System(system, TITLES[system], usual, others, page.fault_names.get(system) or _state(page, system))


def _state(page: Page, system: str) -> str:
    """Return the state of a system whose fault the page did not choose: set by the control API, used up, or none."""
    if system == "portal":
        if not page.portal.is_up:
            return "down"
        faults = page.portal.faults.all()
        return (faults[0].kind.value if len(faults) == 1 else CUSTOM) if faults else WELL
    if system == "telegram":
        return CUSTOM if page.world.faults.rules else WELL
    if page.mailbox.is_down:
        return "down"
    return CUSTOM if list(page.mailbox.faults) else WELL


def _forget_ended(page: Page) -> None:
    """Forget the chosen faults that were used up or removed by the control API meanwhile."""
    is_there = {
        "portal": not page.portal.is_up or bool(page.portal.faults.all()),
        "telegram": bool(page.world.faults.rules) or page.disturbance is not None or bool(page.bot.webhook.url),
        "mail": page.mailbox.is_down or bool(list(page.mailbox.faults)),
    }
    for system, there in is_there.items():
        if not there:
            page.fault_names.pop(system, None)


async def _set_portal(page: Page, chosen: str, _person: int | None) -> None:
    page.portal.faults.clear()
    if chosen == "down":
        await page.portal.stop()
        return
    if not page.portal.is_up:
        await page.portal.start()
    if fault := portal_faults().get(chosen):
        page.portal.faults.set(replace(fault))


async def _set_telegram(page: Page, chosen: str, person: int | None) -> None:
    page.world.faults.clear()
    page.stop_disturbance()
    if page.fault_names.get("telegram") == WEBHOOK_ELSEWHERE:
        await page.bot.webhook.close()
    if chosen == WEBHOOK_ELSEWHERE:
        page.bot.updates.end_poll_for_webhook()
        await page.bot.webhook.set("http://127.0.0.1:9/elsewhere", "", 40, "")
    elif chosen == ANOTHER_POLLER:
        page.disturb_polling()
    elif chosen == TOO_MANY_HERE and person is not None:
        for method in SENDING:
            page.world.faults.add("retry_after", method=method, count=None, retry_after=5, chat_id=person)
    elif chosen in telegram_faults():
        kind, rule = telegram_faults()[chosen]
        for method in SENDING:
            page.world.faults.add(kind, method=method, count=None, **rule)


async def _set_mail(page: Page, chosen: str, _person: int | None) -> None:
    await page.mailbox.heal()
    if chosen == "down":
        await page.mailbox.go_down()
    elif fault := mail_faults().get(chosen):
        page.mailbox.fail(fault)


SETTERS = {"portal": _set_portal, "telegram": _set_telegram, "mail": _set_mail}


async def choose(call: Call) -> Response:
    """Set or clear the fault of one system. The form may name the person whose chat is open."""
    system, chosen, page = call.request.path_params["system"], call.field("fault"), call.page
    if system not in SETTERS or (chosen != WELL and (system, chosen) not in set(choices())):
        raise NotFound
    person = call.field("person")
    await SETTERS[system](page, chosen, int(person) if person.isdecimal() else None)
    page.fault_names.pop(system, None)
    if chosen != WELL:
        page.fault_names[system] = chosen
    page.publish_changes()
    return await show(call)


async def show(call: Call) -> Response:
    """Show the faults pane."""
    _forget_ended(call.page)
    return call.show("health", **health_values(call.page, call.language))


HEALTH_ROUTES: Routes = [("GET", "/health", show), ("POST", "/health/{system}", choose)]
