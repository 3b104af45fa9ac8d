"""Every query of the bot, for one link of a filled database (see ``filled``) or for all rows."""

import datetime
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, update
from sqlmodel import SQLModel

from storage import chats, incidents, personal_data, support, updates
from storage.chats import Awaiting
from storage.database import Database, Session
from storage.health import operator_alerts
from storage.linking import access, code_history, codes, invitations, links, pending_papers, proofs, shared_addresses
from storage.linking.codes import StoredCode
from storage.linking.links import NewLink
from storage.notices import (
    bookkeeper_copies,
    cancellation,
    clock_steps,
    delivery_preferences,
    feed,
    outbox,
    outbox_report,
    rate_limiter,
    repetitions,
    retention,
    subscriptions,
)
from storage.notices.delivery_preferences import Quiet
from storage.notices.feed import NewDelivery, NewNotice
from storage.notices.outbox import ClaimedDelivery, Held
from storage.notices.plan import hand_over, mutes, rows, sweeps
from storage.notices.plan.rows import Part, Wanted
from storage.notices.plan.sweeps import REMINDER_KINDS
from storage.notices.repetitions import ResendChoice, SeenNotices
from storage.papers import calendar_feeds, packs, saved_answers, sent_pdfs, uploaded_pdfs, visits
from storage.papers.packs import ClaimedPack, NewPack, SettledPack
from storage.papers.saved_answers import Answer
from storage.papers.sent_pdfs import SentPdf
from storage.support import EndReason
from storage.tables import Awaited, Channel, CodeState, Document, InvitationState, Kind, PackState, State
from tests.storage.filled import CODES_KEPT, NOTICES_KEPT, UPDATES_KEPT, Size

STAFF_CHAT = -1001
FEW = 40
"""How many notices, codes and updates are old where ``few`` are, whatever the size: what ages in minutes."""
_MINUTE = datetime.timedelta(minutes=1)
_SECOND = datetime.timedelta(seconds=1)
_DAY = datetime.timedelta(days=1)


def _held(place: Any) -> list[Held]:
    return outbox.held_by("w", [place.leased])


