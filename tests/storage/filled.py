"""Fills a database to a given size by SQL; the same size gives the same rows.

Each of the ``links`` links belongs to another chat. The other tables grow with them:

- accounts: a quarter, each with four links of four contacts, which were made at four different times;
- sweeps, planned reminders and sent PDFs: one of each link;
- codes of the last hour, documents, bookkeepers' copies, mutes and conversations with the staff: a quarter each;
  relayed messages: four a conversation;
- notices of the last 400 days: a half, two an account; handled updates of the last two days: as many as links;
- deliveries: two and a half times, of each notice one to each of the account's four chats and one to its bookkeeper.
  Nine tenths are settled (one notice in 100 uncertain); those of every twentieth notice, the bookkeeper's apart, are
  due, a tenth of the links; those of another twentieth wait for a later day.

32 deliveries are in progress at every size: a worker holds no more. Accounts, contacts and numbers are those that the
sandbox's portal generates, with two monthly runs, so that the notices of a filled database can really be sent.
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import insert, text

from services.privacy.policy import TEXT_DATE
from storage.database import Database
from storage.tables import PolicyVersion
from tests.storage import NOW

NOTICES_KEPT = datetime.timedelta(days=400)
UPDATES_KEPT = datetime.timedelta(days=2)
CODES_KEPT = datetime.timedelta(hours=1)
_LATER = datetime.timedelta(days=30)
_MINUTE = datetime.timedelta(minutes=1)
_IN_HAND = 8  # notices, four deliveries each


@dataclass(frozen=True, slots=True)
class Size:
    """The number of rows of each table. Rows are numbered from 1 on, the oldest first.

    ``links`` is a multiple of 40, 400 at the least. ``now`` is the time of the newest rows.
    """

    links: int
    now: datetime.datetime = NOW

    def __post_init__(self) -> None:
        assert self.links >= 400
        assert self.links % 40 == 0

    @property
    def quarter(self) -> int:
        """The number of accounts, codes, documents, copies and mutes each."""
        return self.links // 4

    @property
    def notices(self) -> int:
        """The number of notices; that of account ``a`` (from 0) in run ``r`` has the number ``quarter * r + a + 1``."""
        return self.links // 2

    @property
    def deliveries(self) -> int:
        """The number of deliveries: five of each notice, the bookkeeper's last."""
        return self.notices * 5

    @property
    def in_hand(self) -> range:
        """The notices whose deliveries to chats are in progress: the last ones before those that are due."""
        first_due = self.due.start
        return range(first_due - _IN_HAND, first_due)

    @property
    def due(self) -> range:
        """The notices whose deliveries to chats are due. All later ones wait for another day."""
        twentieth = self.notices // 20
        return range(self.notices - 2 * twentieth + 1, self.notices - twentieth + 1)

    def when(self, number: float, of: int, kept: datetime.timedelta) -> datetime.datetime:
        """Return the time of row ``number`` of ``of`` rows, which came evenly over the period ``kept``."""
        return self.now - kept + kept * (number / (of + 1))


async def fill(database: Database, size: Size) -> None:
    """Fill an empty, migrated database, and make the engine collect statistics."""
    write = _Writer(size, database)
    async with database.engine.begin() as connection:
        for said in write.prelude():
            await connection.exec_driver_sql(said)
        await connection.execute(insert(PolicyVersion).values(version=TEXT_DATE, recorded_at=size.now))
        for table, columns, count, row in (*write.people(), *write.news()):
            numbers = write.numbers(count)
            await connection.exec_driver_sql(f"INSERT INTO {table} ({columns}) {numbers} SELECT {row} FROM n")
        if not database.is_sqlite:  # the numbers were given, not taken from the sequences
            for column in (
                "support_conversations.conversation_id",
                "links.link_id",
                "codes.code_id",
                "copies.copy_id",
                "notices.notice_id",
            ):
                await connection.exec_driver_sql(f"SELECT setval('{column.replace('.', '_')}_seq', {size.links})")
            await connection.exec_driver_sql(f"SELECT setval('deliveries_delivery_id_seq', {size.deliveries})")
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE"))
    await database.engine.dispose()  # later queries open connections as the bot does


