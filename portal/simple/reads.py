"""What an engineer writes to connect a small system: five reads."""

import datetime
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from portal.client import Reader
from portal.models import Pdf
from portal.simple.feed import Change
from portal.simple.rows import Row

MOST_CUSTOMERS = 10_000
"""The most rows of ``read_customers``: those of a system that cannot search by the key, and gives all."""
MOST_PAPERS = 10_000
"""The most orders, and the most invoices, of an account."""


class SimpleReads(ABC):
    """The reads that ``SimplePortal`` makes a portal of.

    They may raise the exceptions of ``portal.errors``. Any other exception counts as a system that is away where it is
    about the connection or a file, and else as a mistake in the adapter, ``PortalBroken``. A read is repeated where its
    failure may be temporary; all reads of one call have 10 s, a PDF 60 s.

    A row is a mapping with the names of the model's fields, or the model. A row that cannot be read costs itself.
    """

    @abstractmethod
    async def read_customers(self, *, email: str | None = None, contact_id: str | None = None) -> Iterable[Row]:
        """Return the contacts with an email address, or the one with an id: exactly one of the two is given.

        Args:
            email: As it was typed. The base compares it exactly with ``email`` and ``aliases`` of each row, so more
                rows may be returned, up to ``MOST_CUSTOMERS``.
            contact_id: Of a row that was returned before. More rows may be returned, too.

        Returns:
            Rows with the fields of ``models.Contact``: ``contact_id``, ``email``, ``name``, ``language``, ``aliases``
            and ``accounts``, each with ``account_id``, ``name`` and ``access``. Empty for nobody: **the bot unlinks a
            contact that is no more**, so raise an error where the system did not answer.
        """

    @abstractmethod
    async def read_orders(self, reader: Reader) -> Iterable[Row]:
        """Return every order of ``reader.account_id``, in any order, with the fields of ``models.Order``.

        The base has checked that the contact may see them. ``account_id`` and ``contact_id`` of a row are compared with
        the reader's, where the row has them: give them where the system tells them.
        """

    @abstractmethod
    async def read_invoices(self, reader: Reader) -> Iterable[Row]:
        """Return every invoice and credit note, with the fields of ``models.Invoice``, as ``read_orders`` does."""

    @abstractmethod
    async def read_pdf(self, reader: Reader, row: Any, limit: int) -> bytes | Pdf:
        """Return the PDF of an invoice, in one attempt.

        Args:
            reader: The base has checked that they may see the invoice. ``reader.language`` is that of the PDF.
            row: The invoice as ``read_invoices`` returned it, with fields that only the system knows.
            limit: The most bytes, for ``JsonApi.get_pdf``.

        Returns:
            The bytes, or with an ETag of the system's; by default, it is made of the bytes.

        Raises:
            NotReady: the system is still making it.
            NotFound: there is none.
        """

    @abstractmethod
    async def read_changes(self, since: datetime.datetime) -> Iterable[Change | Mapping[str, Any]]:
        """Return what changed since a time in UTC, inclusive, in any order. Empty where the system cannot tell.

        The same change has the same time, type, account, number and contact each time. Where there are very many, the
        oldest 10,000 are enough; over 100,000 are an error.
        """
