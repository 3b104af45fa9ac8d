"""Actions about the calendar."""

from handlers.actions.base import AccountAction


class AddToCalendar(AccountAction, frozen=True, tag="R"):
    """The due date of an invoice, or the end of an order, as a calendar file."""

    number: str
    is_order: bool = False


class ShowCalendar(AccountAction, frozen=True, tag="V"):
    """The calendar feed of an account.

    ``change`` is ``new`` to make its address, in place of an earlier one, ``stop`` to make it invalid, or empty.
    """

    change: str = ""
