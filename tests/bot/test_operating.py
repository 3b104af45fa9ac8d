"""docs/operating.md documents every metric, state and reason."""

import datetime
import re
from pathlib import Path

import httpx
import pytest

from services.operator_alerts.alerts import RULES, Alert
from services.security import SecurityEvent
from storage.tables import State
from tests.scene import Scene

ROOT = Path(__file__).parents[2]
OPERATING = (ROOT / "docs" / "operating.md").read_text()


async def test_every_metric_is_documented(scene: Scene) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{scene.admin_url}/metrics")).text
    named = {name for name in re.findall(r"^# HELP (odobot_\w+)", text, re.MULTILINE) if not name.endswith("_created")}
    assert named
    assert {name for name in named if f"`{name}" not in OPERATING} == set()
    told = set(re.findall(r"`(odobot_\w+)", OPERATING))
    assert told - named == set(), "metrics that are no more"


@pytest.mark.parametrize("state", State)
def test_every_delivery_state_is_documented(state: State) -> None:
    assert f"`{state}`" in OPERATING


@pytest.mark.parametrize(
    "part", ["start", "database", "loops", "telegram", "webhook", "updates", "portal", "mail", "feed", "keys"]
)
def test_every_failure_reason_is_documented(part: str) -> None:
    source = "".join((ROOT / "bot" / file).read_text() for file in ("http/admin/readiness.py", "supervisor.py"))
    assert f"{part}: " in source or f'"{part}": ' in source or f"_check_{part}(" in source
    assert f"| `{part}: " in OPERATING


@pytest.mark.parametrize(
    "file",
    [
        "bot/supervisor.py", "bot/database_check.py", "bot/starting.py", "bot/stopping.py", "bot/process.py",
        "bot/alerts/watch.py", "services/operator_alerts/board.py",
    ],
)  # fmt: skip
def test_log_events_of_the_process_are_documented(file: str) -> None:
    kinds = "loop|database|start|odobot|worker|operator_alert"
    events = re.findall(rf'"((?:{kinds})\.\w+)"', (ROOT / file).read_text())
    assert events
    assert [event for event in events if f"`{event}`" not in OPERATING] == []


async def test_every_loop_and_its_limit_is_documented(scene: Scene) -> None:
    loops = dict(scene.components.supervisor.limits())
    assert {"feed", "dispatcher", "reclaim", "retention", "database"} <= set(loops)
    assert [name for name, limit in loops.items() if f"| `{name}` | {limit:g} s |" not in OPERATING] == []


def test_every_alert_of_the_operators_chat_is_documented() -> None:
    section = OPERATING.split("### Alerts in a chat\n")[1].split("\n**")[0]
    rows = re.findall(r"^\| `([a-z]+)` \| .+ \| as `Odobot", section, re.MULTILINE)
    assert sorted(rows) == sorted(Alert)
    assert (RULES[Alert.PORTAL].tell_after, RULES[Alert.UNCERTAIN].tell_after) == (
        datetime.timedelta(minutes=5), datetime.timedelta(minutes=20),
    )  # fmt: skip


@pytest.mark.parametrize("event", SecurityEvent)
def test_every_security_event_is_documented(event: str) -> None:
    assert f"`security.{event}`" in OPERATING


def test_deploy_files_match_the_documentation() -> None:
    named = set(re.findall(r"`deploy/([^`]+)`", OPERATING))
    assert named == {path.name for path in (ROOT / "deploy").iterdir()}
