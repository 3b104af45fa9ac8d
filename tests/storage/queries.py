"""Every query of the bot, asked of one link of a filled database (see ``filled``) or of everything at once."""

import datetime
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, update
from sqlmodel import SQLModel

from storage import access, chats, code_history, codes, documents, feed, outbox, proofs, updates, upkeep, wishes
from storage.chats import Awaiting, NewLink
from storage.codes import StoredCode
from storage.database import Database, Session
from storage.feed import NewDelivery, NewNotice
from storage.outbox import Claimed
from storage.tables import Awaited, Channel, CodeState, Document, Kind, State
from storage.wishes import Quiet
from tests.storage.filled import CODES_KEPT, NOTICES_KEPT, UPDATES_KEPT, Size

FEW = 40
"""How many notices, codes and updates are old where ``few`` are, whatever the size: what ages in minutes."""
_MINUTE = datetime.timedelta(minutes=1)
_SECOND = datetime.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Pick:
    """A link, one of every fourth, and what hangs together with it. What has no type of its own here is a number."""

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
    def neighbour(self) -> int:
        """Another link and its chat, of the same address."""
        return self.link - 1

    @property
    def code(self) -> int:
        """The chat's code."""
        return self.link // 4

    @property
    def copy(self) -> int:
        """The account's bookkeeper, and the link of the account on which it hangs."""
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
        """The account's invoice of the first run, which the link muted, too."""
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
        """A number that no row has."""
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
    def claimed(self) -> Claimed:
        """A delivery to the chat, as a worker holds it."""
        return Claimed(
            delivery_id=self.leased, lease="w", event_id="event", kind=Kind.INVOICE_ISSUED, account_id=self.account,
            number=self.number, occurred_at=self.now, channel=Channel.TELEGRAM, recipient=self.chat, link_id=self.link,
            account_name="", attempts=0, is_postponed=True,
        )  # fmt: skip

    def old(self, of: int, kept: datetime.timedelta, *, many: bool = False) -> datetime.datetime:
        """A time before which ``FEW`` of so many rows came, or two in five."""
        return self.size.when((of * 2 // 5 if many else FEW) + 0.5, of, kept)


def picks(size: Size, count: int, seed: int = 1) -> list[Pick]:
    """So many links from the whole range, each once, the same for the same seed; at most a quarter of the links."""
    return [Pick(size, link) for link in random.Random(seed).sample(range(4, size.links + 1, 4), count)]


async def seal_addresses(database: Database, chosen: Sequence[Pick]) -> None:
    """Gives the links of these picks, their neighbours' and their codes the address, as the bot would have done."""
    vault, tables = database.vault, SQLModel.metadata.tables
    known = [(pick, {"sealed": vault.seal(pick.email), "hashed": vault.hash("email", pick.email)}) for pick in chosen]
    async with database.engine.begin() as connection:
        for table, of_pick in (("links", "link"), ("links", "neighbour"), ("codes", "code")):
            (key,) = tables[table].primary_key
            row = update(tables[table]).where(key == bindparam("row"))
            sealed = row.values(email_sealed=bindparam("sealed"), email_hash=bindparam("hashed"))
            await connection.execute(sealed, [{"row": getattr(pick, of_pick), **address} for pick, address in known])


Query = Callable[[Session, Pick], Awaitable[object]]

READS: dict[str, Query] = {
    "chats.load": lambda s, p: chats.load(s, p.chat),
    "chats.neighbours": lambda s, p: chats.neighbours(s, p.chat),
    "chats.emails": lambda s, p: chats.emails(s, p.chat),
    "chats.chats_of_email": lambda s, p: chats.chats_of_email(s, p.email),
    "chats.kept": lambda s, p: chats.kept(s, p.chat),
    "codes.chat_to_revoke": lambda s, p: codes.chat_to_revoke(s, p.chat),
    "proofs.was_proven": lambda s, p: proofs.was_proven(s, p.chat, p.email),
    "access.links_to_confirm": lambda s, p: access.links_to_confirm(s, chat_id=p.chat),
    "access.still_linked": lambda s, p: access.still_linked(s, [p.link]),
    "access.shared_addresses": lambda s, p: access.shared_addresses(s, p.chat, p.neighbour),
    "codes.latest": lambda s, p: codes.latest(s, p.chat, *CodeState),
    "documents.find": lambda s, p: documents.find(s, 1, p.account, p.number, "fr"),
    "feed.position": lambda s, _: feed.position(s),
    "feed.known_events": lambda s, p: feed.known_events(s, p.events),
    "feed.reached, an account": lambda s, p: feed.reached(s, p.account, None),
    "feed.reached, a contact": lambda s, p: feed.reached(s, p.account, p.contact),
    "feed.account_name": lambda s, p: feed.account_name(s, [p.link, p.neighbour]),
    "outbox.next_due": lambda s, _: outbox.next_due(s),
    "outbox.doubtful": lambda s, _: outbox.doubtful(s, 20),
    "outbox.sent_to_copy": lambda s, p: outbox.sent_to_copy(s, p.copy, 10),
    "updates.was_handled": lambda s, p: updates.was_handled(s, p.link),
    "wishes.silence": lambda s, p: wishes.silence(s, p.chat),
    "wishes.copy": lambda s, p: wishes.copy(s, p.copy),
    "wishes.copy_of_link": lambda s, p: wishes.copy_of_link(s, p.copy),
    "wishes.is_muted": lambda s, p: wishes.is_muted(s, p.link, p.number),
}
WRITES: dict[str, Query] = {
    "chats.set_language": lambda s, p: chats.set_language(s, p.chat, "fr", p.now),
    "chats.set_page_size": lambda s, p: chats.set_page_size(s, p.chat, 10, p.now),
    "chats.set_awaiting": lambda s, p: chats.set_awaiting(s, p.chat, Awaiting(Awaited.CODE, p.now), p.now),
    "chats.move_awaiting": lambda s, p: chats.move_awaiting(s, p.chat, None, Awaiting(Awaited.EMAIL, p.now)),
    "chats.first_of_album": lambda s, p: chats.first_of_album(s, p.chat, "album", p.now),
    "chats.add_links, a new chat": lambda s, p: chats.add_links(
        s, p.fresh, "Camille", [NewLink(p.contact, p.account, "Client", frozenset({"orders"}), p.email)], p.now
    ),
    "chats.add_links, one more": lambda s, p: chats.add_links(
        s, p.chat, "Camille", [NewLink("c", p.account, "Client", frozenset({"orders"}), p.email)], p.now
    ),
    "chats.choose": lambda s, p: chats.choose(s, p.chat, p.link, p.now),
    "chats.set_wishes": lambda s, p: chats.set_wishes(s, p.chat, [p.link], {Kind.INVOICE_PAID}, on=True),
    "chats.set_attaches_pdf": lambda s, p: chats.set_attaches_pdf(s, p.chat, p.link, on=True),
    "chats.revoke": lambda s, p: chats.revoke(s, p.chat, p.neighbour, p.now),
    "chats.unlink": lambda s, p: chats.unlink(s, p.chat, p.now),
    "chats.unlink_email": lambda s, p: chats.unlink_email(s, p.email, p.now),
    "chats.forget": lambda s, p: chats.forget(s, p.chat, p.now),
    "chats.migrate": lambda s, p: chats.migrate(s, p.chat, -p.fresh),
    "code_history.history": lambda s, p: code_history.history(s, p.chat, p.email, p.now - CODES_KEPT),
    "code_history.copy_requests": lambda s, p: code_history.copy_requests(s, p.now - CODES_KEPT, 500),
    "codes.take_over": lambda s, p: codes.take_over(s, p.chat, p.email, p.now),
    "codes.allow": lambda s, p: codes.allow(s, p.code, p.now),
    "codes.prove": lambda s, p: codes.prove(
        s, StoredCode(p.code, p.email, "hash", p.now, p.now, is_long=True), "hash", p.now
    ),
    "codes.opened_by": lambda s, p: codes.opened_by(
        s, StoredCode(p.code, p.email, "hash", p.now, p.now, is_long=True), p.chat, "K7QM2XVP", p.now
    ),
    "proofs.count_wrong": lambda s, p: proofs.count_wrong(s, p.email, p.now),
    "proofs.lift_cap": lambda s, p: proofs.lift_cap(s, p.email),
    "proofs.may_warn": lambda s, p: proofs.may_warn(s, p.email, p.now, _MINUTE),
    "proofs.remember_proven": lambda s, p: proofs.remember_proven(s, p.chat, p.email, p.now),
    "proofs.forget_proven, a chat": lambda s, p: proofs.forget_proven(s, chat_id=p.chat),
    "proofs.forget_proven, an address": lambda s, p: proofs.forget_proven(s, email=p.email),
    "proofs.purge": lambda s, p: proofs.purge(s, p.now - NOTICES_KEPT, 100),
    "chats.purge_strangers": lambda s, p: chats.purge_strangers(s, p.now, 100),
    "access.confirm": lambda s, p: access.confirm(s, p.link, "Client", frozenset({"orders"}), p.now, is_used=True),
    "codes.replace": lambda s, p: codes.replace(s, p.chat, p.email, "123456", now=p.now, expires_at=p.now),
    "codes.take_attempt": lambda s, p: codes.take_attempt(s, p.code, 5),
    "codes.move": lambda s, p: codes.move(s, p.code, CodeState.LIVE, CodeState.PROVEN),
    "codes.fail": lambda s, p: codes.fail(s, p.code),
    "codes.purge, few": lambda s, p: codes.purge(s, p.old(p.size.quarter, CODES_KEPT) + CODES_KEPT, CODES_KEPT, 100),
    "codes.purge, many": lambda s, p: codes.purge(
        s, p.old(p.size.quarter, CODES_KEPT, many=True) + CODES_KEPT, CODES_KEPT, 100
    ),
    "documents.keep": lambda s, p: documents.keep(s, p.document),
    "documents.drop": lambda s, p: documents.drop(s, p.document),
    "feed.record": lambda s, p: feed.record(
        s,
        NewNotice(f"new{p.link}", Kind.INVOICE_PAID, p.account, p.number, p.now),
        [NewDelivery(Channel.TELEGRAM, p.copy + n * p.size.quarter, p.link, p.now) for n in range(4)],
    ),
    "feed.advance": lambda s, p: feed.advance(s, None, "cursor", p.now),
    "feed.reserve": lambda s, p: feed.reserve(s, p.now, _SECOND / 28, 2),
    "feed.halt": lambda s, p: feed.halt(s, p.now),
    "outbox.claim": lambda s, p: outbox.claim(s, "new", p.now, p.now + _MINUTE, 32, _SECOND),
    "outbox.claim_postponed": lambda s, p: outbox.claim_postponed(s, p.claimed, p.now, p.now + _MINUTE),
    "outbox.begin_sending": lambda s, p: outbox.begin_sending(s, [p.leased], "w", p.now, p.now + _MINUTE),
    "outbox.settle": lambda s, p: outbox.settle(s, [p.leased], "w", State.SENT, p.now),
    "outbox.put_back": lambda s, p: outbox.put_back(s, [p.leased], "w", State.RETRY, p.now),
    "outbox.reclaim": lambda s, p: outbox.reclaim(s, p.now),
    "outbox.cancel_of_links": lambda s, p: outbox.cancel_of_links(s, [p.link, p.neighbour], p.now, "unlinked"),
    "outbox.cancel_of_copies": lambda s, p: outbox.cancel_of_copies(s, [p.copy], p.now, "copy stopped"),
    "outbox.cancel_of_number, an account": lambda s, p: outbox.cancel_of_number(
        s, [Kind.INVOICE_ISSUED], p.number, p.now, "paid", account_id=p.account
    ),
    "outbox.cancel_of_number, a link": lambda s, p: outbox.cancel_of_number(
        s, [Kind.INVOICE_ISSUED], p.number, p.now, "muted", link_id=p.link
    ),
    "outbox.release_postponed": lambda s, p: outbox.release_postponed(s, p.chat, p.now),
    "upkeep.forget_settled, few": lambda s, p: upkeep.forget_settled(s, p.old(p.size.notices, NOTICES_KEPT), 100),
    "upkeep.forget_settled, many": lambda s, p: upkeep.forget_settled(
        s, p.old(p.size.notices, NOTICES_KEPT, many=True), 100
    ),
    "upkeep.sum_up": lambda s, _: upkeep.sum_up(s),
    "upkeep.forget_bare": lambda s, p: upkeep.forget_bare(
        s, p.code, p.old(p.size.notices, NOTICES_KEPT, many=True), 100
    ),
    "updates.mark_handled": lambda s, p: updates.mark_handled(s, p.fresh, p.now),
    "updates.forget, few": lambda s, p: updates.forget(s, p.old(p.size.links, UPDATES_KEPT), 100),
    "updates.forget, many": lambda s, p: updates.forget(s, p.old(p.size.links, UPDATES_KEPT, many=True), 100),
    "wishes.set_quiet": lambda s, p: wishes.set_quiet(s, p.chat, Quiet(0, 60)),
    "wishes.set_timezone": lambda s, p: wishes.set_timezone(s, p.chat, "America/Toronto"),
    "wishes.set_blocked": lambda s, p: wishes.set_blocked(s, p.chat, p.now),
    "wishes.set_copy": lambda s, p: wishes.set_copy(s, p.copy, p.email, "fr", p.now),
    "wishes.stop_copy": lambda s, p: wishes.stop_copy(s, p.copy),
    "wishes.stop_copies": lambda s, p: wishes.stop_copies(s, p.account, "client@example.test"),
    "wishes.mute": lambda s, p: wishes.mute(s, p.link, "900"),
    "wishes.unmute": lambda s, p: wishes.unmute(s, p.link, p.number),
}
QUERIES = READS | WRITES
COUNTS: dict[str, Query] = {"outbox.counts": lambda s, _: outbox.counts(s)}
"""What counts everything, for an operator's eyes: no update and no notice waits for it."""
