"""Changes to accounts, to contacts, and to their access."""

from collections.abc import Mapping, Sequence

from sqlmodel import Session, select

from sandbox.portal.contract import Part
from sandbox.portal.data.folding import email_key
from sandbox.portal.data.money import Language
from sandbox.portal.data.tables import AccessRow, AccountRow, ContactRow
from sandbox.portal.records.journal import Journal, UnknownRow
from sandbox.portal.seed.accounts import access_rows, contact_row

Access = Mapping[str, Sequence[Part]]


class People:
    """Changes accounts and contacts. Every method raises UnknownRow for an unknown id."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def add_account(self, account_id: str, name: str, address: str = "") -> None:
        """Add an account without documents. Raises ValueError when the id is taken."""
        with self._journal.change() as change:
            if change.session.get(AccountRow, account_id):
                raise ValueError(f"there is an account {account_id} already")
            change.session.add(AccountRow(account_id=account_id, name=name, address=address))

    def rename_account(self, account_id: str, name: str, reports: bool = True) -> None:
        """Rename an account, and report `contact.changed` for all its contacts. Older portals report nothing."""
        with self._journal.change() as change:
            change.account(account_id).name = name
            if reports:
                change.report("contact.changed", account_id)

    def close_account(self, account_id: str) -> None:
        """Hide the account from all contacts, and report `account.closed`."""
        with self._journal.change() as change:
            change.account(account_id).closed = True
            change.report("account.closed", account_id)

    def add_contact(
        self, contact_id: str, email: str, name: str, language: Language = "fr", access: Access | None = None
    ) -> None:
        """Add a contact. Raises ValueError when the id is taken."""
        with self._journal.change() as change:
            if change.session.get(ContactRow, contact_id):
                raise ValueError(f"there is a contact {contact_id} already")
            for account_id in access or {}:
                change.account(account_id)
            change.session.add(contact_row(contact_id, email, name, language))
            change.session.add_all(access_rows(contact_id, access or {}))

    def change_contact(
        self,
        contact_id: str,
        email: str | None = None,
        name: str | None = None,
        language: Language | None = None,
        access: Access | None = None,
        reports: bool = True,
    ) -> None:
        """Change the given fields. `access` replaces the whole access.

        Reports `contact.changed` for each account that the contact had or has now. Older portals report nothing.
        """
        with self._journal.change() as change:
            row = _contact(change.session, contact_id)
            had = {old.account_id for old in _access(change.session, contact_id)}
            row.email = email if email is not None else row.email
            row.email_key = email_key(row.email)
            row.name = name if name is not None else row.name
            row.language = language or row.language
            if access is not None:
                for account_id in access:
                    change.account(account_id)
                for old in _access(change.session, contact_id):
                    change.session.delete(old)
                change.session.flush()
                change.session.add_all(access_rows(contact_id, access))
            for account_id in sorted(had.union(access or ())) if reports else ():
                change.report("contact.changed", account_id, contact_id=contact_id)

    def remove_contact(self, contact_id: str, account_id: str | None = None) -> None:
        """Remove a contact, or its access to one account. Reports `contact.removed` for each lost account."""
        with self._journal.change() as change:
            contact = _contact(change.session, contact_id)
            lost = [a for a in _access(change.session, contact_id) if account_id in (None, a.account_id)]
            if account_id is not None and not lost:
                raise UnknownRow(f"contact {contact_id} has no account {account_id}")
            for access in lost:
                change.session.delete(access)
                change.report("contact.removed", access.account_id, contact_id=contact_id)
            if account_id is None:
                change.session.delete(contact)


def _contact(session: Session, contact_id: str) -> ContactRow:
    contact = session.get(ContactRow, contact_id)
    if contact is None:
        raise UnknownRow(f"no contact {contact_id}")
    return contact


def _access(session: Session, contact_id: str) -> Sequence[AccessRow]:
    return session.exec(select(AccessRow).where(AccessRow.contact_id == contact_id)).all()
