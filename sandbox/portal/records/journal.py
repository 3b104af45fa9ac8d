"""Transactions on the portal's rows. Their events go to the webhook after the commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from sqlmodel import Session

from sandbox.portal.clock import Clock, company_day
from sandbox.portal.contract import EventType
from sandbox.portal.data.database import Database
from sandbox.portal.data.tables import AccountRow, EventRow
from sandbox.portal.records import feed
from sandbox.portal.seed.generator import write_documents
from sandbox.portal.webhook import WebhookSender


class UnknownRow(LookupError):
    """No such account, contact, order or invoice exists."""


class Change:
    """One transaction and its events."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self.session = session
        self.now = clock.now()
        self.today: date = company_day(self.now)
        self.events: list[EventRow] = []

    def account(self, account_id: str) -> AccountRow:
        """Return an open account with its documents.

        Raises:
            UnknownRow: No account has this id, or it is closed.
        """
        account = self.session.get(AccountRow, account_id)
        if account is None or account.closed:
            raise UnknownRow(f"no open account {account_id}")
        if not account.documents_written:
            write_documents(self.session, account)
        return account

    def report(
        self, type_: EventType, account_id: str, number: str | None = None, contact_id: str | None = None
    ) -> None:
        self.events.append(feed.record(self.session, type_, self.now, account_id, number, contact_id))


class Journal:
    """Starts transactions."""

    def __init__(self, database: Database, clock: Clock, webhook: WebhookSender) -> None:
        self._database = database
        self._clock = clock
        self._webhook = webhook

    @contextmanager
    def change(self) -> Iterator[Change]:
        """Commit the block's changes, or roll them back when it raises."""
        with self._database.session() as session:
            change = Change(session, self._clock)
            yield change
            session.commit()
            for event in change.events:
                self._webhook.notify(feed.event_id(session, event), event.type)
