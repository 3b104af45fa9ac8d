"""Makes the history of a run: what was done, and what the chats, the mailbox and the calls show."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files

from babel.messages.pofile import read_po
from sqlmodel import col, func, select

from sandbox.mail.received import Received
from sandbox.telegram.request_log import LoggedRequest
from storage.tables import Channel, Copy, Delivery, Kind, Notice, State
from tests.chaos.history import REPEATED, Answer, Event, History, Incident, Text, Told
from tests.chaos.setup.stage import Customer, Stage
from texts.catalogue import Texts, texts_in
from texts.language import Language

TYPED = re.compile(r"(?<!\d)9\d{6}(?!\d)")
"""The numbers that people type: the portal has no paper with such a number."""
MARK = re.compile("peut-être déjà reçu|may already have received", re.IGNORECASE)
UNCLEAR = {"hang_before", "hang_after", "close_before", "close_after", "reset_before", "reset_after", "gateway"}
_NO_EXCUSES = {"trouble.tried_at", "trouble.portal_title", "trouble.not_found"}
_WRITING = {"sendmessage", "editmessagetext", "senddocument"}
_OPEN = (State.QUEUED, State.LEASED, State.SENDING, State.RETRY)


class Recorder:
    """Collects what the run does, and what the chats and the mailbox show. ``history`` returns all of it.

    What a message says is recorded when it is sent or edited, because a later edit replaces it.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._languages = {each.chat_id: each.language for each in stage.customers}
        self._addresses = {each.copy_email for each in stage.customers if each.copy_email}
        self._readers = {language.value: _Reader(texts_in(language)) for language in Language}
        self._last_event, self._last_letter = stage.telegram.world.events.sequence, 0
        self.seen = History()

    async def watch(self) -> None:
        """Record until cancelled."""
        while True:
            self.catch_up()
            await self._stage.telegram.world.events.changed.wait(0.5)

    def catch_up(self) -> None:
        """Record what came since the last time; at most 5,000 events and 1,000 letters."""
        for event in self._stage.telegram.world.events.after(self._last_event):
            self._last_event = event.seq
            language = self._languages.get(event.chat_id or 0)
            if event.kind not in ("message", "edit") or language is None:
                continue
            message, at, chat = event.data()["message"], event.at.timestamp(), event.chat_id or 0
            if message["from_bot"]:
                is_new = event.kind == "message"
                self.seen.told += self._readers[language].told(at, chat, message["text"]) if is_new else ()
                self.seen.answers += self._readers[language].answers(at, chat, message["text"], is_new=is_new)
        for letter in self._stage.mailbox.messages:
            if letter.id > self._last_letter:
                self._last_letter = letter.id
                self.seen.told += self._copies(letter)

    def _copies(self, letter: Received) -> Iterator[Told]:
        for address in self._addresses.intersection(letter.to):
            found = re.search(r"\d{6,}", letter.subject)
            marked = bool(MARK.search(letter.text) or MARK.search(letter.subject))
            yield Told(letter.at.timestamp(), address, "copy", found.group() if found else letter.subject, marked)

    def typed(self, customer: Customer, number: str) -> None:
        """Record a text, just before it is sent."""
        self.seen.texts.append(Text(time.time(), customer.chat_id, number))

    def happened(self, what: str, since: float, detail: str = "", chat: int | None = None) -> None:
        """Record an incident from ``since`` until now, in unix seconds."""
        self.seen.incidents.append(Incident(since, time.time(), what, detail, chat))

    def reported(self, kind: Kind, number: str, customers: Iterable[Customer]) -> None:
        """Record an event of the portal about an account with these chats."""
        concerned = list(customers)
        chats = frozenset(each.chat_id for each in concerned if kind in each.kinds)
        addresses = frozenset(each.copy_email for each in concerned if each.copy_email)
        is_invoice = kind is Kind.INVOICE_ISSUED
        self.seen.events.append(Event(time.time(), kind, number, chats, addresses if is_invoice else frozenset()))

    def lost_link(self, customer: Customer) -> None:
        """Record that the portal removed a chat's contact."""
        self.seen.removed[customer.chat_id] = time.time()
        self.seen.events.append(Event(time.time(), "removed", "", frozenset((customer.chat_id,))))

    async def history(self) -> History:
        """Return the history until now, without its end."""
        self.catch_up()
        stage, incidents = self._stage, list(self.seen.incidents)
        incidents += _unclear(stage.telegram.world.log.entries)
        incidents += [Incident(at, at, "ended", f"{code}: {line[:300]}") for at, code, line in stage.program.ended]
        incidents.sort(key=lambda each: each.at)
        told = sorted(self.seen.told, key=lambda each: each.at)
        paused = await _paused(stage)
        return replace(self.seen, incidents=incidents, told=told, states=await _states(stage), paused=paused)