@dataclass(frozen=True, slots=True)
class Pick:
    """A link (one of every fourth), with the ids of the rows that belong to it."""

    size: Size
    link: int

    @property
    def now(self) -> datetime.datetime:
        """The time."""
        return self.size.now

    @property
    def chat(self) -> int:
        """The link's chat."""
        return self.link

    @property
    def other_chat(self) -> int:
        """Another link and its chat, of the same address."""
        return self.link - 1

    @property
    def code(self) -> int:
        """The chat's code."""
        return self.link // 4

    @property
    def copy(self) -> int:
        """The bookkeeper's copy of the account, and its link."""
        return (self.link - 1) % self.size.quarter + 1

    @property
    def account(self) -> str:
        """The account's id at the portal."""
        return f"gen-a-{self.copy - 1:06d}"

    @property
    def contact(self) -> str:
        """The contact's id at the portal."""
        return f"gen-c-{self.copy - 1:06d}-{(self.link - 1) // self.size.quarter}"

    @property
    def number(self) -> str:
        """The account's invoice of the first run, which the link muted."""
        return f"101{self.copy - 1:06d}"

    @property
    def leased(self) -> int:
        """A delivery that worker ``w`` holds."""
        held = self.size.in_hand
        return (held[self.code % len(held)] - 1) * 5 + 1

    @property
    def email(self) -> str:
        """The address, which ``seal_addresses`` seals and hashes as the bot does."""
        return f"client{self.link}@example.test"

    @property
    def fresh(self) -> int:
        """An id that no row has."""
        return 100_000_000 + self.link

    @property
    def events(self) -> list[str]:
        """A page of the feed, known from an earlier reading."""
        first = min(self.code * 2, self.size.notices - 99)
        return [f"event{number}" for number in range(first, first + 100)]

    @property
    def document(self) -> Document:
        """The PDF of the invoice."""
        return Document(
            bot_id=1, account_id=self.account, number=self.number, language="fr", file_id=f"file{self.copy}", etag="e"
        )

    @property
    def claimed(self) -> ClaimedDelivery:
        """A delivery to the chat, as a worker holds it."""
        return ClaimedDelivery(
            delivery_id=self.leased, lease="w", event_id="event", kind=Kind.INVOICE_ISSUED, account_id=self.account,
            number=self.number, occurred_at=self.now, channel=Channel.TELEGRAM, recipient=self.chat, link_id=self.link,
            account_name="", attempts=0, is_postponed=True,
        )  # fmt: skip

    @property
    def pack(self) -> ClaimedPack:
        """A pack of the link's chat, as a process holds it."""
        return ClaimedPack(self.link, "lease", self.chat, self.link, None, None, "fr", "z", {}, {})

    @property
    def wanted(self) -> Wanted:
        """A reminder that is to come."""
        due_at = self.now + _DAY
        return Wanted("1", Kind.REMINDER_DUE, due_at.date(), due_at, due_at + _DAY)

    @property
    def late(self) -> Wanted:
        """A reminder whose time is over."""
        return Wanted(self.number, Kind.REMINDER_DUE, self.now.date(), self.now - _MINUTE, self.now + _DAY)

    def old(self, of: int, kept: datetime.timedelta, *, many: bool = False) -> datetime.datetime:
        """Return a time before which ``FEW`` of ``of`` rows were made, or two in five."""
        return self.size.when((of * 2 // 5 if many else FEW) + 0.5, of, kept)


def picks(size: Size, count: int, seed: int = 1) -> list[Pick]:
    """Return ``count`` different links from the whole range, at most a quarter of all; the same for the same seed."""
    return [Pick(size, link) for link in random.Random(seed).sample(range(4, size.links + 1, 4), count)]


async def seal_addresses(database: Database, chosen: Sequence[Pick]) -> None:
    """Encrypt and hash the address in the links and codes of these picks and of their other chats, as the bot does."""
    vault, tables = database.vault, SQLModel.metadata.tables
    known = [(pick, {"sealed": vault.seal(pick.email), "hashed": vault.hash("email", pick.email)}) for pick in chosen]
    async with database.engine.begin() as connection:
        for table, of_pick in (("links", "link"), ("links", "other_chat"), ("codes", "code")):
            (key,) = tables[table].primary_key
            row = update(tables[table]).where(key == bindparam("row"))
            sealed = row.values(email_sealed=bindparam("sealed"), email_hash=bindparam("hashed"))
            await connection.execute(sealed, [{"row": getattr(pick, of_pick), **address} for pick, address in known])


Query = Callable[[Session, Pick], Awaitable[object]]

READS: dict[str, Query] = {
    "support.find": lambda s, p: support.find(s, p.code),
    "support.find_open": lambda s, p: support.find_open(s, p.chat),
    "support.find_by_topic": lambda s, p: support.find_by_topic(s, STAFF_CHAT, p.chat),
    "support.staff_messages": lambda s, p: support.staff_messages(s, p.code, [1, 2]),
    "support.person_messages": lambda s, p: support.person_messages(s, p.code, [1, 2]),
    "support.due_to_close": lambda s, p: support.due_to_close(s, p.now, 20),
    "chats.load": lambda s, p: chats.load(s, p.chat),
    "shared_addresses.other_chats": lambda s, p: shared_addresses.other_chats(s, p.chat),
    "links.emails": lambda s, p: links.emails(s, p.chat),
    "links.chats_of_email": lambda s, p: links.chats_of_email(s, p.email),
    "personal_data.load": lambda s, p: personal_data.load(s, p.chat),
    "personal_data.rows_of_chat": lambda s, p: personal_data.rows_of_chat(s, p.chat),
    "codes.chat_to_revoke": lambda s, p: codes.chat_to_revoke(s, p.chat),
    "proofs.was_proven": lambda s, p: proofs.was_proven(s, p.chat, p.email),
    "invitations.was_requested": lambda s, p: invitations.was_requested(s, "msg-1"),
    "invitations.count": lambda s, p: invitations.count(s, p.now - _DAY, 100),
    "invitations.count, a contact": lambda s, p: invitations.count(s, p.now - _DAY, 100, "con-1"),
    "invitations.find": lambda s, p: invitations.find(s, 1, p.chat),
    "invitations.find_by_token": lambda s, p: invitations.find_by_token(s, "token"),
    "access.links_to_confirm": lambda s, p: access.links_to_confirm(s, chat_id=p.chat),
    "access.still_linked": lambda s, p: access.still_linked(s, [p.link]),
    "shared_addresses.find_shared": lambda s, p: shared_addresses.find_shared(s, p.chat, p.other_chat),
    "codes.latest": lambda s, p: codes.latest(s, p.chat, *CodeState),
    "sent_pdfs.find": lambda s, p: sent_pdfs.find(s, p.link, "900", "fr", p.now - _DAY, p.now),
    "sent_pdfs.save": lambda s, p: sent_pdfs.save(s, p.link, "900", "fr", SentPdf(1, None, p.now, p.now)),
    "sent_pdfs.purge": lambda s, p: sent_pdfs.purge(s, p.now - _DAY, 100),
    "uploaded_pdfs.find": lambda s, p: uploaded_pdfs.find(s, 1, p.account, p.number, "fr"),
    "feed.position": lambda s, _: feed.position(s),
    "feed.known_events": lambda s, p: feed.known_events(s, p.events),
    "feed.affected_links": lambda s, p: feed.affected_links(s, {p.account}),
    "feed.notified_recipients": lambda s, p: feed.notified_recipients(s, {(p.number, p.account), ("1", "a")}),
    "feed.account_name": lambda s, p: feed.account_name(s, [p.link, p.other_chat]),
    "clock_steps.last_seen": lambda s, _: clock_steps.last_seen(s),
    "outbox_report.next_due": lambda s, _: outbox_report.next_due(s),
    "outbox_report.has_more_uncertain": lambda s, _: outbox_report.has_more_uncertain(s, 20),
    "operator_alerts.is_any_open": lambda s, _: operator_alerts.is_any_open(s),
    "outbox_report.count_open": lambda s, _: outbox_report.count_open(s),
    "outbox_report.list_uncertain": lambda s, _: outbox_report.list_uncertain(s, 20),
    "repetitions.channels_due": lambda s, p: repetitions.channels_due(s, p.now),
    "repetitions.list_resendable": lambda s, p: repetitions.list_resendable(s, ResendChoice(since=p.now)),
    "outbox_report.sent_to_copy": lambda s, p: outbox_report.sent_to_copy(s, p.copy, 10),
    "outbox_report.copy_stopped_at": lambda s, p: outbox_report.copy_stopped_at(s, p.chat, p.account),
    "bookkeeper_copies.mailed_before": lambda s, p: bookkeeper_copies.mailed_before(s, p.claimed, p.email),
    "code_history.newest_live": lambda s, p: code_history.newest_live(s, p.chat, p.now),
    "codes.is_live": lambda s, p: codes.is_live(s, p.code),
    "updates.was_handled": lambda s, p: updates.was_handled(s, p.link),
    "delivery_preferences.load": lambda s, p: delivery_preferences.load(s, p.chat),
    "bookkeeper_copies.find": lambda s, p: bookkeeper_copies.find(s, p.copy),
    "bookkeeper_copies.is_sealed": lambda s, p: bookkeeper_copies.is_sealed(s, p.copy),
    "bookkeeper_copies.find_by_link": lambda s, p: bookkeeper_copies.find_by_link(s, p.copy),
    "hand_over.next_due": lambda s, _: hand_over.next_due(s),
    "sweeps.next_due": lambda s, _: sweeps.next_due(s),
    "mutes.muted_numbers": lambda s, p: mutes.muted_numbers(s, p.link),
    "saved_answers.find": lambda s, p: saved_answers.find(s, p.link, "key", p.now),
    "saved_answers.find_of_call": lambda s, p: saved_answers.find_of_call(s, p.link, "invoices", p.now),
    "saved_answers.has_any": lambda s, p: saved_answers.has_any(s, [(p.link, "key")]),
    "saved_answers.count_of_chat": lambda s, p: saved_answers.count_of_chat(s, p.chat),
    "calendar_feeds.find": lambda s, _: calendar_feeds.find(s, "token"),
    "calendar_feeds.made_at": lambda s, p: calendar_feeds.made_at(s, p.link),
    "calendar_feeds.count_of_chat": lambda s, p: calendar_feeds.count_of_chat(s, p.chat),
    "visits.load": lambda s, p: visits.load(s, p.link),
    "visits.told_since": lambda s, p: visits.told_since(s, p.chat, p.account, p.now - _DAY),
    "mutes.is_muted": lambda s, p: mutes.is_muted(s, p.link, p.number),
    "packs.open_pack": lambda s, p: packs.open_pack(s, p.chat),
    "packs.is_due": lambda s, p: packs.is_due(s, p.now),
    "packs.state_of": lambda s, p: packs.state_of(s, p.link),
    "packs.is_held": lambda s, p: packs.is_held(s, p.pack),
    "packs.find_settled": lambda s, p: packs.find_settled(s, p.link, p.chat),
    "packs.find_same": lambda s, p: packs.find_same(s, p.pack, "0" * 64),
    "packs.count_open": lambda s, _: packs.count_open(s),
}
WRITES: dict[str, Query] = {
    "operator_alerts.load_and_lock": lambda s, _: operator_alerts.load_and_lock(s),
    "operator_alerts.release": lambda s, _: operator_alerts.release(s, ["portal"]),
    "packs.add": lambda s, p: packs.add(s, NewPack(p.chat, p.link, None, "fr", "z", {}), p.now, p.now),
    "packs.show_progress_in": lambda s, p: packs.show_progress_in(s, p.link, 1, p.now),
    "packs.record_message": lambda s, p: packs.record_message(s, p.pack, 1),
    "packs.claim": lambda s, p: packs.claim(s, "lease", p.now, p.now + _MINUTE, 2),
    "packs.extend": lambda s, p: packs.extend(s, p.pack, p.now),
    "packs.save": lambda s, p: packs.save(s, p.pack, {}),
    "packs.settle": lambda s, p: packs.settle(s, p.pack, PackState.DONE, p.now),
    "packs.put_back": lambda s, p: packs.put_back(s, p.pack, p.now),
    "packs.delete_pack": lambda s, p: packs.delete_pack(s, p.link),
    "packs.cancel": lambda s, p: packs.cancel(s, p.link, p.chat, p.now),
    "packs.queue_again": lambda s, p: packs.queue_again(
        s, SettledPack(p.link, p.link, PackState.DONE, {}), {}, p.now, p.now
    ),
    "packs.end_for_links": lambda s, p: packs.end_for_links(s, [p.link], p.now),
    "packs.reclaim": lambda s, p: packs.reclaim(s, p.now),
    "packs.purge": lambda s, p: packs.purge(s, p.now, 100),
    "support.begin": lambda s, p: support.begin(s, p.chat, STAFF_CHAT, p.link, "invoices 1", p.now, language="fr"),
    "support.set_topic": lambda s, p: support.set_topic(s, p.code, None, 7),
    "support.subject_told": lambda s, p: support.subject_told(s, p.code),
    "support.remember": lambda s, p: support.remember(s, p.code, 3, 4, p.now),
    "support.end": lambda s, p: support.end(s, p.code, EndReason.PERSON, p.now),
    "support.end_for_links": lambda s, p: support.end_for_links(s, [p.link], p.now),
    "support.forget": lambda s, p: support.forget(s, p.chat, p.now),
    "support.end_idle": lambda s, p: support.end_idle(s, p.now, 20),
    "support.claim_to_close": lambda s, p: support.claim_to_close(s, p.code, p.now),
    "support.person_told": lambda s, p: support.person_told(s, p.code),
    "support.closed": lambda s, p: support.closed(s, p.code),
    "support.purge": lambda s, p: support.purge(s, p.now, p.now, 100),
    "chats.set_language": lambda s, p: chats.set_language(s, p.chat, "fr", p.now),
    "chats.set_page_size": lambda s, p: chats.set_page_size(s, p.chat, 10, p.now),
    "chats.set_awaiting": lambda s, p: chats.set_awaiting(s, p.chat, Awaiting(Awaited.CODE, p.now), p.now),
    "chats.move_awaiting": lambda s, p: chats.move_awaiting(s, p.chat, None, Awaiting(Awaited.EMAIL, p.now)),
    "chats.first_of_album": lambda s, p: chats.first_of_album(s, p.chat, "album", p.now),
    "links.add_links, a new chat": lambda s, p: links.add_links(
        s, p.fresh, "Camille", [NewLink(p.contact, p.account, "Client", frozenset({"orders"}), p.email)], p.now
    ),
    "links.add_links, one more": lambda s, p: links.add_links(
        s, p.chat, "Camille", [NewLink("c", p.account, "Client", frozenset({"orders"}), p.email)], p.now
    ),
    "links.choose": lambda s, p: links.choose(s, p.chat, p.link, p.now),
    "subscriptions.set_subscriptions": lambda s, p: subscriptions.set_subscriptions(
        s, p.chat, [p.link], {Kind.INVOICE_PAID}, on=True
    ),
    "subscriptions.set_attaches_pdf": lambda s, p: subscriptions.set_attaches_pdf(s, p.chat, p.link, on=True),
    "shared_addresses.revoke": lambda s, p: shared_addresses.revoke(s, p.chat, p.other_chat, p.now),
    "links.unlink": lambda s, p: links.unlink(s, p.chat, p.now),
    "links.unlink_email": lambda s, p: links.unlink_email(s, p.email, p.now),
    "personal_data.delete_chat": lambda s, p: personal_data.delete_chat(s, p.chat, p.now),
    "chats.migrate": lambda s, p: chats.migrate(s, p.chat, -p.fresh),
    "invitations.claim": lambda s, p: invitations.claim(s, "token", p.chat, p.now),
    "invitations.close": lambda s, p: invitations.close(s, 1, p.chat, InvitationState.USED, p.now),
    "invitations.delete_of_chat": lambda s, p: invitations.delete_of_chat(s, p.chat),
    "invitations.purge": lambda s, p: invitations.purge(s, p.now, 100),
    "pending_papers.save": lambda s, p: pending_papers.save(s, p.chat, "f-1", p.now, p.now),
    "pending_papers.take": lambda s, p: pending_papers.take(s, p.chat, p.now),
    "pending_papers.purge": lambda s, p: pending_papers.purge(s, p.now, 100),
    "code_history.history": lambda s, p: code_history.history(s, p.chat, p.email, p.now - CODES_KEPT),
    "code_history.is_ended_long": lambda s, p: code_history.is_ended_long(
        s, StoredCode(p.code, p.email, "hash", p.now, p.now, is_long=True), "K7QM2XVP", p.now, p.now - _DAY
    ),
    "code_history.short_hashes": lambda s, p: code_history.short_hashes(s, p.chat, p.email, p.now - CODES_KEPT),
    "code_history.copy_requests": lambda s, p: code_history.copy_requests(s, p.now - CODES_KEPT, 500),
    "codes.take_over": lambda s, p: codes.take_over(s, p.chat, p.email, p.now),
    "codes.count": lambda s, p: codes.count(s, p.code, is_counted=True),
    "codes.allow": lambda s, p: codes.allow(s, p.code, p.now),
    "codes.prove": lambda s, p: codes.prove(
        s, StoredCode(p.code, p.email, "hash", p.now, p.now, is_long=True), "hash", p.now
    ),
    "codes.find_match": lambda s, p: codes.find_match(
        s, StoredCode(p.code, p.email, "hash", p.now, p.now, is_long=True), p.chat, "K7QM2XVP", p.now
    ),
    "proofs.count_wrong": lambda s, p: proofs.count_wrong(s, p.email, p.now),
    "proofs.lift_cap": lambda s, p: proofs.lift_cap(s, p.email),
    "proofs.may_warn": lambda s, p: proofs.may_warn(s, p.email, p.now, _MINUTE),
    "proofs.remember_proven": lambda s, p: proofs.remember_proven(s, p.chat, p.email, p.now),
    "proofs.delete_proofs, a chat": lambda s, p: proofs.delete_proofs(s, chat_id=p.chat),
    "proofs.delete_proofs, an address": lambda s, p: proofs.delete_proofs(s, email=p.email),
    "proofs.purge": lambda s, p: proofs.purge(s, p.now - NOTICES_KEPT, 100),
    "personal_data.delete_unlinked": lambda s, p: personal_data.delete_unlinked(s, p.now, 100),
    "personal_data.deletable_messages": lambda s, p: personal_data.deletable_messages(s, p.chat, p.now - _DAY),
    "code_history.erase_revocations": lambda s, p: code_history.erase_revocations(s, p.chat),
    "retention.delete_of_chat": lambda s, p: retention.delete_of_chat(s, p.chat),
    "retention.delete_mails_of_links": lambda s, p: retention.delete_mails_of_links(s, [p.link]),
    "retention.delete_ownerless": lambda s, p: retention.delete_ownerless(s, p.leased, 100),
    "uploaded_pdfs.delete_of_unlinked_accounts": lambda s, p: uploaded_pdfs.delete_of_unlinked_accounts(s, [p.account]),
    "uploaded_pdfs.delete_ownerless": lambda s, p: uploaded_pdfs.delete_ownerless(s, (1, p.account, "", ""), 100),
    "access.confirm": lambda s, p: access.confirm(s, p.link, "Client", frozenset({"orders"}), p.now, is_used=True),
    "codes.replace": lambda s, p: codes.replace(s, p.chat, p.email, "123456", now=p.now, expires_at=p.now),
    "codes.take_attempt": lambda s, p: codes.take_attempt(s, p.code, 5),
    "codes.move": lambda s, p: codes.move(s, p.code, CodeState.LIVE, CodeState.PROVEN),
    "codes.fail": lambda s, p: codes.fail(s, p.code),
    "codes.purge, few": lambda s, p: codes.purge(
        s, p.old(p.size.quarter, CODES_KEPT) + CODES_KEPT, CODES_KEPT, CODES_KEPT, 100
    ),
    "codes.purge, many": lambda s, p: codes.purge(
        s, p.old(p.size.quarter, CODES_KEPT, many=True) + CODES_KEPT, CODES_KEPT, CODES_KEPT, 100
    ),
    "uploaded_pdfs.save": lambda s, p: uploaded_pdfs.save(s, p.document),
    "uploaded_pdfs.delete_upload": lambda s, p: uploaded_pdfs.delete_upload(s, p.document),
    "feed.record": lambda s, p: feed.record(
        s,
        NewNotice(f"new{p.link}", Kind.INVOICE_PAID, p.account, p.number, p.now),
        [NewDelivery(Channel.TELEGRAM, p.copy + n * p.size.quarter, p.link, p.now) for n in range(4)],
    ),
    "feed.advance": lambda s, p: feed.advance(s, None, "cursor", p.now),
    "rate_limiter.reserve": lambda s, p: rate_limiter.reserve(s, p.now, _SECOND / 28, 2),
    "rate_limiter.halt": lambda s, p: rate_limiter.halt(s, p.now),
    "outbox.claim": lambda s, p: outbox.claim(s, "new", p.now, p.now + _MINUTE, 32, _SECOND),
    "outbox.claim, one channel": lambda s, p: outbox.claim(
        s, "new", p.now, p.now + _MINUTE, 32, _SECOND, [Channel.TELEGRAM]
    ),
    "outbox.claim_postponed": lambda s, p: outbox.claim_postponed(s, p.claimed, p.now, p.now + _MINUTE),
    "outbox.begin_sending": lambda s, p: outbox.begin_sending(s, _held(p), p.now, p.now + _MINUTE),
    "outbox.settle": lambda s, p: outbox.settle(s, _held(p), State.SENT, p.now),
    "outbox.put_back": lambda s, p: outbox.put_back(s, [p.leased], "w", State.RETRY, p.now),
    "outbox.settle, uncertain": lambda s, p: outbox.settle(s, _held(p), State.UNCERTAIN, p.now, "timed out"),
    "repetitions.queue_due": lambda s, p: repetitions.queue_due(s, p.now, Channel.TELEGRAM),
    "repetitions.record_seen": lambda s, p: repetitions.record_seen(
        s, p.chat, SeenNotices([Kind.INVOICE_ISSUED], p.account, p.number), p.now
    ),
    "repetitions.resend": lambda s, p: repetitions.resend(s, [p.leased], p.now),
    "rate_limiter.hold_chat": lambda s, p: rate_limiter.hold_chat(s, p.chat, p.now),
    "outbox.reclaim": lambda s, p: outbox.reclaim(s, p.now, kept={"w"}),
    "clock_steps.record_seen": lambda s, p: clock_steps.record_seen(s, p.now),
    "clock_steps.set_back": lambda s, p: clock_steps.set_back(s, p.now, p.now + _MINUTE, _MINUTE),
    "clock_steps.make_far_ones_due": lambda s, p: clock_steps.make_far_ones_due(s, p.now, _MINUTE),
    "clock_steps.shorten_leases": lambda s, p: clock_steps.shorten_leases(s, p.now, _SECOND, _MINUTE),
    "cancellation.cancel_for_links": lambda s, p: cancellation.cancel_for_links(
        s, [p.link, p.other_chat], p.now, "unlinked"
    ),
    "cancellation.cancel_for_copies": lambda s, p: cancellation.cancel_for_copies(s, [p.copy], p.now, "copy stopped"),
    "cancellation.cancel_for_number, an account": lambda s, p: cancellation.cancel_for_number(
        s, [Kind.INVOICE_ISSUED], p.number, p.now, "paid", account_id=p.account
    ),
    "cancellation.cancel_for_number, a link": lambda s, p: cancellation.cancel_for_number(
        s, [Kind.INVOICE_ISSUED], p.number, p.now, "muted", link_id=p.link
    ),
    "delivery_preferences.release_postponed": lambda s, p: delivery_preferences.release_postponed(s, p.chat, p.now),
    "retention.purge_settled, few": lambda s, p: retention.purge_settled(s, p.old(p.size.notices, NOTICES_KEPT), 100),
    "retention.purge_settled, many": lambda s, p: retention.purge_settled(
        s, p.old(p.size.notices, NOTICES_KEPT, many=True), 100
    ),
    "retention.purge_undelivered": lambda s, p: retention.purge_undelivered(
        s, p.code, p.old(p.size.notices, NOTICES_KEPT, many=True), 100
    ),
    "updates.mark_handled": lambda s, p: updates.mark_handled(s, [p.fresh], p.now),
    "updates.purge, few": lambda s, p: updates.purge(s, p.old(p.size.links, UPDATES_KEPT), 100),
    "updates.purge, many": lambda s, p: updates.purge(s, p.old(p.size.links, UPDATES_KEPT, many=True), 100),
    "delivery_preferences.set_quiet": lambda s, p: delivery_preferences.set_quiet(s, p.chat, Quiet(0, 60)),
    "delivery_preferences.set_timezone": lambda s, p: delivery_preferences.set_timezone(s, p.chat, "America/Toronto"),
    "delivery_preferences.set_blocked": lambda s, p: delivery_preferences.set_blocked(s, p.chat, p.now),
    "bookkeeper_copies.save": lambda s, p: bookkeeper_copies.save(s, p.copy, p.email, "fr", p.now),
    "bookkeeper_copies.stop": lambda s, p: bookkeeper_copies.stop(s, p.copy),
    "bookkeeper_copies.stop_for_address": lambda s, p: bookkeeper_copies.stop_for_address(
        s, p.account, "client@example.test"
    ),
    "bookkeeper_copies.pause_for_address": lambda s, p: bookkeeper_copies.pause_for_address(
        s, p.account, "client@example.test", p.now
    ),
    "mutes.snooze": lambda s, p: mutes.snooze(s, p.link, p.number, p.now.date(), p.now, p.now),
    "saved_answers.save": lambda s, p: saved_answers.save(
        s, [saved_answers.sealed(s.vault, Answer(p.link, "invoices", "key", "{}", p.now))]
    ),
    "saved_answers.erase": lambda s, p: saved_answers.erase(s, p.link, "key"),
    "saved_answers.erase_calls": lambda s, p: saved_answers.erase_calls(s, p.link, ["invoices"]),
    "saved_answers.purge": lambda s, p: saved_answers.purge(s, p.now, 100),
    "calendar_feeds.save": lambda s, p: calendar_feeds.save(s, p.link, str(p.link), "fr", p.now),
    "calendar_feeds.rehash": lambda s, p: calendar_feeds.rehash(s, p.link, "token"),
    "saved_answers.rehash": lambda s, p: saved_answers.rehash(s, p.link, "old", "new"),
    "calendar_feeds.delete_feed": lambda s, p: calendar_feeds.delete_feed(s, p.link),
    "rows.correct": lambda s, p: rows.correct(
        s, Part(p.link, p.account, REMINDER_KINDS, p.now), [p.wanted, p.late], p.now
    ),
    "rows.plan_if_absent": lambda s, p: rows.plan_if_absent(s, p.link, p.wanted),
    "rows.forget": lambda s, p: rows.forget(s, p.link, REMINDER_KINDS),
    "rows.purge": lambda s, p: rows.purge(s, p.now.date(), 100),
    "hand_over.queue_due": lambda s, p: hand_over.queue_due(s, p.now + 2 * _DAY, 20),
    "sweeps.follow": lambda s, p: sweeps.follow(s, [p.link], p.now),
    "sweeps.follow_range": lambda s, p: sweeps.follow_range(s, p.link, 1000, p.now),
    "sweeps.request": lambda s, p: sweeps.request(s, [p.link], p.now),
    "sweeps.request_for_chat": lambda s, p: sweeps.request_for_chat(s, p.chat, p.now),
    "sweeps.claim": lambda s, p: sweeps.claim(s, p.now + _MINUTE, p.now + _DAY, 10),
    "sweeps.lock": lambda s, p: sweeps.lock(s, p.link),
    "cancellation.cancel_for_link_and_kinds": lambda s, p: cancellation.cancel_for_link_and_kinds(
        s, p.link, REMINDER_KINDS, p.now, "no longer wished for"
    ),
    "cancellation.cancel_deliveries": lambda s, p: cancellation.cancel_deliveries(s, [p.leased], p.now, "in the plan"),
    "visits.save": lambda s, p: visits.save(s, p.link, p.now, "{}"),
    "mutes.mute": lambda s, p: mutes.mute(s, p.link, "900", p.now),
    "mutes.unmute": lambda s, p: mutes.unmute(s, p.link, p.number, p.now),
}
QUERIES = READS | WRITES
COUNTS: dict[str, Query] = {
    "incidents.load": lambda s, _: incidents.load(s),
    "outbox_report.count_all": lambda s, _: outbox_report.count_all(s),
    "outbox_report.list_repeated": lambda s, _: outbox_report.list_repeated(s, 20),
    "links.count_linked_chats": lambda s, _: links.count_linked_chats(s),
}
"""What reads a whole table or index, for an operator's command or a metric: no update and no notice waits for it."""
