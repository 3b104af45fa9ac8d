"""Actions about packs: all invoices of a selection at once."""

from handlers.actions.base import AccountAction, Action
from services.account.paper_filters import InvoiceFilter
from services.packs.selection import PackFormat


class ShowStatement(AccountAction, frozen=True, tag="T"):
    """The choice of a period and of a format. The fields are those of ``ListInvoices``.

    ``pick`` is ``f`` while the first month is chosen, ``t`` while the last one is, and ``a`` for all invoices. With
    all fields empty, it is about this year.
    """

    since: str = ""
    until: str = ""
    unpaid: bool = False
    paid: bool = False
    order: str = ""
    pick: str = ""
    search: str = ""
    only: InvoiceFilter | None = None


class MakePack(AccountAction, frozen=True, tag="Z"):
    """Sends the selected invoices in a format. The fields are those of ``ShowStatement``."""

    format: PackFormat
    since: str = ""
    until: str = ""
    unpaid: bool = False
    paid: bool = False
    order: str = ""
    search: str = ""
    only: InvoiceFilter | None = None


class CancelPack(Action, frozen=True, tag="X"):
    """Cancels a pack that waits or is being made."""

    pack: int


class ContinuePack(Action, frozen=True, tag="E"):
    """Goes on with a pack that stopped, or tries what was missing in it again."""

    pack: int
