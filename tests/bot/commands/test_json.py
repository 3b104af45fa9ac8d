"""``--json`` of the commands that print facts: stable keys, which docs/operating.md names."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, update

from services.notices import copies
from storage.database import Database
from storage.linking import links, proofs
from storage.linking.links import NewLink
from storage.notices import bookkeeper_copies
from storage.tables import Delivery, State
from tests.bot.commands import events_of, facts_of, opened_as_operator, queued
from tests.bot.test_cli import Servers, Shell, servers, shell
from tests.bot.test_incidents import ENTRY, options
from tests.storage import EMAIL, NOW

__all__ = ["servers", "shell"]

OPERATING = (Path(__file__).parents[3] / "docs" / "operating.md").read_text()
STABLE = OPERATING[OPERATING.index("**`--json`**") : OPERATING.index("**Beside the systemd unit**")]
BY_VALUE = {"counts", "languages", "used_within_days", "last_used_by_day", "not_stored"}
"""The keys whose object has data for keys, such as languages."""


def keys_in(facts: Any) -> Iterator[str]:
    """Yield every key of an object and of those in it."""
    if isinstance(facts, list):
        for each in facts:
            yield from keys_in(each)
    elif isinstance(facts, dict):
        for key, value in facts.items():
            yield key
            if key not in BY_VALUE:
                yield from keys_in(value)


def undocumented(facts: Any) -> set[str]:
    named = set(re.findall(r"`(\w+)`", STABLE))
    return set(keys_in(facts)) - named


@pytest.fixture
async def database(database_url: str) -> Any:
    """A linked chat with a copy and wrong codes; a delivery that is uncertain, and one that was repeated."""
    database = opened_as_operator(database_url)
    async with database.write() as session:
        await links.add_links(session, 1, "Camille", [NewLink("c", "a1", "Client", frozenset(), EMAIL)], NOW)
        await session.flush()
        await bookkeeper_copies.save(session, 1, "books@example.test", "fr", NOW)
        await proofs.count_wrong(session, EMAIL, NOW)
        await queued(session, "1", 1, 2)
        values = {"state": State.UNCERTAIN, "settled_at": NOW, "reason": "TimedOut"}
        await session.change(update(Delivery).values(**values))
        await session.change(update(Delivery).where(col(Delivery.delivery_id) == 2).values(is_repetition=True))
    yield database
    await database.close()


async def test_notices_and_their_repetition(operator: Shell, database: Database) -> None:
    facts = facts_of(await operator.run("notices", "--json"))
    assert undocumented(facts) == set()
    assert facts["counts"] == dict.fromkeys(map(str, State), 0) | {"uncertain": 2}
    assert facts["feed_read_at"] is None
    assert [each["delivery"] for each in facts["uncertain"]] == [2, 1]
    assert [(each["delivery"], each["state"]) for each in facts["repeated"]] == [(2, "uncertain")]

    shown = await operator.run("notices", "--resend", "--json")
    assert (shown.code, shown.err, facts_of(shown)["queued"]) == (0, "", None)
    assert len(facts_of(shown)["chosen"]) == 2
    done = await operator.run("notices", "--resend", "--id", "1", "--id", "9", "--yes", "--json")
    facts = facts_of(done)
    assert (done.code, facts["queued"], facts["not_chosen"]) == (1, 1, [9])
    assert [each["delivery"] for each in facts["chosen"]] == [1]
    assert undocumented(facts) == set()
    assert events_of(done) == ["security.deliveries_repeated"]


async def test_lookups_have_documented_keys(operator: Shell, database: Database) -> None:
    looks = (
        ("deliveries",), ("deliveries", "explain", "1"), ("deliveries", "cancel", "1"), ("customers", "find", "a1"),
        ("stats",), ("incidents", "list"),
    )  # fmt: skip
    for look in looks:
        assert undocumented(facts_of(await operator.run(*look, "--json"))) == set(), look


async def test_changes_print_their_count(operator: Shell, database: Database) -> None:
    async with database.read() as session:
        copy = await bookkeeper_copies.find_by_link(session, 1)
    assert copy is not None
    token = copies.make_stop_token(database.vault, copy)

    paused = await operator.run("stop-copy", "--bounced", token, "--json")
    assert facts_of(paused) == {"action": "paused", "copies": 1}
    assert events_of(paused)[-1] == "security.copy_paused"
    assert facts_of(await operator.run("stop-copy", token, "--json")) == {"action": "stopped", "copies": 1}
    assert facts_of(await operator.run("stop-copy", token, "--json")) == {"action": "stopped", "copies": 0}
    assert facts_of(await operator.run("lift-cap", "--email", EMAIL, "--json")) == {"wrong_codes_forgotten": 1}
    assert facts_of(await operator.run("unlink", "--email", EMAIL, "--json")) == {"links_removed": 1}
    result = await operator.run("unlink", "--email", EMAIL, "--json")
    assert (result.code, facts_of(result)) == (1, {"links_removed": 0})


async def test_incidents_are_those_of_the_export(operator: Shell) -> None:
    added = await operator.run("incidents", "add", *options(ENTRY), "--json")
    updated = await operator.run("incidents", "update", "1", "--risk", "no", "--json")
    assert events_of(added) == events_of(updated) == ["security.incident_recorded"]
    assert facts_of(added)["incidents"][0]["risk"] == "yes"
    listed = facts_of(await operator.run("incidents", "list", "--json"))
    assert listed == facts_of(updated) == {"incidents": facts_of(await operator.run("incidents", "export"))}


async def test_check_and_portal_check(servers: Servers, shell: Shell) -> None:
    result = await shell.run("check", "--json")
    facts = facts_of(result)
    assert (result.code, result.err, facts["is_ok"]) == (0, "", True)
    assert undocumented(facts) == set()
    assert {each["result"] for each in facts["checks"]} == {"ok"}

    result = await shell.run("check", "--json", smtp_url="smtp://127.0.0.1:9?tls=off", postal_address="")
    facts = facts_of(result)
    assert (result.code, facts["is_ok"]) == (1, False)
    found = {each["name"]: each["result"] for each in facts["checks"]}
    assert (found["ODOBOT_SMTP_URL"], found["ODOBOT_POSTAL_ADDRESS"]) == ("failed", "warning")

    email = "un@example.com"
    result = await shell.run("portal-check", servers.portal.url, "--email", email, "--examples", "0", "--json")
    facts = facts_of(result)
    assert undocumented(facts) == set()
    assert facts["calls"] == []
    assert {each["outcome"] for each in facts["promises"]} <= {"kept", "broken", "nothing", "missing", "untested"}


async def test_check_makes_no_database(servers: Servers, shell: Shell) -> None:
    result = await shell.run("check", database_url="sqlite+aiosqlite:///fresh.db")
    assert f"ok    ODOBOT_DATABASE_URL: sqlite, odobot run will create {shell.folder / 'fresh.db'}" in result.out
    assert result.code == 0
    assert not (shell.folder / "fresh.db").exists()
