"""How the engines answer: no query of the bot reads a large table from end to end."""

import datetime
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlmodel import col, select

from storage import chats, codes, documents, feed, outbox, updates, wishes
from storage.chats import Awaiting, NewLink
from storage.database import Database, Session
from storage.feed import NewDelivery, NewNotice
from storage.outbox import Claimed
from storage.tables import Awaited, Channel, CodeState, Document, Kind, Link, State
from storage.wishes import Quiet
from tests.storage import EMAIL, NOW, later, opened

ROWS = 20_000
LARGE = {"chats", "links", "codes", "documents", "copies", "mutes", "notices", "deliveries", "handled_updates"}
MINUTE = datetime.timedelta(minutes=1)
# Both engines read this. One account has four links; of the deliveries one in ten still waits, most of them for later.
NUMBERS = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) "
FILLED = {
    "chats": "SELECT i, 5, :now FROM n",
    "links": "SELECT i, i, 'c' || i, 'a' || (i / 4), :sealed, 'orders', :sealed, 'h' || i, :now, :now, false FROM n",
    "codes": "SELECT i, i, :sealed, 'h' || i, 'x', :now, :now, 0, 'live', true FROM n",
    "documents": "SELECT 1, 'a' || i, '' || i, 'fr', 'file' || i, 'e' FROM n",
    "copies": "SELECT i, i, :sealed, 'fr', :now FROM n",
    "mutes": "SELECT i, '' || i FROM n",
    "notices": "SELECT i, 'event' || i, 'invoice.issued', 'a' || (i / 4), '' || i, :now FROM n",
    "handled_updates": "SELECT i, :now FROM n",
    "deliveries": """
        SELECT i, i, 'telegram', i, i,
        CASE WHEN i % 10 = 0 THEN 'queued' WHEN i % 500 = 1 THEN 'uncertain' ELSE 'sent' END,
        CASE WHEN i % 100 = 0 THEN :now ELSE :much_later END, 0, false,
        CASE WHEN i % 10 = 0 THEN NULL ELSE :now END FROM n
    """,
}
COLUMNS = {
    "chats": "chat_id, page_size, created_at",
    "links": "link_id, chat_id, contact_id, account_id, account_name_sealed, access, email_sealed, email_hash, "
    "linked_at, chosen_at, attaches_pdf",
    "codes": "code_id, chat_id, email_sealed, email_hash, code_hash, asked_at, expires_at, attempts, state, is_counted",
    "documents": "bot_id, account_id, number, language, file_id, etag",
    "copies": "copy_id, link_id, email_sealed, language, confirmed_at",
    "mutes": "link_id, number",
    "notices": "notice_id, event_id, kind, account_id, number, occurred_at",
    "handled_updates": "update_id, handled_at",
    "deliveries": "delivery_id, notice_id, channel, recipient, link_id, state, due_at, attempts, is_postponed, "
    "settled_at",
}
A_LINK = NewLink("c7", "a1", "Client", frozenset({"orders"}), EMAIL)
A_DOCUMENT = Document(bot_id=1, account_id="a7", number="7", language="fr", file_id="file7", etag="e")
CLAIMED = Claimed(
    delivery_id=7, lease="w", event_id="event7", kind=Kind.INVOICE_ISSUED, account_id="a1", number="7",
    occurred_at=NOW, channel=Channel.TELEGRAM, recipient=7, link_id=7, account_name="", attempts=0, is_postponed=True,
)  # fmt: skip

