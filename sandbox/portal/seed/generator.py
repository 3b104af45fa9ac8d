"""Generates up to a million customers, always the same ones for a seed.

Accounts and contacts are inserted in bulk. Their orders and invoices are computed, and written on first use, so that a
million accounts with a year of invoices each are three million short rows.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from sandbox.portal.data.database import read_fact, write_fact
from sandbox.portal.data.money import add_taxes
from sandbox.portal.data.rows import PricedLine, invoice_row, order_row
from sandbox.portal.data.tables import AccountRow, InvoiceRow, MonthlyRunRow
from sandbox.portal.seed.names import COMPANY_PATTERNS, FAMILIES, FIRST_NAMES, TOWNS

LARGEST_COUNT = 1_000_000

_SEED = "generator seed"
_AT_ONCE = 10_000
_PLANS = (("Plan Base", 1995), ("Plan Pro", 2495), ("Plan Pro - 3 ans", 2295), ("Plan Télémétrie", 3495))
_MASK = 2**64 - 1


def generated_account_id(index: int) -> str:
    return f"gen-a-{index:06d}"


def generated_email(index: int) -> str:
    """Return the email address of generated account `index`, counted from 0."""
    return f"client{index:06d}@example.test"


def generated_invoice_number(run: int, index: int) -> str:
    """Return the number of the invoice of monthly run `run` (from 1) for account `index`."""
    return f"{100 + run}{index:06d}"


def add_accounts(session: Session, count: int, seed: int, today: date, months: int) -> None:
    """Add `count` accounts with one contact each, and `months` past monthly invoices, without events.

    Raises:
        ValueError: More than a million accounts, or accounts from another seed exist.
    """
    if read_fact(session, _SEED) not in (None, str(seed)):
        raise ValueError("the existing accounts were generated with another seed")
    first = session.exec(select(func.count(col(AccountRow.generated_index)))).one()
    if not 0 <= count <= LARGEST_COUNT - first:
        raise ValueError(f"at most {LARGEST_COUNT} accounts can be generated")
    write_fact(session, _SEED, str(seed))
    if session.exec(select(func.count()).select_from(MonthlyRunRow)).one() == 0:
        session.add_all(MonthlyRunRow(issued_on=day) for day in _firsts_of_months(today, months))
    session.flush()
    indexes = range(first, first + count)
    for start in range(0, count, _AT_ONCE):
        _insert_people(session, indexes[start : start + _AT_ONCE], seed)


def issue_monthly(session: Session, today: date, now: datetime) -> int:
    """Issue this month's invoice to every generated account, each with an event. Returns the count."""
    run = MonthlyRunRow(issued_on=today)
    session.add(run)
    session.flush()
    assert run.run is not None
    written = select(AccountRow).where(
        col(AccountRow.generated_index).is_not(None), col(AccountRow.documents_written), ~col(AccountRow.closed)
    )
    seed = int(read_fact(session, _SEED) or "0")
    for account in session.exec(written).all():
        session.add(_invoice(account, seed, run.run, run.issued_on, is_newest=True))
    # One statement for up to a million events.
    result = session.connection().exec_driver_sql(
        "INSERT INTO portal_event (type, occurred_at, account_id, number)"
        " SELECT 'invoice.issued', ?, account_id, printf('%d%06d', ?, generated_index) FROM portal_account"
        " WHERE generated_index IS NOT NULL AND NOT closed ORDER BY generated_index",
        (now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"), 100 + run.run),
    )
    return result.rowcount


def write_documents(session: Session, account: AccountRow) -> None:
    """Add the order and the invoices of a generated account. It does not commit."""
    seed = int(read_fact(session, _SEED) or "0")
    runs = session.exec(select(MonthlyRunRow).order_by(col(MonthlyRunRow.run))).all()
    if runs:
        number, lines = _order_number(account), [(line.quantity, line.description) for line in _lines(account, seed)]
        start = runs[0].issued_on - timedelta(days=_draw(seed, account, 7, 700))
        end, progress = start + timedelta(days=3 * 365), _draw(seed, account, 8, 101)
        session.add(order_row(account.account_id, number, start, end, progress, lines))
    for run in runs:
        assert run.run is not None
        session.add(_invoice(account, seed, run.run, run.issued_on, is_newest=run is runs[-1]))
    account.documents_written = True
    session.add(account)
    session.flush()


def _insert_people(session: Session, indexes: range, seed: int) -> None:
    accounts, contacts, access = [], [], []
    for index in indexes:
        account_id, contact_id, email = generated_account_id(index), f"gen-c-{index:06d}", generated_email(index)
        language = "en" if _mix(seed, index, 5) % 5 == 0 else "fr"
        sees_invoices = _mix(seed, index, 6) % 20 != 0
        town = TOWNS[_mix(seed, index, 9) % len(TOWNS)]
        accounts.append((account_id, _company(seed, index), f"{index + 1}, rue Principale\n{town} (Québec)", index))
        contacts.append((contact_id, email, email, _person(seed, index), language))
        access.append((contact_id, account_id, sees_invoices))
    connection = session.connection()
    connection.exec_driver_sql(
        "INSERT INTO portal_account (account_id, name, address, closed, generated_index, documents_written)"
        " VALUES (?, ?, ?, 0, ?, 0)",
        accounts,
    )
    connection.exec_driver_sql(
        "INSERT INTO portal_contact (contact_id, email, email_key, name, language) VALUES (?, ?, ?, ?, ?)", contacts
    )
    connection.exec_driver_sql(
        "INSERT INTO portal_access (contact_id, account_id, position, orders, invoices) VALUES (?, ?, 0, 1, ?)",
        access,
    )


def _firsts_of_months(today: date, months: int) -> Iterator[date]:
    this_month = today.year * 12 + today.month - 1
    for month in range(this_month - months + 1, this_month + 1):
        yield date(month // 12, month % 12 + 1, 1)


def _invoice(account: AccountRow, seed: int, run: int, day: date, is_newest: bool) -> InvoiceRow:
    assert account.generated_index is not None
    lines = _lines(account, seed)
    amount = add_taxes(sum(line.cents for line in lines)).total
    # The newest invoice is due in 30 days; a third of the accounts paid it at once, by a stored card.
    unpaid = is_newest and _draw(seed, account, 10, 3) > 0
    return invoice_row(
        account.account_id,
        generated_invoice_number(run, account.generated_index),
        day,
        amount,
        lines,
        due=day + timedelta(days=30),
        balance_cents=amount if unpaid else 0,
        paid_on=None if unpaid else day,
        order_number=_order_number(account),
    )


def _lines(account: AccountRow, seed: int) -> list[PricedLine]:
    plan, price = _PLANS[_draw(seed, account, 11, len(_PLANS))]
    vehicles = 1 + _draw(seed, account, 12, 40)
    lines = [PricedLine(vehicles, plan, vehicles * price)]
    if _draw(seed, account, 13, 4) == 0:
        lines.append(PricedLine(vehicles, "Identification du conducteur", vehicles * 300))
    if vehicles > 20:
        lines.append(PricedLine(None, "Escompte de volume (10 %)", -(vehicles * price) // 10))
    return lines


def _order_number(account: AccountRow) -> str:
    return f"4{account.generated_index:06d}"


def _company(seed: int, index: int) -> str:
    return COMPANY_PATTERNS[_mix(seed, index, 0) % len(COMPANY_PATTERNS)].format(
        family=FAMILIES[_mix(seed, index, 1) % len(FAMILIES)],
        other=FAMILIES[_mix(seed, index, 2) % len(FAMILIES)],
        town=TOWNS[_mix(seed, index, 3) % len(TOWNS)],
    )


def _person(seed: int, index: int) -> str:
    first = FIRST_NAMES[_mix(seed, index, 4) % len(FIRST_NAMES)]
    return f"{first} {FAMILIES[_mix(seed, index, 1) % len(FAMILIES)]}"


def _draw(seed: int, account: AccountRow, salt: int, below: int) -> int:
    return _mix(seed, account.generated_index or 0, salt) % below


def _mix(seed: int, index: int, salt: int) -> int:
    """Hash three numbers into one below 2**64 (SplitMix64's finalizer). `random.Random` costs 5 µs per seed."""
    z = (seed * 0x9E3779B97F4A7C15 + index * 0xD1B54A32D192ED03 + salt * 0x8CB92BA72F3D8DD7) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)
