"""Make one pack and send it: list, load, write a file, check the link, send it; then the next file."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress

from msgspec.structs import replace
from sqlalchemy.exc import SQLAlchemyError

from portal.client import Portal, Reader
from portal.errors import Forbidden, NotFound
from portal.models import Contact, Invoice, Part as AccountPart
from services.access import Access
from services.clock import Clock
from services.company import Company
from services.invoices import file_name
from services.packs import files
from services.packs.archives import Part, Unusable
from services.packs.collecting import Collector
from services.packs.files import Request
from services.packs.progress import Progress
from services.packs.reports import Finished, Missing, PackFile, PackSender, Report, SendFailed, Stage, Working
from services.packs.selection import Listing, PackFormat, Selection, read_listing
from storage import chats
from storage.chats import LinkState
from storage.database import Database
from storage.papers import packs
from storage.papers.packs import ClaimedPack
from texts.catalogue import texts_in
from texts.language import Language

_REPORT_LIMIT_SECONDS = 4.0
"""How long the end of a pack waits for a report in progress; a stop has 8 s."""
REPORT_SECONDS = 3.0
"""The shortest time between two edits of the progress: a chat takes one message a second, with all that it asks for."""


class LinkEnded(Exception):
    """The chat's link, or its access to invoices, is gone."""


class LeaseLost(Exception):
    """Another process has the pack, or it was cancelled."""


