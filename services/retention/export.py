"""The files of ``/mesdonnees``: every stored row of a chat, as JSON for programs and as CSV for spreadsheets."""

import csv
import datetime
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.retention.categories import Category, period
from services.retention.tables import TABLES
from texts.catalogue import Texts, message_id
from texts.escaping import FORMULA_SIGNS, strip_controls

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""The rows of each table, as ``storage.personal_data.rows_of_chat`` returns them."""

_TITLES = {
    Category.ACCOUNT: message_id("data.category_account"),
    Category.CODES: message_id("data.category_codes"),
    Category.GUESSES: message_id("data.category_guesses"),
    Category.NOTICES: message_id("data.category_notices"),
    Category.REMINDERS: message_id("data.category_reminders"),
    Category.COPIES: message_id("data.category_copies"),
    Category.SUPPORT: message_id("data.category_support"),
    Category.LISTS: message_id("data.category_lists"),
    Category.PACKS: message_id("data.category_packs"),
    Category.DOCUMENTS: message_id("data.category_documents"),
    Category.CALENDAR: message_id("data.category_calendar"),
    Category.INVITATIONS: message_id("data.category_invitations"),
    Category.UPDATES: message_id("data.category_updates"),
}


def write_json(t: Texts, rows: Rows, now: datetime.datetime) -> bytes:
    """Return the rows as JSON, by table in the order of the table of retention. Times are UTC, in ISO 8601.

    ``kept_hours`` is None for what is kept until the chat is unlinked or forgotten.
    """
    tables = []
    for table, stored in TABLES.items():
        kept = period(stored.category)
        tables.append(
            {
                "table": table,
                "title": t(_TITLES[stored.category]),
                "kept_hours": kept // datetime.timedelta(hours=1) if kept else None,
                "rows": rows.get(table, ()),
            }
        )
    made = {"made_at": now.isoformat(timespec="seconds"), "tables": tables}
    return json.dumps(made, ensure_ascii=False, indent=1, default=_as_text).encode()


def write_csv(t: Texts, rows: Rows, _now: datetime.datetime) -> bytes:
    """Return the rows as CSV: one line for each value, with its category, table, row and column.

    The separators and the guard against formulas are those of the other spreadsheets.
    """
    file = io.BytesIO()
    text = io.TextIOWrapper(file, "utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text, delimiter=";" if t.formats.has_decimal_comma else ",", lineterminator="\r\n")
    writer.writerow(
        [t("data.csv_category"), t("data.csv_table"), t("data.csv_row"), t("data.csv_column"), t("data.csv_value")]
    )
    for table, stored in TABLES.items():
        for number, row in enumerate(rows.get(table, ()), start=1):
            for column, value in row.items():
                if value is not None:
                    writer.writerow([t(_TITLES[stored.category]), table, number, column, _cell(value)])
    text.detach()
    return file.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, datetime.date):
        return _as_text(value)
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, default=_as_text)
    text = strip_controls(value)
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


def _as_text(value: object) -> str:
    """Return a time or a date in ISO 8601, for JSON."""
    return value.isoformat() if isinstance(value, datetime.date) else str(value)
