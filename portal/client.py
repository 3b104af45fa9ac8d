"""The interface of a customer portal, which every adapter implements."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from portal.events import EventPage
from portal.models import Contact, Invoice, InvoiceSummary, MenuLink, Order, Page, Pdf, Status


@dataclass(frozen=True, slots=True)
class Reader:
    """The contact that a call is made for, and the account that it is about. The portal decides what they may see.

    ``language`` is the reader's, ``"fr"`` or ``"en"``, in which the portal answers where it can; empty for none.
    """

    contact_id: str
    account_id: str
    language: str = ""


class Papers(Protocol):
    """The calls that read the orders and invoices of an account; limits and exceptions as of ``Portal``."""

    async def orders(self, reader: Reader, *, page: int, page_size: int, query: str = "") -> Page[Order]:
        """Return a page of the account's orders, newest first."""

    async def order(self, reader: Reader, number: str) -> Order:
        """Return an order with all its lines."""

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
        """Return a page of the account's invoices, newest first.

        Args:
            reader: The contact and the account.
            page: Counts from 1; a page past the end is empty.
            page_size: At most 100.
            query: Words to search for; empty for every invoice.
            order: Only the invoices of the order with this number.
            status: Only paid or only unpaid ones.
            since: Only from this day on, inclusive.
            until: Only up to this day, inclusive.
        """

    async def invoice(self, reader: Reader, number: str) -> Invoice:
        """Return an invoice."""

    async def invoice_summary(self, reader: Reader) -> tuple[InvoiceSummary, ...] | None:
        """Return what is open, one item a currency; None where the portal has no summary.

        ``services.invoices.summary_of`` makes one from the open invoices.
        """

    async def invoice_pdf(
        self, reader: Reader, number: str, *, language: str, known_etag: str | None = None, limit: int
    ) -> Pdf | None:
        """Read an invoice's PDF.

        Returns:
            The PDF, or None where its ETag is still ``known_etag``.

        Raises:
            NotReady: the portal is still making it.
            TooLarge: it is longer than ``limit`` bytes.
            PortalBroken: the answer is not a whole PDF.
        """


class Portal(Papers, Protocol):
    """A customer portal.

    Every call reads, and takes 10 s at most. ``language`` is ``"fr"`` or ``"en"``.

    Raises:
        PortalUnavailable: the call may work later.
        PortalRefused: a retry changes nothing.
        NotFound: a contact, account, order or invoice does not exist, or is not the reader's.
        Forbidden: the reader may not see that part of the account.
    """

    async def find_contacts(self, email: str) -> tuple[Contact, ...]:
        """Return the contacts with exactly this address; empty where nobody has it."""

    async def contact(self, contact_id: str) -> Contact:
        """Return a contact with the accounts that they may see now."""

    async def links(self, language: str) -> tuple[MenuLink, ...]:
        """Return the portal's own menu, in its order."""

    async def events(self, after: str | None, limit: int) -> EventPage:
        """Read the event feed.

        Args:
            after: The cursor of the last page; None returns no event, and a cursor for the events from now on.
            limit: The most events to return.

        Raises:
            CursorTooOld: the feed does not reach back to the cursor.
        """

    async def aclose(self) -> None:
        """Close the connections."""
