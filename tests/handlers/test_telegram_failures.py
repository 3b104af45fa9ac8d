"""The classification of Telegram's errors: those known from PTB, and those that the sandbox plays over a socket."""

import datetime
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from telegram import Bot
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot.bot_api.request import AiohttpRequest, ConnectTimedOut, NotConnected, PoolTimedOut, ServerFailed
from handlers.telegram.failures import Failure, FailureKind, RichRefusal, classify, rich_refusal
from sandbox.telegram import Person, TelegramServer
from sandbox.telegram.errors import NOT_MODIFIED, QUERY_TOO_OLD
from tests.sandbox.telegram.test_errors import REFUSED

TOKEN = "123456789:AAsandboxsandboxsandboxsandboxsandb"
SECONDS = dict.fromkeys(("read_timeout", "connect_timeout", "write_timeout", "media_write_timeout"), 20.0)

PTB_ERRORS: list[tuple[TelegramError, FailureKind]] = [
    (Forbidden("Forbidden: bot was blocked by the user"), FailureKind.BLOCKED),
    (Forbidden("Forbidden: user is deactivated"), FailureKind.BLOCKED),
    (Forbidden("Forbidden: bot was kicked from the supergroup chat"), FailureKind.BLOCKED),
    (Forbidden("Forbidden: bot can't initiate conversation with a user"), FailureKind.BLOCKED),
    (BadRequest("Bad Request: chat not found"), FailureKind.UNKNOWN_CHAT),
    (ChatMigrated(-1001), FailureKind.MIGRATED),
    (RetryAfter(7), FailureKind.TOO_MANY),
    (BadRequest(f"Bad Request: {NOT_MODIFIED}"), FailureKind.NOT_MODIFIED),
    (BadRequest("Bad Request: message to edit not found"), FailureKind.STALE),
    (BadRequest("Bad Request: message can't be edited"), FailureKind.STALE),
    (BadRequest("Bad Request: message to delete not found"), FailureKind.STALE),
    (BadRequest("Bad Request: message can't be deleted for everyone"), FailureKind.STALE),
    (BadRequest("Bad Request: MESSAGE_ID_INVALID"), FailureKind.STALE),
    (BadRequest("Bad Request: there is no text in the message to edit"), FailureKind.STALE),
    (BadRequest(f"Bad Request: {QUERY_TOO_OLD}"), FailureKind.STALE),
    (BadRequest("Bad Request: can't parse entities: unclosed start tag"), FailureKind.REFUSED),
    (BadRequest("Bad Request: BUTTON_DATA_INVALID"), FailureKind.REFUSED),
    (BadRequest("Bad Request: wrong file identifier/HTTP URL specified"), FailureKind.REFUSED),
    (InvalidToken("Unauthorized"), FailureKind.MISCONFIGURED),
    (EndPointNotFound("Not Found"), FailureKind.MISCONFIGURED),
    (Conflict("Conflict: terminated by other getUpdates request"), FailureKind.MISCONFIGURED),
    (PoolTimedOut(), FailureKind.NOT_DONE),
    (ConnectTimedOut(), FailureKind.NOT_DONE),
    (NotConnected("aiohttp.ClientConnectorError"), FailureKind.NOT_DONE),
    (ServerFailed("Internal Server Error"), FailureKind.NOT_DONE),
    (TimedOut(), FailureKind.UNCLEAR),
    (NetworkError("Bad Gateway"), FailureKind.UNCLEAR),
    (NetworkError("aiohttp.ServerDisconnectedError"), FailureKind.UNCLEAR),
]

FAULTS: list[tuple[dict[str, Any], FailureKind]] = [
    ({"kind": "retry_after", "retry_after": 7}, FailureKind.TOO_MANY),
    ({"kind": "error", "status": 500, "description": "Internal Server Error"}, FailureKind.NOT_DONE),
    ({"kind": "error", "status": 401, "description": "Unauthorized"}, FailureKind.MISCONFIGURED),
    ({"kind": "error", "status": 404, "description": "Not Found"}, FailureKind.MISCONFIGURED),
    ({"kind": "error", "status": 403, "description": "Forbidden: user is deactivated"}, FailureKind.BLOCKED),
    ({"kind": "error", "status": 400, "description": "Bad Request: chat not found"}, FailureKind.UNKNOWN_CHAT),
    ({"kind": "error", "status": 400, "description": "Bad Request: never seen"}, FailureKind.REFUSED),
    ({"kind": "gateway", "status": 502}, FailureKind.UNCLEAR),
    ({"kind": "close_before"}, FailureKind.UNCLEAR),
    ({"kind": "close_after"}, FailureKind.UNCLEAR),
    ({"kind": "reset_before"}, FailureKind.UNCLEAR),
    ({"kind": "reset_after"}, FailureKind.UNCLEAR),
    ({"kind": "hang_before"}, FailureKind.UNCLEAR),
    ({"kind": "hang_after"}, FailureKind.UNCLEAR),
]

