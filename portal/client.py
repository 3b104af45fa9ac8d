"""What every portal can be asked, whoever made it."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from portal.models import Contact, EventPage, Invoice, MenuLink, Order, Page, Pdf, Status


@dataclass(frozen=True, slots=True)
class Reader:
    """As whom the portal is asked, and about which account: it decides what this person may see."""

    contact_id: str
    account_id: str


class Portal(Protocol):
    """A customer portal.

    Every call may raise ``PortalUnavailable`` (try again later) or ``PortalRefused``; what names a thing raises
    ``NotFound`` when it is not there or not the reader's, ``Forbidden`` when the reader may not see that part.
    ``language`` is ``"fr"`` or ``"en"``. An answer takes 10 s at the most.
    """

    async def find_contacts(self, email: str) -> tuple[Contact, ...]:
        """The contacts with exactly this address; empty when nobody has it."""

    async def contact(self, contact_id: str) -> Contact:
        """One contact, with the accounts they may see now."""

    async def orders(self, reader: Reader, *, page: int, page_size: int, query: str = "") -> Page[Order]:
        """A page of the account's orders, newest first."""

    async def order(self, reader: Reader, number: str) -> Order:
        """One order, with all its lines."""

    async def invoices(
        self,
        reader: Reader,
        *,
        page: int,
        page_size: int,
        query: str = "",
        order: str | None = None,
        status: Status | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> Page[Invoice]:
        """A page of the account's invoices, newest first; ``since`` and ``until`` are inclusive."""

    async def invoice(self, reader: Reader, number: str) -> Invoice:
        """One invoice."""

    async def invoice_pdf(
        self, reader: Reader, number: str, *, language: str, known_etag: str | None = None, limit: int
    ) -> Pdf | None:
        """An invoice's PDF; ``None`` when it still is the one with ``known_etag``.

        Raises ``NotReady`` while it is being made, ``TooLarge`` over ``limit`` bytes, ``PortalBroken`` when what came
        is not a whole PDF.
        """

    async def links(self, language: str) -> tuple[MenuLink, ...]:
        """The portal's own menu, in its order."""

    async def events(self, after: str | None, limit: int) -> EventPage:
        """What happened after a cursor; without one nothing, and the cursor of now. Raises ``CursorTooOld``."""

    async def aclose(self) -> None:
        """Gives its connections back."""
