"""Who may read what, and the contacts. Each query of orders and invoices has ``owned`` as a condition."""

from collections.abc import Iterable, Sequence

from sqlalchemy import and_, exists, select, true

from portal.client import Reader
from portal.errors import Forbidden, NotFound, PortalBroken
from portal.fields import email_key, readable_rows
from portal.models import MOST_ACCOUNTS, Contact, Part
from portal.simple.addresses import found_by
from portal.sql.conditions import Condition, equals, equals_any, is_true, same_ignoring_case
from portal.sql.database.pool import Reading
from portal.sql.inspection import Row, View, Views
from portal.sql.views import ACCESS, CONTACTS

_MOST_CONTACTS = 100
_MOST_ADDRESSES = 1000
_FLAGS = {Part.ORDERS: "can_see_orders", Part.INVOICES: "can_see_invoices"}


def owned(views: Views, view: View, reader: Reader, part: Part) -> Condition:
    """Return the condition that a row is of the reader's account, and that the reader may see this part of it.

    The account is compared with the reader's in both views, rather than the views with each other, so that neither a
    collation nor a type can make two accounts one.
    """
    access = views[ACCESS]
    return and_(
        equals(view, "account_id", reader.account_id), _exists(access, _is_of(views, reader), _sees(access, part))
    )


def check_owner(rows: Iterable[Row], reader: Reader) -> None:
    """Raise ``PortalBroken`` for a row of another account, which ``owned`` lets through in no database."""
    if any(row["account_id"] != reader.account_id for row in rows):
        raise PortalBroken("an order or invoice is another account's")


async def check_access(reading: Reading, reader: Reader, part: Part) -> None:
    """Say why a reader found nothing, if it is their access.

    Raises:
        NotFound: the account does not exist, or is not the contact's.
        Forbidden: it is, and the contact may not see this part.
    """
    access = reading.view(ACCESS)
    mine = _is_of(reading.views, reader)
    if not await reading.value(access, select(_exists(access, mine))):
        raise NotFound("account: not this contact's")
    if not await reading.value(access, select(_exists(access, mine, _sees(access, part)))):
        raise Forbidden(f"{part.value}: the contact may not see this part of the account")


def _is_of(views: Views, reader: Reader) -> Condition:
    """Whether a row of the access is the reader's, who still is a contact."""
    access, contacts = views[ACCESS], views[CONTACTS]
    known = _exists(contacts, equals(contacts, "contact_id", reader.contact_id))
    mine = equals(access, "contact_id", reader.contact_id)
    return and_(mine, equals(access, "account_id", reader.account_id), known)


def _exists(view: View, *conditions: Condition) -> Condition:
    return exists(select(true()).select_from(view.table).where(*conditions))


def _sees(access: View, part: Part) -> Condition:
    flag = _FLAGS[part]
    return is_true(access, flag) if access.has(flag) else true()


async def contacts_with(reading: Reading, email: str) -> tuple[Contact, ...]:
    """Return the contacts with exactly this address, ignoring the case of A to Z."""
    view = reading.view(CONTACTS)
    found = await reading.rows(
        view, view.select("contact_id", "email").where(same_ignoring_case(view, "email", email)), _MOST_CONTACTS
    )
    ids = [
        row["contact_id"] for row in found if row["contact_id"] and email_key(row["email"] or "") == email_key(email)
    ]
    return tuple(readable_rows(Contact, await _contacts(reading, ids, email), _MOST_CONTACTS))


async def contact_by_id(reading: Reading, contact_id: str) -> Contact:
    """Return a contact; raises ``NotFound``, and ``PortalBroken`` for one that cannot be read."""
    rows = await _contacts(reading, [contact_id], "")
    if not rows:
        raise NotFound("contact: no such person")
    found = readable_rows(Contact, rows[:1], 1)
    if not found:
        raise PortalBroken("contact: the person's row cannot be read")
    return found[0]


async def _contacts(reading: Reading, ids: Sequence[str], email: str) -> list[Row]:
    """Return contacts in the order of their ids, each from its rows, which are its addresses."""
    if not ids:
        return []
    view, access = reading.view(CONTACTS), reading.view(ACCESS)
    named = view.select().where(equals_any(view, "contact_id", ids)).order_by(view["contact_id"], view["email"])
    rows = await reading.rows(view, named, _MOST_ADDRESSES)
    may = access.select().where(equals_any(access, "contact_id", ids)).order_by(access["account_id"])
    accesses = await reading.rows(access, may, MOST_ACCOUNTS)
    return [
        _contact(of_contact, [row for row in accesses if row["contact_id"] == of_contact[0]["contact_id"]], email)
        for of_contact in _by_contact(rows)
    ]


def _by_contact(rows: Sequence[Row]) -> list[list[Row]]:
    grouped: dict[object, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["contact_id"], []).append(row)
    return list(grouped.values())


def _contact(rows: Sequence[Row], accesses: Sequence[Row], email: str) -> Row:
    addresses = [row["email"] for row in rows if isinstance(row["email"], str)]
    address, aliases = found_by(addresses, email or None) or (None, ())
    accounts: dict[object, Row] = {}
    for row in accesses:
        known = accounts.setdefault(row["account_id"], {"account_id": row["account_id"], "access": []})
        known["name"] = row.get("account_name") or row["account_id"]
        known["access"] += [part.value for part, flag in _FLAGS.items() if row.get(flag, True)]
    return {**rows[0], "email": address, "accounts": list(accounts.values()), "aliases": aliases}
