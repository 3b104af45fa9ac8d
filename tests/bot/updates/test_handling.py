"""An update is handled again while the database is away, and then once more with an excuse."""

import asyncio
from typing import Any

import pytest
from telegram import Update
from telegram.ext import ApplicationBuilder, TypeHandler

from bot.updates import handling
from bot.updates.handling import OdobotApplication, UpdateHandler
from bot.updates.ordering import PerChatOrder
from tests.bot.updates.test_ordering import a_message
from tests.scene import TOKEN


class Handlers:
    """A handler that fails as often as told, and an error handler that records what it gets."""

    def __init__(self) -> None:
        self.failures: list[Exception] = []
        self.calls = 0
        self.excuses: list[Exception | None] = []

    async def handle(self, _update: Update, _context: Any) -> None:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)

    async def excuse(self, _update: object, context: Any) -> None:
        self.excuses.append(context.error)


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> Handlers:
    for name, seconds in (("_FIRST_PAUSE_SECONDS", 0.01), ("_LONGEST_PAUSE_SECONDS", 0.02), ("RETRY_SECONDS", 0.3)):
        monkeypatch.setattr(handling, name, seconds)
    return Handlers()


@pytest.fixture
def application(handlers: Handlers) -> OdobotApplication:
    application = ApplicationBuilder().application_class(OdobotApplication).token(TOKEN).updater(None)
    built = application.job_queue(None).build()
    assert isinstance(built, OdobotApplication)
    built.add_handler(TypeHandler(Update, handlers.handle))
    built.add_error_handler(handlers.excuse)
    built._initialized = True  # initialize() would call Telegram
    return built


async def test_update_is_repeated_after_an_outage(application: OdobotApplication, handlers: Handlers) -> None:
    retried: list[int] = []
    handler = UpdateHandler(application, PerChatOrder(), lambda: retried.append(1))
    handlers.failures = [ConnectionRefusedError(), ConnectionResetError()]
    assert await handler.handle(a_message(1))
    assert (handlers.calls, len(retried), handlers.excuses) == (3, 2, [])
    assert handler.running == set()


async def test_long_outage_ends_with_an_excuse(application: OdobotApplication, handlers: Handlers) -> None:
    error = ConnectionRefusedError()
    handlers.failures = [error] * 1_000
    async with asyncio.timeout(10):
        assert await UpdateHandler(application, PerChatOrder()).handle(a_message(1))
    assert handlers.excuses == [error]
    assert handlers.calls >= 3


async def test_other_errors_are_excused_at_once(application: OdobotApplication, handlers: Handlers) -> None:
    handlers.failures = [ValueError("full")]
    assert await UpdateHandler(application, PerChatOrder()).handle(a_message(1))
    assert handlers.calls == len(handlers.excuses) == 1


async def test_chat_keeps_its_order_over_an_outage(application: OdobotApplication, handlers: Handlers) -> None:
    seen: list[int] = []
    handle = handlers.handle

    async def record(update: Update, context: Any) -> None:
        await handle(update, context)
        seen.append(update.update_id)

    application.handlers.clear()
    application.add_handler(TypeHandler(Update, record))
    handler = UpdateHandler(application, PerChatOrder())
    handlers.failures = [ConnectionRefusedError()] * 2
    await asyncio.gather(*(handler.handle(a_message(1, number)) for number in range(5)))
    assert seen == [0, 1, 2, 3, 4]


async def test_outage_of_a_background_task_is_excused(application: OdobotApplication, handlers: Handlers) -> None:
    """Nobody repeats a background task, so its outage goes to the error handler."""

    async def start_task(update: Update, _context: Any) -> None:
        await asyncio.create_task(application.process_error(update, TimeoutError()))  # type: ignore[arg-type]

    application.handlers.clear()
    application.add_handler(TypeHandler(Update, start_task))
    assert await UpdateHandler(application, PerChatOrder()).handle(a_message(1))
    assert [type(error) for error in handlers.excuses] == [TimeoutError]


async def test_dropped_update_was_not_handled(application: OdobotApplication, handlers: Handlers) -> None:
    order, gate = PerChatOrder(max_waiting=0), asyncio.Event()
    first = asyncio.create_task(order.process_update(a_message(1), gate.wait()))
    await asyncio.sleep(0)
    handler = UpdateHandler(application, order)
    assert not await handler.handle(a_message(1, 3))
    assert handlers.calls == 0
    gate.set()
    await first