QUERIES: dict[str, Callable[[Session], Awaitable[object]]] = {
    "chats.load": lambda s: chats.load(s, 7),
    "chats.set_language": lambda s: chats.set_language(s, 7, "fr", NOW),
    "chats.set_awaiting": lambda s: chats.set_awaiting(s, 7, None, NOW),
    "chats.move_awaiting": lambda s: chats.move_awaiting(s, 7, None, Awaiting(Awaited.EMAIL, NOW)),
    "chats.add_links": lambda s: chats.add_links(s, 7, "Camille", [A_LINK], NOW),
    "chats.choose": lambda s: chats.choose(s, 7, 7, NOW),
    "chats.set_wishes": lambda s: chats.set_wishes(s, 7, [7], {Kind.INVOICE_PAID}, on=True),
    "chats.set_attaches_pdf": lambda s: chats.set_attaches_pdf(s, 7, 7, on=True),
    "chats.neighbours": lambda s: chats.neighbours(s, 7),
    "chats.revoke": lambda s: chats.revoke(s, 7, 8, NOW),
    "chats.chats_of_email": lambda s: chats.chats_of_email(s, EMAIL),
    "chats.kept": lambda s: chats.kept(s, 7),
    "chats.unlink": lambda s: chats.unlink(s, 7, NOW),
    "chats.unlink_email": lambda s: chats.unlink_email(s, EMAIL, NOW),
    "chats.forget": lambda s: chats.forget(s, 7, NOW),
    "chats.migrate": lambda s: chats.migrate(s, 7, -1_000_007),
    "codes.latest": lambda s: codes.latest(s, 7, *CodeState),
    "codes.asked_since": lambda s: codes.asked_since(s, 7, EMAIL, NOW - MINUTE),
    "codes.replace": lambda s: codes.replace(s, 7, EMAIL, "123456", now=NOW, expires_at=NOW),
    "codes.take_attempt": lambda s: codes.take_attempt(s, 7, 5),
    "codes.move": lambda s: codes.move(s, 7, CodeState.LIVE, CodeState.PROVEN),
    "codes.discount": lambda s: codes.discount(s, 7),
    "codes.purge": lambda s: codes.purge(s, NOW - MINUTE),
    "documents.find": lambda s: documents.find(s, 1, "a7", "7", "fr"),
    "documents.keep": lambda s: documents.keep(s, A_DOCUMENT),
    "documents.drop": lambda s: documents.drop(s, A_DOCUMENT),
    "feed.known_events": lambda s: feed.known_events(s, [f"event{n}" for n in range(100)]),
    "feed.record": lambda s: feed.record(
        s, NewNotice("new", Kind.INVOICE_PAID, "a1", "7", NOW), [NewDelivery(Channel.TELEGRAM, 7, 7, NOW)]
    ),
    "feed.reached, an account": lambda s: feed.reached(s, "a1", None),
    "feed.reached, a contact": lambda s: feed.reached(s, "a1", "c7"),
    "outbox.claim": lambda s: outbox.claim(s, "w", NOW, NOW + MINUTE, 32, MINUTE / 60),
    "outbox.claim_postponed": lambda s: outbox.claim_postponed(s, CLAIMED, NOW, NOW + MINUTE),
    "outbox.begin_sending": lambda s: outbox.begin_sending(s, [7], "w", NOW, NOW + MINUTE),
    "outbox.settle": lambda s: outbox.settle(s, [7], "w", State.SENT, NOW),
    "outbox.put_back": lambda s: outbox.put_back(s, [7], "w", State.RETRY, NOW),
    "outbox.reclaim": lambda s: outbox.reclaim(s, NOW),
    "outbox.cancel_of_links": lambda s: outbox.cancel_of_links(s, [7, 8], NOW, "unlinked"),
    "outbox.cancel_of_number, an account": lambda s: outbox.cancel_of_number(
        s, [Kind.REMINDER_DUE], "7", NOW, "paid", account_id="a1"
    ),
    "outbox.cancel_of_number, a link": lambda s: outbox.cancel_of_number(
        s, [Kind.REMINDER_DUE], "7", NOW, "muted", link_id=7
    ),
    "outbox.next_due": lambda s: outbox.next_due(s),
    "outbox.doubtful": lambda s: outbox.doubtful(s, 20),
    "outbox.sent_to_copy": lambda s: outbox.sent_to_copy(s, 7, 10),
    "outbox.forget_settled": lambda s: outbox.forget_settled(s, NOW - MINUTE),
    "updates.was_handled": lambda s: updates.was_handled(s, 7),
    "updates.mark_handled": lambda s: updates.mark_handled(s, ROWS + 1, NOW),
    "updates.forget": lambda s: updates.forget(s, NOW - MINUTE),
    "wishes.silence": lambda s: wishes.silence(s, 7),
    "wishes.set_quiet": lambda s: wishes.set_quiet(s, 7, Quiet(0, 60)),
    "wishes.set_blocked": lambda s: wishes.set_blocked(s, 7, NOW),
    "wishes.copy": lambda s: wishes.copy(s, 7),
    "wishes.copy_of_link": lambda s: wishes.copy_of_link(s, 7),
    "wishes.set_copy": lambda s: wishes.set_copy(s, 7, EMAIL, "fr", NOW),
    "wishes.mute": lambda s: wishes.mute(s, 8, "900"),
    "wishes.is_muted": lambda s: wishes.is_muted(s, 7, "7"),
}
FEW = ("ix_deliveries_waiting", "ix_deliveries_in_hand", "ix_deliveries_uncertain")
"""Indexes of little, or walked in their order up to a limit: what waits, what is in hand, what is uncertain."""


