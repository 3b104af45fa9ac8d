"""The sandbox's view of the running bot: what it cannot read is said, and all that it can read has words."""

from pathlib import Path

import pytest
from prometheus_client.samples import Sample

from sandbox.operated_bot import OperatedBot, Unavailable
from sandbox.serving import free_port
from sandbox.web.panes.operations import Figures
from sandbox.web.rendering.operation_words import ALERTS, KINDS, STATES, meaning
from services.operator_alerts.alerts import Alert
from services.operator_alerts.board import AlertBoard
from storage.database import Database
from storage.tables import Kind, State
from tests.storage import NOW, file_of


def bot_of(folder: Path, database: Path | None = None) -> OperatedBot:
    return OperatedBot(f"http://127.0.0.1:{free_port()}", folder, {}, database, 1)


async def test_bot_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="ConnectError"):
        await bot_of(tmp_path).metrics()
    with pytest.raises(Unavailable):  # no settings
        await bot_of(tmp_path).deliveries([])
    assert bot_of(tmp_path, tmp_path / "no.db").alerts() == []


@pytest.mark.sqlite
async def test_alerts_are_read_as_the_bot_stores_them(database: Database, database_url: str, tmp_path: Path) -> None:
    board = AlertBoard(database, lambda: NOW)
    await board.told(await board.update({Alert.ERRORS, Alert.PORTAL}))
    found = bot_of(tmp_path, file_of(database_url)).alerts()
    assert {each.name: (each.is_held, each.is_told) for each in found} == {
        "errors": (True, True),  # told at once
        "portal": (True, False),  # after five minutes
    }
    assert {each.since for each in found} == {each.seen_at for each in found} == {NOW}


def test_everything_that_is_shown_has_words() -> None:
    """Add them to sandbox/web/rendering/operation_words.py."""
    assert set(STATES) == set(State)
    assert set(KINDS) == set(Kind)
    assert set(ALERTS) == set(Alert)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("channel", ["telegram", "email"])
def test_state_means_something_in_french(state: State, channel: str) -> None:
    facts = {"state": state, "channel": channel, "reason": None, "is_repetition": False, "is_postponed": False}
    assert meaning(facts | {"means": "English"}, "en") == "English"
    assert meaning(facts, "fr").endswith(".")


def test_figures_of_metrics() -> None:
    """Outcomes that need a look are marked and named; what was not measured is a dash."""
    samples = [
        Sample("odobot_portal_calls_total", {"call": "invoices", "outcome": "ok"}, 1200),
        Sample("odobot_portal_calls_total", {"call": "events", "outcome": "PortalUnavailable"}, 3),
        Sample("odobot_delivery_outcomes_total", {"channel": "telegram", "outcome": "sent"}, 4),
        Sample("odobot_delivery_outcomes_total", {"channel": "telegram", "outcome": "deferred"}, 1),
        Sample("odobot_delivery_delay_seconds_sum", {"channel": "telegram"}, 2.0),
        Sample("odobot_delivery_delay_seconds_count", {"channel": "telegram"}, 4.0),
        Sample("odobot_feed_lag_seconds", {}, float("nan")),
        Sample("odobot_database_usable", {}, 1.0),
    ]
    figures = {each.title: each for each in Figures(samples, "en").all()}
    calls, notices = figures["Portal calls, successful"], figures["Notices sent"]
    assert (calls.value, calls.note, calls.is_bad) == ("1,200", "portal unavailable: 3", True)
    assert (notices.value, notices.note, notices.is_bad) == ("4", "deferred: 1", False)
    assert figures["From event to sent"].value == "500\u00a0ms"
    assert (figures["Age of the portal’s feed"].value, figures["Age of the portal’s feed"].is_bad) == ("–", True)
    assert not figures["Database"].is_bad