class _Reader:
    """Recognises notices, answers and excuses in one language."""

    def __init__(self, t: Texts) -> None:
        self._titles: Mapping[str, re.Pattern[str]] = {
            Kind.INVOICE_ISSUED: _pattern(t("notice.invoice_issued", number="NUMBER")),
            Kind.INVOICE_PAID: _pattern(t("notice.invoice_paid", number="NUMBER")),
            Kind.ORDER_CREATED: _pattern(t("notice.order_created", number="NUMBER")),
            Kind.ORDER_ENDING: _pattern(t("notice.order_ending", number="NUMBER")),
        }
        self._unlinked = t("notice.unlinked")
        self._excuses = _excuses(t.language)

    def told(self, at: float, chat: int, text: str) -> Iterator[Told]:
        """Yield the notices of a message; a summary has several."""
        marked = bool(MARK.search(text))
        for kind, title in self._titles.items():
            for found in title.finditer(text):
                yield Told(at, chat, kind, found.group(1), marked)
        if text.startswith(self._unlinked) or f"\n{self._unlinked}" in text:
            yield Told(at, chat, "removed", "", marked)

    def answers(self, at: float, chat: int, text: str, *, is_new: bool) -> Iterator[Answer]:
        """Yield the answers of a message: one for each typed number, or an excuse without a number."""
        numbers = dict.fromkeys(TYPED.findall(text))
        for number in numbers:
            yield Answer(at, chat, number, is_new)
        if not numbers and any(excuse in text for excuse in self._excuses):
            yield Answer(at, chat, "", is_new)


@cache
def _excuses(language: Language) -> tuple[str, ...]:
    """Return how the texts begin that say what failed. The time of the attempt stands below others."""
    with files("texts").joinpath(language.locale, "odobot.po").open("rb") as po:
        said = {str(each.id): str(each.string) for each in read_po(po, locale=language.locale)}
    troubles = [text for key, text in said.items() if key.startswith("trouble.") and key not in _NO_EXCUSES]
    return tuple(text.partition("{")[0][:30] for text in troubles if not text.startswith("{"))


def _pattern(title: str) -> re.Pattern[str]:
    return re.compile(re.escape(title).replace("NUMBER", r"([\w-]+)"))


def _unclear(calls: Iterable[LoggedRequest]) -> Iterator[Incident]:
    for call in calls:
        if call.fault in UNCLEAR and call.method.lower() in _WRITING:
            since, chat = call.at.timestamp(), int(str(call.params.get("chat_id", 0)))
            yield Incident(since, since + call.milliseconds / 1000, "unclear", f"{call.method} {call.fault}", chat)


async def _states(stage: Stage) -> dict[tuple[int | str, str, str], str]:
    """Return state and reason of each delivery, by recipient, kind and number."""
    query = select(
        col(Delivery.recipient), col(Delivery.channel), col(Notice.kind), col(Notice.number), col(Delivery.state),
        col(Delivery.reason), col(Delivery.is_repetition),
    ).join(Notice, col(Delivery.notice_id) == Notice.notice_id)  # fmt: skip
    addresses = {number: each.copy_email for number, each in enumerate(stage.customers, 1)}
    found: dict[tuple[int | str, str, str], str] = {}
    for recipient, channel, kind, number, state, reason, is_repetition in await stage.rows(query):
        is_mail = channel == Channel.EMAIL
        about = "copy" if is_mail else "removed" if kind == Kind.CONTACT_REMOVED else kind
        key = (addresses.get(recipient, "") if is_mail else recipient, about, number or "")
        found[key] = f"{state} {REPEATED if is_repetition else ''} {reason or ''}".replace("  ", " ").strip()
    return found


async def _paused(stage: Stage) -> frozenset[str]:
    """Return the bookkeepers whose copies are paused, and whose chat has a notice that says so."""
    by_link = dict(enumerate(stage.customers, 1))
    paused = await stage.rows(select(Copy.link_id).where(col(Copy.paused_at).is_not(None)))
    notified = select(col(Delivery.recipient)).join(Notice, col(Delivery.notice_id) == Notice.notice_id)
    chats = set(await stage.rows(notified.where(col(Notice.kind) == Kind.COPY_PAUSED)))
    return frozenset(by_link[link_id].copy_email for link_id in paused if by_link[link_id].chat_id in chats)


async def unsettled(stage: Stage) -> int:
    """Return the number of deliveries without a final state."""
    query = select(func.count()).select_from(Delivery).where(col(Delivery.state).in_(_OPEN))
    return int((await stage.rows(query))[0])
