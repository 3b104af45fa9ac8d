"""Tell a chat of its pack: edit the progress, and send the files."""

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import structlog
from telegram import InputFile, Message
from telegram.error import TelegramError
from telegram.ext import ExtBot

from handlers.screens import packs as screens
from handlers.screens.screen import Keyboard, Screen
from handlers.telegram import documents
from handlers.telegram.failures import Failure, FailureKind, classify
from handlers.telegram.messages import edit_text, send_text
from handlers.telegram.render import Message as Rendered, render
from services.notices.delivery.rate_limiter import BulkRateLimiter
from services.packs.reports import Finished, PackFile, Reason, Report, SendFailed, Stopped, Working
from services.packs.selection import PackFormat, Selection
from services.retries import with_retries
from storage.database import Database
from storage.papers import packs
from storage.papers.packs import ClaimedPack
from texts.catalogue import Texts, texts_in
from texts.language import Language

_CAPTION_LIMIT = 1000
"""Characters of a caption (Bot API, sendDocument: 1024)."""
_RETRY_SECONDS = 120.0
_FINAL_SECONDS = 60.0
_UPLOAD_SECONDS = 300.0
"""For 50 MB: 170 kB/s."""
_CERTAINLY_NOT_DONE = (FailureKind.NOT_DONE, FailureKind.TOO_MANY, FailureKind.MISCONFIGURED)

log = structlog.get_logger()

ResultT = TypeVar("ResultT")


class TelegramPackSender:
    """See ``PackSender``."""

    def __init__(self, bot: ExtBot[None], database: Database, limiter: BulkRateLimiter) -> None:
        self._bot = bot
        self._database = database
        self._limiter = limiter
        self._silent_until = 0.0

    @property
    def bot_id(self) -> int:
        """See ``PackSender``."""
        return self._bot.id

    async def report(self, pack: ClaimedPack, report: Report) -> int | None:
        """See ``PackSender``. Progress is tried once, an end for a minute."""
        is_final = not isinstance(report, Working)
        if not is_final and time.monotonic() < self._silent_until:
            return pack.message_id
        message = render(_screen(texts_in(Language.stored(pack.language)), pack, report))
        show = partial(self._attempt, pack, partial(self._show, pack, message))
        try:
            if not is_final:
                return await show()
            return await with_retries(
                show, on=partial(_pause_after, seconds=_FINAL_SECONDS), seconds=_FINAL_SECONDS, wait_initial=1.0
            )
        except TelegramError as error:
            failure = classify(error)
            if pause := failure.too_many_pause:
                self._silent_until = time.monotonic() + pause.total_seconds()
            elif is_final:
                log.warning("pack.not_reported", kind=failure.kind, error=type(error).__name__)
        return pack.message_id

    async def _show(self, pack: ClaimedPack, message: Rendered) -> int:
        if pack.message_id is not None:
            try:
                await edit_text(self._bot, pack.chat_id, pack.message_id, message)
            except TelegramError as error:
                match classify(error).kind:
                    case FailureKind.NOT_MODIFIED:
                        return pack.message_id
                    case FailureKind.STALE | FailureKind.REFUSED:
                        pass
                    case _:
                        raise
            else:
                return pack.message_id
        sent = await send_text(self._bot, pack.chat_id, message, thread_id=pack.thread_id)
        async with self._database.write() as session:
            await packs.record_message(session, pack, sent)
        return sent

    async def send(self, pack: ClaimedPack, file: PackFile) -> str:
        """See ``PackSender``. A file that may have arrived is not sent a second time without being asked for."""
        t = texts_in(Language.stored(pack.language))
        caption = render(_caption(t, pack, file))
        try:
            sent = await with_retries(
                partial(self._attempt, pack, partial(self._send, pack, file, caption)),
                on=partial(_pause_after, seconds=_RETRY_SECONDS), seconds=_RETRY_SECONDS, wait_initial=1.0,
            )  # fmt: skip
        except TelegramError as error:
            failure = classify(error)
            log.warning("pack.not_sent", kind=failure.kind, error=type(error).__name__)
            raise _failed(failure, file) from None
        if file.is_picture and sent.photo:
            return sent.photo[-1].file_id
        return sent.document.file_id if sent.document else ""

    async def _send(self, pack: ClaimedPack, file: PackFile, caption: Rendered) -> Message:
        content: InputFile | str = file.file_id
        if file.content is not None:
            file.content.seek(0)
            content = InputFile(file.content, file.name, attach=False, read_file_handle=False)
        send = partial(
            documents.send_file, self._bot, pack.chat_id, content,
            caption=caption, is_picture=file.is_picture, seconds=_UPLOAD_SECONDS,
        )  # fmt: skip
        try:
            return await send(thread_id=pack.thread_id)
        except TelegramError as error:
            # The topic was closed or deleted.
            if pack.thread_id is None or classify(error).kind is not FailureKind.REFUSED:
                raise
        return await send(thread_id=None)

    async def _attempt(self, pack: ClaimedPack, call: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Make a call once; a 429 slows notices to the chat down, too."""
        try:
            return await call()
        except TelegramError as error:
            if pause := classify(error).too_many_pause:
                await self._limiter.report_too_many(pack.chat_id, pause)
            raise


def _pause_after(error: Exception, *, seconds: float) -> bool | float:
    """Return the seconds before a further attempt, True for the usual pause, or False for none."""
    if not isinstance(error, TelegramError):
        return False
    failure = classify(error)
    if pause := failure.too_many_pause:
        return min(pause.total_seconds(), seconds) + 0.2
    return failure.kind in _CERTAINLY_NOT_DONE


def _failed(failure: Failure, file: PackFile) -> SendFailed:
    reason = Reason.UNCLEAR if failure.kind is FailureKind.UNCLEAR else Reason.TELEGRAM
    is_unknown = bool(file.file_id) and failure.kind is FailureKind.REFUSED
    return SendFailed(reason, is_unknown_file=is_unknown, is_chat_gone=failure.is_recipient_gone)


def _screen(t: Texts, pack: ClaimedPack, report: Report) -> Screen:
    match report:
        case Working():
            return screens.progress_screen(t, pack.pack_id, report)
        case Finished():
            return screens.finished_screen(t, pack.pack_id, pack.link_id, report)
        case Stopped():
            return screens.stopped_screen(t, pack.pack_id, pack.link_id, report)


def _caption(t: Texts, pack: ClaimedPack, file: PackFile) -> Screen:
    title, *facts = file.caption
    keyboard: Keyboard = ()
    if file.is_picture and pack.format == PackFormat.STATEMENT:
        keyboard = screens.dark_button(t, pack.link_id, Selection.of_json(pack.request))
    length = len(title)
    kept = []
    for fact in facts:
        length += len(fact) + 1
        if length < _CAPTION_LIMIT:
            kept.append(fact)
    return Screen(title, facts=tuple(kept), keyboard=keyboard)