class _Writer:
    """Makes the rows in the engine's SQL: the numbers ``n(i)`` from 1 on, and a row for each."""

    def __init__(self, size: Size, database: Database) -> None:
        self._size = size
        self._is_sqlite = database.is_sqlite
        self._sealed = f"'{database.vault.seal('client@example.test')}'"
        self._now = self._at(size.now)
        self._day = f"'{size.now:%Y-%m-%d}'" if self._is_sqlite else f"DATE '{size.now:%Y-%m-%d}'"
        # The account is counted from 0 on. Rows of which an account has four go round all accounts four times.
        quarter = size.quarter
        self._account, self._round = f"((i - 1) % {quarter})", f"((i - 1) / {quarter})"
        self._account_id = f"'gen-a-' || {self._six(self._account)}"
        # 64 digits, as a keyed hash has; those of consecutive rows are far apart.
        self._hash = f"replace('........', '.', {self._hex('(i * 2654435761) % 4294967296')})"

    def prelude(self) -> list[str]:
        """Return statements that make filling faster: memory for indexes, and no checks of foreign keys."""
        if self._is_sqlite:
            return ["PRAGMA cache_size = -400000"]
        # VACUUM does not mark a page as visible to all before its commit is on the disk.
        return ["SET LOCAL session_replication_role = replica", "SET LOCAL synchronous_commit = on"]

    def numbers(self, count: int) -> str:
        """Return the statement that makes the table of numbers up to ``count``."""
        if self._is_sqlite:
            return f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
        return f"WITH n(i) AS (SELECT generate_series(1, {count}::bigint))"

    def people(self) -> Iterator[tuple[str, str, int, str]]:
        """Return table, columns, count and row; chats before their links."""
        size, now, sealed = self._size, self._now, self._sealed
        contact = f"'gen-c-' || {self._six(self._account)} || '-' || {self._round}"
        yield "chats", "chat_id, page_size, created_at", size.links, f"i, 5, {now}"
        yield (
            "links",
            "link_id, chat_id, contact_id, account_id, account_name_sealed, access, email_sealed, email_hash, wishes, "
            "attaches_pdf, linked_at, chosen_at",
            size.links,
            f"i, i, {contact}, {self._account_id}, {sealed}, 'invoices orders', {sealed}, {self._hash}, "
            f"'invoice.issued', false, {now}, {now}",
        )
        yield (
            "codes",
            "code_id, chat_id, email_sealed, email_hash, code_hash, asked_at, expires_at, attempts, state, is_counted, "
            "chat_hash",
            size.quarter,
            f"i, i * 4, {sealed}, {self._hash}, {self._hash}, {self._came('i', size.quarter, CODES_KEPT)}, {now}, 0, "
            f"'live', true, {self._hash}",
        )
        yield (
            "copies", "copy_id, link_id, email_sealed, language, confirmed_at", size.quarter,
            f"i, i, {sealed}, 'fr', {now}",
        )  # fmt: skip
        muted = f"'101' || {self._six(f'((i * 4 - 1) % {size.quarter})')}"
        yield "mutes", "link_id, number", size.quarter, f"i * 4, {muted}"
        yield "visits", "link_id, visited_at, papers_sealed", size.links, f"i, {now}, {sealed}"
        yield (
            "pdf_messages", "link_id, number, language, message_id, sent_at, told_at", size.links,
            f"i, '900', 'fr', i, {now}, {now}",
        )  # fmt: skip
        tomorrow, slot = (
            self._at(size.now + datetime.timedelta(days=1)),
            self._time(f"{size.now.timestamp():.0f} + (i * 40503) % 86400"),
        )
        yield "sweeps", "link_id, due_at, reminders_since", size.links, f"i, {slot}, {now}"
        yield (
            "planned_notices",
            "link_id, number, kind, day, state, due_at",
            size.links,
            f"i, {self._six('i')}, 'reminder.due', {self._day}, 'planned', {tomorrow}",
        )
        yield (
            "support_conversations",
            "conversation_id, chat_id, staff_chat, topic_id, link_id, language, is_subject_told, begun_at, active_at",
            size.quarter,
            f"i, i * 4, -1001, i * 4, i * 4, 'fr', true, {now}, {now}",
        )
        yield (
            "support_messages", "conversation_id, person_message, staff_message, sent_at", size.links,
            f"(i - 1) / 4 + 1, (i - 1) % 4 + 1, i, {now}",
        )  # fmt: skip
        came = self._came("i", size.links, UPDATES_KEPT)
        yield "handled_updates", "update_id, handled_at", size.links, f"i, {came}"

    def news(self) -> Iterator[tuple[str, str, int, str]]:
        """Return the same for documents, notices and their deliveries."""
        size = self._size
        number = f"(101 + {self._round}) || {self._six(self._account)}"
        yield (
            "documents", "bot_id, account_id, number, language, file_id, etag", size.quarter,
            f"1, {self._account_id}, {number}, 'fr', 'file' || i, 'e'",
        )  # fmt: skip
        yield (
            "notices",
            "notice_id, event_id, kind, account_id, number, occurred_at",
            size.notices,
            f"i, 'event' || i, 'invoice.issued', {self._account_id}, {number}, "
            f"{self._came('i', size.notices, NOTICES_KEPT)}",
        )
        notice, nth = "((i - 1) / 5 + 1)", "((i - 1) % 5)"
        # The bookkeeper's copy has the number of the first of the account's links, and hangs on it.
        link = f"(({notice} - 1) % {size.quarter} + 1 + {nth} % 4 * {size.quarter})"
        came = self._came(notice, size.notices, NOTICES_KEPT)
        held = f"{notice} BETWEEN {size.in_hand.start} AND {size.in_hand.stop - 1} AND {nth} < 4"
        waits = f"({notice} >= {size.due.start} AND {nth} < 4 OR {notice} >= {size.due.stop})"
        settled = f"CASE WHEN {notice} % 100 = 50 THEN 'uncertain' ELSE 'sent' END"
        leased_until = (self._at(size.now + _MINUTE), self._at(size.now - _MINUTE))
        yield (
            "deliveries",
            "delivery_id, notice_id, channel, recipient, link_id, attempts, is_postponed, state, due_at, lease_owner, "
            "lease_until, settled_at",
            size.deliveries,
            f"i, {notice}, CASE WHEN {nth} = 4 THEN 'email' ELSE 'telegram' END, {link}, {link}, 0, false, "
            f"CASE WHEN {held} THEN CASE WHEN {nth} = 3 THEN 'sending' ELSE 'leased' END "
            f"WHEN {waits} THEN 'queued' ELSE {settled} END, "
            f"CASE WHEN {notice} < {size.due.stop} THEN {came} ELSE {self._at(size.now + _LATER)} END, "
            f"CASE WHEN {held} THEN CASE WHEN {nth} < 2 THEN 'w' ELSE 'dead' END END, "
            f"CASE WHEN {held} THEN CASE WHEN {nth} < 2 THEN {leased_until[0]} ELSE {leased_until[1]} END END, "
            f"CASE WHEN NOT ({held}) AND NOT {waits} THEN {came} END",
        )

    def _at(self, moment: datetime.datetime) -> str:
        return self._time(f"{moment.timestamp():.0f}")

    def _came(self, number: str, of: int, kept: datetime.timedelta) -> str:
        """As ``Size.when``."""
        first, seconds = (self._size.now - kept).timestamp(), kept.total_seconds()
        return self._time(f"{first:.0f} + {seconds} * {number} / {of + 1}")

    def _time(self, seconds: str) -> str:
        """Return a time in seconds after 1970 as the column stores it."""
        return f"strftime('%Y-%m-%d %H:%M:%f000', {seconds}, 'unixepoch')" if self._is_sqlite else (
            f"to_timestamp({seconds})"
        )  # fmt: skip

    def _six(self, number: str) -> str:
        return f"printf('%06d', {number})" if self._is_sqlite else f"lpad(({number})::text, 6, '0')"

    def _hex(self, number: str) -> str:
        return f"printf('%08x', {number})" if self._is_sqlite else f"lpad(to_hex({number}), 8, '0')"