class Packing:
    """One pack under work in this process."""

    def __init__(
        self, pack: ClaimedPack, database: Database, portal: Portal, access: Access, sender: PackSender,
        large_document: asyncio.Lock, clock: Clock, company: Company,
    ) -> None:  # fmt: skip
        self.pack = pack
        self.progress = Progress.of_json(pack.progress)
        self._database = database
        self._portal = portal
        self._access = access
        self._sender = sender
        self._large_document = large_document
        self._clock = clock
        self._company = company
        self._format = PackFormat(pack.format)
        self._selection = Selection.of_json(pack.request)
        self._working = Working(Stage.WAITING)
        self._reported_at = 0.0
        self._reporting: asyncio.Task[None] | None = None
        self._fingerprint: str | None = None
        self._collector: Collector
        self._request: Request

    async def run(self) -> Finished:
        """Make the pack, from where it was left.

        Raises:
            LinkEnded, LeaseLost, SendFailed: see there.
            PortalStaysAway: the portal did not answer for ten minutes.
            PortalError: the portal refuses the bot, or breaks its contract.
            OSError: a temporary file could not be written.
        """
        link = await self._link()
        language = Language.stored(self.pack.language)
        now = self._clock().astimezone(self._company.zone)
        reader = Reader(link.contact_id, link.account_id, language.shipped)
        self._request = Request(
            texts_in(language), link.account_name, self._company.name, self._selection, self._format, now
        )
        self._collector = Collector(self._portal, reader, self._large_document, self._on_away)
        await self._save()
        try:
            if self._format.has_pdfs:
                return await self._run_pdfs(reader)
            return await self._run_sheet(reader)
        except (NotFound, Forbidden):
            raise LinkEnded from None
        finally:
            await self.stop_reporting()

    async def stop_reporting(self) -> None:
        """Wait for a report in progress, so that it does not come after the last one."""
        if self._reporting is not None:
            await asyncio.wait({self._reporting}, timeout=_REPORT_LIMIT_SECONDS)
            self._reporting.cancel()

    async def _run_pdfs(self, reader: Reader) -> Finished:
        progress = self.progress
        if progress.numbers is None:
            listing = await self._list(reader)
            progress.numbers = [invoice.number for invoice in listing.invoices]
            progress.credit_notes = [invoice.number for invoice in listing.invoices if invoice.is_credit_note]
            progress.unread, progress.left_off = listing.unread, listing.left_off
            self._fingerprint = self._fingerprint_of(listing)
            if progress.numbers and await self._send_known(listing):
                return self._finished(len(progress.numbers))
            await self._save()
        numbers = progress.numbers
        part: Part | None = None
        packed: list[str] = []
        etags: list[str | None] = []
        missing: list[tuple[str, Missing]] = []
        self._report(Stage.PACKING, progress.position, len(numbers))
        begin = progress.position
        try:
            async with aclosing(self._collector.pdfs(numbers[begin:])) as found:
                async for number, pdf in found:
                    if isinstance(pdf, Missing):
                        missing.append((number, pdf))
                    else:
                        if part is not None and not part.has_room(len(pdf.content)):
                            await self._send_part(part, packed, etags, missing, is_last=False)
                            part, packed, etags, missing = None, [], [], []
                        part = part or files.new_part(self._format)
                        name = file_name(self._request.t, number, is_credit_note=number in progress.credit_notes)
                        try:
                            await asyncio.to_thread(part.add, name, pdf.content)
                        except Unusable:
                            missing.append((number, Missing.UNMERGEABLE))
                        else:
                            packed.append(number)
                            etags.append(pdf.etag)
                    del pdf  # not held while the next one comes
                    done = progress.position + len(packed) + len(missing)
                    self._report(Stage.PACKING, done, len(numbers))
            if part is not None and packed:
                await self._send_part(part, packed, etags, missing, is_last=True)
                part = None
            else:
                progress.missing += missing
                progress.position += len(missing)
        finally:
            if part is not None:
                part.close()
        return self._finished(progress.count)

    async def _send_part(
        self, part: Part, packed: list[str], etags: list[str | None], missing: list[tuple[str, Missing]], *,
        is_last: bool,
    ) -> None:  # fmt: skip
        progress = self.progress
        try:
            content = await asyncio.to_thread(part.finish)
            is_only = is_last and not progress.parts
            name, caption = files.describe_part(self._request, packed, progress.parts + 1, is_only=is_only)
            await self._send(PackFile(name, caption, content=content))
        finally:
            part.close()
        progress.etags += etags
        progress.missing += missing
        progress.position += len(packed) + len(missing)
        await self._save()

    async def _run_sheet(self, reader: Reader) -> Finished:
        listing = await self._list(reader)
        self.progress.unread, self.progress.left_off = listing.unread, listing.left_off
        self._fingerprint = self._fingerprint_of(listing)
        invoices = listing.invoices
        if not invoices or (not self.progress.parts and await self._send_known(listing)):
            return self._finished(len(invoices))
        makers: list[Callable[[Request, Sequence[Invoice]], PackFile]] = [files.make_sheet]
        if self._format is PackFormat.STATEMENT:
            makers = [files.make_statement, files.make_picture]
        elif self._format is PackFormat.DARK_PICTURE:
            makers = [files.make_picture]
        for make in makers[self.progress.parts :]:
            file = await asyncio.to_thread(make, self._request, invoices)
            try:
                await self._send(file)
            finally:
                if file.content is not None:
                    file.content.close()
            await self._save()
        return self._finished(len(invoices))

    async def _list(self, reader: Reader) -> Listing:
        self._report(Stage.LISTING)
        today = self._request.now.date()
        listing: Listing = await self._collector.call(
            lambda: read_listing(self._portal, reader, self._selection, today)
        )
        return listing

    async def _send_known(self, listing: Listing) -> bool:
        """Send the files of an earlier pack by ``file_id`` if they are still the same. Returns: whether it did."""
        if self._fingerprint is None:
            return False
        async with self._database.read() as session:
            same = await packs.find_same(session, self.pack, self._fingerprint)
        earlier = Progress.of_json(same.progress) if same else None
        if earlier is None or not earlier.files or not earlier.can_be_kept:
            return False
        if self._format.has_pdfs:
            checked, total = 0, len(listing.invoices)

            def on_checked() -> None:
                nonlocal checked
                checked += 1
                self._report(Stage.CHECKING, checked, total)

            numbers = [invoice.number for invoice in listing.invoices]
            if len(earlier.etags) != total or not await self._collector.are_unchanged(
                numbers, earlier.etags, on_checked
            ):
                return False
        for sent, file in enumerate(earlier.files):
            try:
                await self._send(file)
            except SendFailed as error:
                if error.is_unknown_file and not sent:
                    return False
                raise
        self.progress.etags = earlier.etags
        self.progress.position = len(listing.invoices) if self._format.has_pdfs else 0
        await self._save()
        return True

    async def _send(self, file: PackFile) -> None:
        """Send a file, after a check that the link still holds."""
        self._report(Stage.SENDING, self._working.done, self._working.total)
        link = await self._link()
        contact: Contact | None = await self._collector.call(lambda: self._access.contact(link.contact_id))
        has_ended = await self._access.unlink_if_ended(contact, link.link_id) is not None
        if has_ended or not _may_see_invoices(contact, link.account_id):
            raise LinkEnded
        async with self._database.read() as session:
            if not await packs.is_held(session, self.pack):
                raise LeaseLost
        await self.stop_reporting()
        file_id = await self._sender.send(self.pack, file)
        self.progress.files.append(PackFile(file.name, file.caption, file.is_picture, file_id=file_id))
        self.progress.parts += 1

    def _fingerprint_of(self, listing: Listing) -> str | None:
        """Return the keyed hash of all that the files are made of; None for a pack that is not kept."""
        if listing.unread:
            return None
        made_of = files.made_of(self._request, listing.invoices)
        return self._database.vault.hash("pack", f"{self._sender.bot_id} {made_of}")

    async def _link(self) -> LinkState:
        async with self._database.read() as session:
            chat = await chats.load(session, self.pack.chat_id)
        link = chat.link(self.pack.link_id)
        if link is None or AccountPart.INVOICES not in link.access or self._access.is_idle(link):
            raise LinkEnded
        return link

    async def _save(self) -> None:
        kept = self._fingerprint if self.progress.can_be_kept else None
        async with self._database.write() as session:
            if not await packs.save(session, self.pack, self.progress.as_json(), kept):
                raise LeaseLost

    def _finished(self, count: int) -> Finished:
        progress = self.progress
        missing = tuple(progress.missing)
        return Finished(self._format, self._selection, count, missing, progress.unread, progress.left_off)

    def _on_away(self, is_away: bool) -> None:
        working = self._working
        self._report(Stage.PORTAL_AWAY if is_away else Stage.PACKING, working.done, working.total)

    def _report(self, stage: Stage, done: int = 0, total: int = 0) -> None:
        """Edit the progress, at most every ``REPORT_SECONDS``, beside the work."""
        self._working = Working(stage, done, total)
        is_running = self._reporting is not None and not self._reporting.done()
        if is_running or time.monotonic() - self._reported_at < REPORT_SECONDS:
            return
        self._reported_at = time.monotonic()
        self._reporting = asyncio.create_task(self._show(self._working))

    async def _show(self, report: Report) -> None:
        with suppress(SQLAlchemyError):
            message_id = await self._sender.report(self.pack, report)
            if self.pack.message_id is None:
                self.pack = replace(self.pack, message_id=message_id)


def _may_see_invoices(contact: Contact | None, account_id: str) -> bool:
    found = [account for account in contact.accounts if account.account_id == account_id] if contact else []
    return not found or AccountPart.INVOICES in found[0].access
