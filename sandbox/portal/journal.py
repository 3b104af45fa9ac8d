"""One change of the portal: a transaction whose events reach the webhook once they are committed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from sqlmodel import Session

from sandbox.portal import feed
from sandbox.portal.clock import Clock, company_day
from sandbox.portal.contract import EventType
from sandbox.portal.database import Database
from sandbox.portal.generator import write_papers
from sandbox.portal.tables import AccountRow, EventRow
from sandbox.portal.webhook import WebhookSender


class UnknownRow(LookupError):
    """No such account, contact, order or invoice."""


class Change:
    """What a change does within its transaction."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self.session = session
        self.now = clock.now()
        self.today: date = company_day(self.now)
        self.events: list[EventRow] = []

    def account(self, account_id: str) -> AccountRow:
        """The account, its papers written; raises UnknownRow, also when it is closed."""
        account = self.session.get(AccountRow, account_id)
        if account is None or account.closed:
            raise UnknownRow(f"no open account {account_id}")
        if not account.papers_written:
            write_papers(self.session, account)
        return account

    def report(
        self, type_: EventType, account_id: str, number: str | None = None, contact_id: str | None = None
    ) -> None:
        self.events.append(feed.record(self.session, type_, self.now, account_id, number, contact_id))


class Journal:
    """Where changes are made."""

    def __init__(self, database: Database, clock: Clock, webhook: WebhookSender) -> None:
        self._database = database
        self._clock = clock
        self._webhook = webhook

    @contextmanager
    def change(self) -> Iterator[Change]:
        """Commits what the block did, or, when it raises, nothing."""
        with self._database.session() as session:
            change = Change(session, self._clock)
            yield change
            session.commit()
            for event in change.events:
                self._webhook.notify(feed.event_id(session, event), event.type)
