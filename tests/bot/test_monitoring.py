"""Rules for Prometheus and dashboard ask for metrics that a running bot exports; each alert says what to do."""

import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from services.security import SecurityEvent
from tests.scene import Scene

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus-rules.yml"
ALERTS = {rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
DASHBOARD = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
OF_PROMETHEUS = {"instance", "le"}
"""Labels that Prometheus adds, or that only the buckets have."""
WHEN_THEY_OCCUR = {"cause", "error", "call"}
"""Labels whose values are not exported before they occur."""

Exported = dict[str, dict[str, set[str]]]
"""The values of each label of each metric."""


async def exported(scene: Scene) -> Exported:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        text = (await client.get(f"{scene.admin_url}/metrics")).text
    # A metric may have no sample yet.
    found: Exported = {name: defaultdict(set) for name in re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE)}
    for name, labels in re.findall(r"^(\w+)(?:{(.*)})? \S+$", text, re.MULTILINE):
        values = found.setdefault(name, defaultdict(set))
        for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
            values[label].add(value)
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Yield a name and the expression of each alert and each panel's query."""
    for name, rule in ALERTS.items():
        yield name, rule["expr"]
    for panel in PANELS:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m")


def unknown_parts(expression: str, known: Exported) -> list[str]:
    """Return the metrics, labels and label values of an expression that the bot does not export."""
    wrong, names = [], re.findall(r"\b((?:odobot|process)_\w+)(?:\{([^}]*)\})?", expression)
    assert names, expression
    for name, matchers in names:
        if name not in known:
            wrong.append(name)
            continue
        for label, values in re.findall(r'(\w+)(?:=|!=|=~|!~)"([^"]*)"', matchers):
            missing = set(values.split("|")) - known[name][label] - (set(SecurityEvent) if label == "event" else set())
            if label not in WHEN_THEY_OCCUR:
                wrong += [f"{name} {label}={value}" for value in sorted(missing)]
    grouped = {label for labels in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression) for label in labels.split(", ")}
    of_all = {label for name, _ in names for label in known.get(name, {})} | OF_PROMETHEUS
    # A counter by error or call may have no sample yet.
    return wrong + sorted(grouped - of_all - WHEN_THEY_OCCUR)


async def test_expressions_use_what_the_bot_exports(scene: Scene) -> None:
    await scene.say(await scene.linked(), "/factures")
    known = await exported(scene)
    found = {name: wrong for name, expression in expressions() if (wrong := unknown_parts(expression, known))}
    assert found == {}


@pytest.mark.parametrize(
    "expression",
    [
        "rate(odobot_gone_total[5m])",
        'odobot_mail_total{fault="ours"}',
        'odobot_mail_total{outcome=~"ours|bad"}',
        "sum by (colour) (odobot_mail_total)",
    ],
)
async def test_wrong_expressions_are_found(scene: Scene, expression: str) -> None:
    assert unknown_parts(expression, await exported(scene))


def test_every_alert_has_a_line_that_says_what_to_do() -> None:
    operating = (ROOT / "docs" / "operating.md").read_text()
    lines = dict(re.findall(r"^\| `(Odobot\w+)` \| (.+) \|$", operating, re.MULTILINE))
    assert set(lines) == set(ALERTS)
    assert [name for name, line in lines.items() if len(line) < 20] == []
    assert [name for name, rule in ALERTS.items() if rule["labels"]["severity"] not in ("warning", "critical")] == []
    assert all(rule["annotations"]["summary"] for rule in ALERTS.values())


def test_panels_do_not_overlap() -> None:
    taken = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def promtool(*arguments: str) -> str:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is missing: apt-get install prometheus")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_accepts_rules_and_panels(tmp_path: Path) -> None:
    assert f"{len(ALERTS)} rules found" in promtool("check", "rules", str(RULES))
    rules = [{"record": f"panel:{place}", "expr": expression} for place, (_, expression) in enumerate(expressions())]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", str(tmp_path / "panels.yml"))


WITHOUT = "_x20"
"""promtool: no sample for the first 20 minutes."""


@pytest.mark.parametrize(
    ("alert", "series"),
    [
        # The first failure ever begins the series, and increase() sees no increase.
        ("OdobotUpdatesFail", {'odobot_updates_failed_total{error="KeyError"}': f"{WITHOUT} 1x20"}),
        ("OdobotUpdatesFail", {'odobot_updates_failed_total{error="KeyError"}': "0x20 1x20"}),
        ("OdobotWebhookDead", {
            'odobot_webhook_pending_updates{instance="a"}': "0x15 7x20",
            'odobot_webhook_last_error_age_seconds{instance="a"}': "_x15 30x20",
        }),
        ("OdobotDown", {"up": "1x40"}),
        ("OdobotPortalAway", {'odobot_portal_breaker_open{instance="a"}': "0x15 1x20"}),
        ("OdobotFeedLate", {'odobot_feed_lag_seconds{instance="a"}': "0x10 400x20"}),
        ("OdobotTwoPollers", {'odobot_poll_failures_total{kind="another_poller"}': "0x20 5x20"}),
        ("OdobotNoticesLate", {
            'odobot_delivery_delay_seconds_bucket{channel="telegram",le="900"}': "0x40",
            'odobot_delivery_delay_seconds_bucket{channel="telegram",le="3600"}': "0+10x40",
            'odobot_delivery_delay_seconds_bucket{channel="telegram",le="+Inf"}': "0+10x40",
        }),
        ("OdobotTelegramFails", {
            'odobot_telegram_calls_total{method="sendMessage",outcome="ok"}': "0+2x40",
            'odobot_telegram_calls_total{method="sendMessage",outcome="gateway"}': "0+1x40",
        }),
    ],
)  # fmt: skip
def test_alerts_fire_and_only_they(tmp_path: Path, alert: str, series: dict[str, str]) -> None:
    """25 minutes after the beginning; each series has a sample a minute."""
    others = {"odobot_build_info": "1x40"} if alert != "OdobotDown" else {}
    expected = [{"alertname": name, "eval_time": "25m", "exp_alerts": []} for name in ALERTS if name != alert]
    rule = ALERTS[alert]
    fired = {"exp_labels": rule["labels"], "exp_annotations": rule["annotations"]}
    expected.append({"alertname": alert, "eval_time": "25m", "exp_alerts": [fired]})
    test: dict[str, Any] = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in (series | others).items()],
        "alert_rule_test": expected,
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": [test]}))
    promtool("test", "rules", str(tmp_path / "test.yml"))
