"""The logs of a whole conversation with failures contain no personal data."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from bot.logs import set_up_logs
from sandbox.portal.faults import Fault, FaultKind
from tests.scene import PORTAL_TOKEN, TOKEN, Scene

EMAIL = "quenouille@fonderie.test"
FIRST_NAME = "Zébulonne"
ACCOUNT = "Fonderie Quatorze"
SAID = "mot-jamais-ailleurs"
ORDER_LINE = "Enclume numérotée"


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch, level: str, log_format: str) -> Iterator[io.StringIO]:
    """Capture what the process writes to standard error; logging is restored afterwards."""
    root = logging.getLogger()
    handlers, root_level = root.handlers[:], root.level
    written = io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", written)
        set_up_logs(log_format, level, [TOKEN, PORTAL_TOKEN])
    yield written
    root.handlers[:] = handlers
    root.setLevel(root_level)
    structlog.reset_defaults()


@pytest.mark.parametrize(("level", "log_format"), [("INFO", "json"), ("DEBUG", "json"), ("DEBUG", "console")])
async def test_log_lines_have_no_personal_data(logged: io.StringIO, scene: Scene, level: str, log_format: str) -> None:
    """No line contains what a person wrote, or a name."""
    portal = scene.portal.portal
    portal.people.add_account("a-9001", ACCOUNT)
    portal.people.add_contact("c-9001", EMAIL, "Quenouille Tremblay", access={"a-9001": ("orders", "invoices")})
    portal.create_order("a-9001", [(1, ORDER_LINE)], number="818181")
    portal.issue_invoice("a-9001", amount="4321.09", number="727272")
    logging.getLogger().info("The log is on")
    telegram = scene.telegram.world.faults

    # Linking, with a wrong code, a mail server and a portal that fail.
    person = scene.person("fr", FIRST_NAME)
    person.start()
    await person.wait_for_message()
    await scene.say(person, "/lier")
    scene.portal.faults.set(Fault(FaultKind.SERVER_ERROR))
    await scene.say(person, EMAIL)
    await person.wait_for_message(label="Réessayer")
    scene.portal.faults.clear()
    scene.clock.advance(scene.clock.now().replace(hour=22) - scene.clock.now())
    await scene.tap(person, "Réessayer")
    code = await scene.code(EMAIL)
    await scene.say(person, "000000" if code != "000000" else "111111")
    await scene.say(person, code)
    await scene.tap(person, "Non")

    # Reading, with a portal that fails in every way.
    for kind, way in ((FaultKind.DROP, "727272"), (FaultKind.MALFORMED_JSON, "/factures"), (FaultKind.TOO_MANY, SAID),
                      (FaultKind.UNAUTHORISED, "/commandes")):  # fmt: skip
        scene.portal.faults.set(Fault(kind))
        await scene.say(person, way)
        scene.portal.faults.clear()
    await scene.say(person, "/factures")
    await scene.tap(person, "Rechercher")
    await scene.say(person, SAID)
    await scene.say(person, f"{SAID} {SAID}")
    scene.portal.faults.set(Fault(FaultKind.PDF_CORRUPT, "*/pdf", times=1))
    await scene.say(person, "727272")
    await scene.tap(person, "727272")
    await scene.tap(person, "PDF")
    person.tap("Réessayer")
    await person.wait_for_message(".pdf")

    # Telegram fails, and an internal error occurs.
    telegram.add("error", method="sendMessage", status=400, description="Bad Request: what was never seen before")
    await scene.say(person, f"{SAID} 2")
    telegram.add("error", method="sendMessage", status=500, description="Internal Server Error", count=2)
    telegram.add("gateway", method="answerCallbackQuery")
    telegram.add("close_before", method="getUpdates")
    person.say(f"{SAID} 3")
    person.say("818181")
    await person.wait_for_message("818181", timeout=15)
    person.block()
    person.unblock()
    person.say("/delier")
    await person.wait_for_message(label="Oui")
    await scene.tap(person, "Oui")
    await scene.stop_bot()

    text = logged.getvalue()
    assert "The log is on" in text
    assert "odobot.stopped" in text
    said_or_named = (EMAIL, "quenouille", "Quenouille", FIRST_NAME, ACCOUNT, SAID, ORDER_LINE)
    amounts = ("4321.09", "4 321,09", "4\u00a0321,09")
    keys = (TOKEN, PORTAL_TOKEN, "AAsandbox", scene.keys, f'"{code}"', f" {code} ", f"'{code}'")
    secrets = (*said_or_named, *amounts, *keys)
    spoken = {secret: line for secret in secrets for line in text.splitlines() if secret in line}
    escaped = {secret: line for secret in secrets for line in text.splitlines() if json.dumps(secret)[1:-1] in line}
    assert spoken | escaped == {}
    if log_format == "json":
        for line in text.splitlines():
            assert json.loads(line)["event"], "each line is one event"


@pytest.mark.parametrize(("level", "log_format"), [("INFO", "json")])
async def test_failure_is_logged_with_its_location(
    logged: io.StringIO, scene: Scene, level: str, log_format: str
) -> None:
    camille = await scene.linked()
    scene.portal.faults.set(Fault(FaultKind.MALFORMED_JSON))
    await scene.say(camille, "/factures")
    scene.telegram.world.faults.add("error", method="sendMessage", status=400, description="Bad Request: never seen")
    await scene.say(camille, "/aide")
    await scene.stop_bot()
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    broken = next(line for line in lines if line["event"] == "portal.broken")
    assert "invoices" in broken["reason"] or "Page" in broken["reason"]
    failed = next(line for line in lines if line["event"] == "update.failed")
    assert failed["level"] == "error"
    assert failed["update_id"]
    assert "Traceback" in failed["exception"]
