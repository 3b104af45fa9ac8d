"""Every column of the database is in the table of retention, or holds nothing of a person."""

import datetime

import pytest

from services.linking import code_limits
from services.retention import Category, kept, periods
from services.retention.columns import AtRest
from services.retention.tables import IMPERSONAL, TABLES, personal_columns
from storage.tables import metadata


def listed(table: str) -> list[str]:
    """The columns of a table that the lists name, as often as they name them."""
    if table in IMPERSONAL:
        return list(IMPERSONAL[table])
    stored = TABLES[table]
    return [*stored.plain, *stored.sealed, *stored.hashed, *stored.impersonal]


def test_every_column_is_listed_once() -> None:
    tables = {name: sorted(column.name for column in table.columns) for name, table in metadata().tables.items()}

    assert {table: sorted(listed(table)) for table in (*TABLES, *IMPERSONAL)} == tables


def test_sealed_and_hashed_columns_are_called_so() -> None:
    for column in personal_columns():
        ending = {AtRest.SEALED: "_sealed", AtRest.HASHED: "_hash"}.get(column.at_rest)
        if ending is None:
            assert not column.column.endswith(("_sealed", "_hash"))
        else:
            assert column.column.endswith(ending) or column.column == "fingerprint"


def test_every_plain_column_has_a_reason() -> None:
    for column in personal_columns():
        assert bool(column.reason) == (column.at_rest is AtRest.PLAIN), column
        assert column.purpose


def test_every_category_has_columns_and_a_period() -> None:
    found = dict(periods())

    assert set(found) == set(Category)
    assert {stored.category for stored in TABLES.values()} == set(Category) - {Category.UNLINKED}
    assert all(period is None or period > datetime.timedelta() for period in found.values())


def test_codes_are_kept_as_long_as_limits_count_them() -> None:
    assert kept(Category.CODES) >= code_limits.HISTORY_SPAN


def test_category_without_a_period_has_none_to_purge_by() -> None:
    with pytest.raises(ValueError, match="copies"):
        kept(Category.COPIES)