# What the sandbox refuses is REFUSED, except for these.
OTHER_KINDS = {
    "Bad Request: chat not found": FailureKind.UNKNOWN_CHAT,
    "Bad Request: message to edit not found": FailureKind.STALE,
    "Bad Request: message can't be edited": FailureKind.STALE,
    "Bad Request: message to delete not found": FailureKind.STALE,
    f"Bad Request: {QUERY_TOO_OLD}": FailureKind.STALE,
}


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        server.world.create_bot(TOKEN, username="odobot", first_name="Odobot")
        yield server
        server.world.faults.clear()


@pytest.fixture
def camille(telegram: TelegramServer) -> Person:
    person = telegram.world.create_person(language_code="fr")
    person.start()
    return person


async def failure_of(url: str, call: Callable[[Bot], Awaitable[object]], **seconds: float) -> Failure:
    async with AiohttpRequest(**(SECONDS | seconds)) as request:
        bot = Bot(TOKEN, base_url=f"{url}/bot", base_file_url=f"{url}/file/bot", request=request)
        with pytest.raises(TelegramError) as raised:
            await call(bot)
    return classify(raised.value)


@pytest.mark.parametrize(("error", "kind"), PTB_ERRORS, ids=[f"{e}"[:50] for e, _ in PTB_ERRORS])
def test_errors_of_ptb(error: TelegramError, kind: FailureKind) -> None:
    failure = classify(error)
    assert failure.kind is kind
    assert failure.is_recipient_gone == (kind in (FailureKind.BLOCKED, FailureKind.UNKNOWN_CHAT))
    assert failure.reason


@pytest.mark.parametrize(("fault", "kind"), FAULTS, ids=[f"{f['kind']} {f.get('status', '')}" for f, _ in FAULTS])
async def test_faults_of_the_sandbox(
    telegram: TelegramServer, camille: Person, fault: dict[str, Any], kind: FailureKind
) -> None:
    telegram.world.faults.add(**fault)
    seconds = {"read_timeout": 0.3} if str(fault["kind"]).startswith("hang") else {}
    failure = await failure_of(telegram.url, lambda bot: bot.send_message(camille.user_id, "avis"), **seconds)
    assert failure.kind is kind


@pytest.mark.parametrize("description", sorted({each for _, _, each in REFUSED}))
async def test_refusals_of_the_sandbox(telegram: TelegramServer, camille: Person, description: str) -> None:
    status = 403 if description.startswith("Forbidden") else 400
    telegram.world.faults.add("error", status=status, description=description)
    failure = await failure_of(telegram.url, lambda bot: bot.send_message(camille.user_id, "avis"))
    assert failure.kind is (FailureKind.BLOCKED if status == 403 else OTHER_KINDS.get(description, FailureKind.REFUSED))


async def test_server_that_is_down(telegram: TelegramServer, camille: Person) -> None:
    await telegram.stop()
    failure = await failure_of(telegram.url, lambda bot: bot.send_message(camille.user_id, "avis"))
    assert failure == Failure(FailureKind.NOT_DONE, "NotConnected")


async def test_migrated_group(telegram: TelegramServer, camille: Person) -> None:
    group = telegram.world.create_group("Équipe", [camille])
    new_id = group.migrate().chat.chat_id
    failure = await failure_of(telegram.url, lambda bot: bot.send_message(group.chat.chat_id, "avis"))
    assert failure == Failure(FailureKind.MIGRATED, "migrated", new_chat_id=new_id)


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (InvalidToken("Not Found: method not found"), RichRefusal.UNKNOWN),
        (InvalidToken("Not Found"), RichRefusal.UNKNOWN),
        (InvalidToken("Unauthorized"), None),
        (BadRequest("Message text is empty"), RichRefusal.UNKNOWN),
        (BadRequest('Can\'t parse InputRichBlock: type "table" is unsupported'), RichRefusal.UNKNOWN),
        (BadRequest("Unsupported rich text type"), RichRefusal.UNKNOWN),
        (BadRequest("RICH_MESSAGE_TEXT_TOO_LONG"), RichRefusal.CONTENT),
        (BadRequest("TOPIC_CLOSED"), RichRefusal.CONTENT),
        (BadRequest(NOT_MODIFIED), None),
        (BadRequest("chat not found"), None),
        (BadRequest("message to edit not found"), None),
        (Forbidden("bot was blocked by the user"), None),
        (RetryAfter(7), None),
        (ServerFailed("Internal Server Error"), None),
        (TimedOut(), None),
        (Conflict("terminated"), None),
    ],
)
def test_refusal_of_a_rich_message(error: TelegramError, refusal: RichRefusal | None) -> None:
    assert rich_refusal(error) is refusal


@pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")
@pytest.mark.parametrize("ptb_timedelta", ["false", "true"])
@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (1, datetime.timedelta(seconds=1)),
        (datetime.timedelta(seconds=7), datetime.timedelta(seconds=7)),
        (10**10, datetime.timedelta(days=1)),
    ],
)
def test_retry_after_in_both_types(
    monkeypatch: pytest.MonkeyPatch, ptb_timedelta: str, seconds: int | datetime.timedelta, expected: datetime.timedelta
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", ptb_timedelta)
    assert classify(RetryAfter(seconds)) == Failure(FailureKind.TOO_MANY, "429", expected)