class Plans:
    """One filled database for all the queries; each is rolled back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, query: Callable[[Session], Awaitable[object]]) -> list[tuple[str, list[str]]]:
        """Every statement that a query makes, and what of its plan reads something from end to end."""
        said: list[tuple[str, Any]] = []

        def listen(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
            said.append((statement, parameters))

        async with Session(self._database.engine, self._database.vault) as session:
            event.listen(self._database.engine.sync_engine, "before_cursor_execute", listen)
            await query(session)
            await session.flush()
            event.remove(self._database.engine.sync_engine, "before_cursor_execute", listen)
            await session.rollback()
        return [(statement, await self._scans(statement, parameters)) for statement, parameters in said]

    async def _scans(self, statement: str, parameters: Any) -> list[str]:
        if not statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
            return []
        if isinstance(parameters, list):  # many rows at once: each is a plan of its own
            parameters = parameters[0]
        async with self._database.engine.connect() as connection:
            if self._database.is_sqlite:
                found = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plan = [row[3] for row in found]
                # Sorting what waits, where there is an index in that order, would sort a backlog for each claim.
                walks = "ORDER BY deliveries.due_at" in statement
                sorts = [step for step in plan if walks and "USE TEMP B-TREE FOR ORDER BY" in step]
                return [step for step in plan if re.match(rf"SCAN ({'|'.join(LARGE)})(_\d)?\b", step)] + sorts
            found = await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
            plan = found.scalar_one()
            return list(_whole(json.loads(plan)[0]["Plan"] if isinstance(plan, str) else plan[0]["Plan"]))


def _whole(node: dict[str, Any]) -> list[str]:
    """Of a plan of PostgreSQL: tables read from end to end, by themselves or by an index without a condition."""
    found = [line for child in node.get("Plans", []) for line in _whole(child)]
    if node.get("Relation Name") in LARGE and "Scan" in node["Node Type"]:
        by = node.get("Index Name", "")
        if node["Node Type"] == "Seq Scan" or (by and "Index Cond" not in node):
            found.append(f"SCAN {node['Relation Name']}{f' USING INDEX {by}' if by else ''}")
    return found


@pytest.fixture
async def plans(database_url: str) -> AsyncIterator[Plans]:
    async with opened(database_url) as database:
        sealed = database.vault.seal("x")
        async with database.engine.begin() as connection:
            for table, rows in FILLED.items():
                filled = f"INSERT INTO {table} ({COLUMNS[table]}) {NUMBERS}{rows}"
                for name, value in (("now", NOW), ("much_later", later(days=30)), ("sealed", sealed)):
                    shown = value if isinstance(value, str) else value.strftime("%Y-%m-%d %H:%M:%S.000000")
                    zone = "+00" if not database.is_sqlite and not isinstance(value, str) else ""
                    cast = "::timestamptz" if zone else ""
                    filled = filled.replace(f":{name}", f"'{shown}{zone}'{cast}")
                await connection.execute(text(filled.replace("::", "\\:\\:")))
            if not database.is_sqlite:  # the numbers were given, not taken from the sequences
                for key in ("links.link_id", "codes.code_id", "copies.copy_id", "notices.notice_id"):
                    table, column = key.split(".")
                    await connection.execute(text(f"SELECT setval('{table}_{column}_seq', {ROWS})"))
                await connection.execute(text(f"SELECT setval('deliveries_delivery_id_seq', {ROWS})"))
        async with database.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text("ANALYZE"))
        async with database.write() as session:  # one of the links is the address's
            link = (await session.exec(select(Link).where(col(Link.link_id) == 7))).one()
            link.email_hash, link.email_sealed = database.vault.hash("email", EMAIL), database.vault.seal(EMAIL)
        yield Plans(database)


async def test_no_query_reads_a_large_table_from_end_to_end(plans: Plans) -> None:
    found: list[str] = []
    for name, query in QUERIES.items():
        for statement, scans in await plans.of(query):
            bad = [scan for scan in scans if not scan.endswith(FEW)]
            if bad:
                found.append(f"{name}: {bad}\n{statement}\n")
    assert not found, "\n".join(found)
