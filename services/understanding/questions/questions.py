"""What a question in words may mean: an intent with slots."""

import datetime
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum

from portal.models import Part
from texts.language import Language


class Intent(StrEnum):
    """What a person asks for. ``STOP_NOTICES``, ``UNLINK`` and ``ERASE`` only open the screen that asks first.

    ``COPY`` is the bookkeeper's copy, ``QUIET`` the quiet hours, ``ACCOUNT`` the linked accounts and addresses;
    ``PORTAL`` has the forgotten password.
    """

    LIST = "list"
    OPEN = "open"
    BALANCE = "balance"
    PDF = "pdf"
    STATEMENT = "statement"
    HELP = "help"
    PERSON = "person"
    STOP_NOTICES = "stop_notices"
    LANGUAGE = "language"
    UNLINK = "unlink"
    NOTICES = "notices"
    QUIET = "quiet"
    COPY = "copy"
    ACCOUNT = "account"
    ERASE = "erase"
    PORTAL = "portal"
    PRIVACY = "privacy"
    MY_DATA = "my_data"
    CALENDAR = "calendar"


class State(StrEnum):
    """The state of the orders or invoices that a question selects."""

    UNPAID = "unpaid"
    OVERDUE = "overdue"
    PAID = "paid"
    CANCELLED = "cancelled"
    CREDIT = "credit"
    ENDING = "ending"
    ACTIVE = "active"
    ENDED = "ended"


class FileFormat(StrEnum):
    """The file format of a statement."""

    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"
    ZIP = "zip"
    MERGED = "merged"
    """All of them in one PDF."""


@dataclass(frozen=True, slots=True)
class Question:
    """One reading of a text. A slot is None where the text does not say it.

    Args:
        intent: What is asked for.
        part: Orders or invoices.
        state: Only those in this state.
        start: First day, inclusive; None with an ``end`` means any day up to it.
        end: Last day, inclusive; None with a ``start`` means from then on.
        amount: The total of an order or invoice, in its currency.
        number: The number of an order or invoice, in upper case; of the order whose invoices are listed.
        latest: The newest so many.
        format: The file format of a statement.
        compares_amounts: True for "over 2000 $"; the lists have no such filter.
        language: The language to change to; None asks which, where there are more than two.
    """

    intent: Intent
    part: Part | None = None
    state: State | None = None
    start: datetime.date | None = None
    end: datetime.date | None = None
    amount: Decimal | None = field(default=None, repr=False)
    number: str | None = field(default=None, repr=False)
    latest: int | None = None
    format: FileFormat | None = None
    language: Language | None = None
    compares_amounts: bool | None = None

    def as_data(self) -> dict[str, str]:
        """Return the question as text by slot, without empty slots: dates are ISO, amounts have two decimals."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: str(value) for name, value in values.items() if value is not None}
