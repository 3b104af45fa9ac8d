"""Actions about the calendar."""

from dataclasses import dataclass

from handlers.actions.base import AccountAction


@dataclass(frozen=True, slots=True)
class AddToCalendar(AccountAction, letter="R"):
    """The due date of an invoice, or the end of an order, as a calendar file."""

    number: str
    is_order: bool = False


@dataclass(frozen=True, slots=True)
class ShowCalendar(AccountAction, letter="V"):
    """The calendar feed of an account.

    ``change`` is ``new`` to make its address, in place of an earlier one, ``stop`` to make it invalid, or empty.
    """

    change: str = ""
