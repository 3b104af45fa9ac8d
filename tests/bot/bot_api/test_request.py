"""Odobot's request class raises the same errors as PTB's for the same failures."""

import asyncio
import io
import logging
import socket
import ssl
import threading
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
import uvloop
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputFile
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError, TimedOut
from telegram.request import BaseRequest, HTTPXRequest, RequestData

from bot.bot_api.request import AiohttpRequest, ConnectTimedOut, NotConnected, PoolTimedOut, ServerFailed
from handlers.screens.screen import Button, Screen
from handlers.telegram.failures import NotDone, NotSent
from handlers.telegram.messages import edit_text, send_text
from handlers.telegram.render import render
from sandbox.telegram import Person, TelegramServer

SECRET = "AAsandboxsandboxsandboxsandboxsandb"
TOKEN = f"123456789:{SECRET}"
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{"ok":true,"result":true}'
QUICK = {"read_timeout": 0.3, "connect_timeout": 0.3, "write_timeout": 0.3, "media_write_timeout": 0.3}
"""For who waits for nothing."""
PATIENT = dict.fromkeys(QUICK, 20.0)
"""For who is answered, however busy this machine is."""

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
Make = Callable[..., BaseRequest]
Ask = Callable[[BaseRequest], Awaitable[object]]
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


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


@pytest.fixture(autouse=True)
def no_token_in_logs(caplog: pytest.LogCaptureFixture) -> Any:
    caplog.set_level(logging.INFO)
    # PTB and httpx write it themselves.
    for name in ("httpx", "telegram"):
        caplog.set_level(logging.CRITICAL, name)
    yield
    assert SECRET not in caplog.text


def bot_at(url: str, request: BaseRequest) -> Bot:
    return Bot(TOKEN, base_url=f"{url}/bot", base_file_url=f"{url}/file/bot", request=request)


async def failure(make: Make, ask: Ask, **options: Any) -> TelegramError:
    async with make(**(PATIENT | options)) as request:
        with pytest.raises(TelegramError) as raised:
            await ask(request)
    return raised.value


async def compared(ask: Ask, **options: Any) -> TelegramError:
    """Return the error of Odobot's class, after asserting that PTB's raises the same."""
    theirs = await failure(HTTPXRequest, ask, **options)
    ours = await failure(AiohttpRequest, ask, **options)
    assert isinstance(ours, type(theirs)), (ours, theirs)
    if theirs.message.startswith("httpx."):
        assert ours.message.startswith("aiohttp.")
    else:
        assert ours.message == theirs.message
    assert SECRET not in "".join(traceback.format_exception(ours, chain=True)) + repr(ours)
    assert ours.__cause__ is None or isinstance(ours.__cause__, TelegramError)
    return ours


def sending(url: str, chat_id: int = 1) -> Ask:
    return lambda request: bot_at(url, request).send_message(chat_id, "avis")


@asynccontextmanager
async def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server with one handler for each connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls, limit=2**20)
    port = server.sockets[0].getsockname()[1]
    yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    server.close()
    await server.wait_closed()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""


def answering(status: int, body: bytes, *headers: str) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Words", f"Content-Length: {len(body)}", *headers, "", ""]
        while True:
            await read_request(reader)
            writer.write("\r\n".join(lines).encode() + body)
            await writer.drain()

    return answer


# Whether Telegram was asked, and how often, is what its log tells; PTB asks once and the own class once.
@pytest.mark.parametrize(
    ("fault", "kind", "is_not_done"),
    [
        ({"kind": "hang_before"}, TimedOut, False),
        ({"kind": "hang_after"}, TimedOut, False),
        ({"kind": "close_before"}, NetworkError, False),
        ({"kind": "close_after"}, NetworkError, False),
        ({"kind": "reset_before"}, NetworkError, False),
        ({"kind": "reset_after"}, NetworkError, False),
        ({"kind": "gateway"}, NetworkError, False),
        ({"kind": "gateway", "status": 500}, NetworkError, False),
        ({"kind": "gateway", "status": 504}, NetworkError, False),
        ({"kind": "error"}, ServerFailed, True),
        ({"kind": "error", "status": 500, "description": "Internal Server Error"}, ServerFailed, True),
        ({"kind": "error", "status": 400, "description": "Bad Request: chat not found"}, BadRequest, False),
        ({"kind": "error", "status": 403, "description": "Forbidden: bot was blocked by the user"}, Forbidden, False),
        ({"kind": "error", "status": 401, "description": "Unauthorized"}, InvalidToken, False),
        ({"kind": "error", "status": 409, "description": "Conflict: another"}, TelegramError, False),
        ({"kind": "error", "status": 418, "description": "Teapot"}, NetworkError, False),
        ({"kind": "retry_after", "retry_after": 7}, RetryAfter, False),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
async def test_fault_raises_the_same_error_as_ptb(
    telegram: TelegramServer, camille: Person, fault: dict[str, Any], kind: type[TelegramError], is_not_done: bool
) -> None:
    telegram.world.faults.add(**fault, method="sendMessage", count=2)
    error = await compared(sending(telegram.url, camille.user_id), **(QUICK if kind is TimedOut else {}))
    assert isinstance(error, kind)
    assert isinstance(error, NotDone) is is_not_done
    assert not isinstance(error, NotSent)
    assert len([call for call in telegram.world.log.entries if call.method == "sendMessage"]) == 2


async def test_fault_on_a_kept_connection_is_not_retried(telegram: TelegramServer, camille: Person) -> None:
    async with AiohttpRequest(read_timeout=0.3) as request:
        bot = bot_at(telegram.url, request)
        for kind in ("close_before", "close_after", "reset_before", "reset_after", "hang_after"):
            await bot.get_me()
            telegram.world.faults.add(kind, method="sendMessage")
            with pytest.raises(NetworkError) as raised:
                await bot.send_message(camille.user_id, kind)
            assert not isinstance(raised.value, NotDone)
    sent = [call.params["text"] for call in telegram.world.log.entries if call.method == "sendMessage"]
    assert sent == ["close_before", "close_after", "reset_before", "reset_after", "hang_after"]


async def test_closed_port_raises_network_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = await compared(sending(f"http://127.0.0.1:{taken.getsockname()[1]}"))
    assert isinstance(error, NotConnected)
    assert "aiohttp.ClientConnectorError: 127.0.0.1:" in error.message


async def test_unknown_host_raises_network_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(*_args: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    assert isinstance(await compared(sending("http://telegram.test")), NotConnected)


async def test_plain_server_behind_https_raises_network_error(telegram: TelegramServer) -> None:
    error = await compared(sending(telegram.url.replace("http:", "https:")), connect_timeout=2)
    assert isinstance(error, NotConnected)


async def test_untrusted_certificate_raises_network_error(self_signed: ssl.SSLContext) -> None:
    async with serving(answering(200, b'{"ok":true,"result":true}'), self_signed) as url:
        error = await compared(sending(url), connect_timeout=2)
    assert isinstance(error, NotConnected)
    assert "CertificateError" in error.message


async def test_unfinished_tls_handshake_times_out() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(silent) as url:
        assert isinstance(await compared(sending(url.replace("http:", "https:")), **QUICK), ConnectTimedOut)


async def test_server_that_does_not_accept_times_out() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        error = await compared(sending(f"http://127.0.0.1:{full.getsockname()[1]}"), **QUICK)
        for one in waiting:
            one.close()
    assert isinstance(error, ConnectTimedOut)


async def test_exhausted_pool_times_out(telegram: TelegramServer) -> None:
    telegram.world.faults.add("hang_before", method="getMe", count=None)

    async def ask(request: BaseRequest) -> None:
        bot = bot_at(telegram.url, request)
        first = asyncio.create_task(bot.get_me(read_timeout=5))
        await asyncio.sleep(0.1)
        try:
            await bot.send_message(1, "avis", pool_timeout=0.1)
        finally:
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)

    error = await compared(ask, connection_pool_size=1)
    assert isinstance(error, PoolTimedOut)
    assert "sendMessage" not in [call.method for call in telegram.world.log.entries]


async def test_pool_timeout_applies_only_where_it_was_set(telegram: TelegramServer) -> None:
    telegram.world.faults.add("latency", method="getMe", count=None, seconds=0.2)
    async with AiohttpRequest(connection_pool_size=1, pool_timeout=0.05) as request:
        bot = bot_at(telegram.url, request)
        first, second, third = await asyncio.gather(
            bot.get_me(), bot.get_me(pool_timeout=None), bot.get_me(), return_exceptions=True
        )
    assert first == second
    assert isinstance(third, PoolTimedOut)
    assert len({call.client for call in telegram.world.log.entries}) == 1


async def test_server_that_does_not_read_times_out() -> None:
    async def deaf(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1.5)

    def upload(url: str) -> Ask:
        document = InputFile(bytes(20_000_000), filename="Facture.pdf")
        return lambda request: bot_at(url, request).send_document(1, document)

    async with serving(deaf) as url:
        error = await compared(upload(url), **QUICK)
    assert type(error) is TimedOut


@pytest.mark.parametrize("given", [0.2, None])
async def test_timeouts_of_a_call_override_the_defaults(telegram: TelegramServer, given: float | None) -> None:
    telegram.world.faults.add("latency", method="getMe", seconds=0.5)
    async with AiohttpRequest(read_timeout=0.2 if given is None else 5) as request:
        bot = bot_at(telegram.url, request)
        if given is None:
            await bot.get_me(read_timeout=None, write_timeout=None, connect_timeout=None, pool_timeout=None)
        else:
            with pytest.raises(TimedOut):
                await bot.get_me(read_timeout=given)
    assert request.read_timeout == (0.2 if given is None else 5)


async def test_answer_that_stalls_times_out() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"ok":')
        await reader.read()

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"ok":')

    async with serving(half) as url:
        assert type(await compared(sending(url), **QUICK)) is TimedOut
    async with serving(cut) as url:
        assert type(await compared(sending(url))) is NetworkError


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>Welcome</html>"),
        (200, b'{"ok":tr'),
        (500, b""),
        (502, b"<h1>Bad Gateway</h1>\xff"),
        (503, b'{"error":"overloaded"}'),
        (500, b'{"ok":false}'),
        (500, b'{"ok":false,"description":""}'),
        (500, b'{"ok":false,"description":"Later","parameters":{"retry_after":3}}'),
        (500, b'{"ok":false,"description":"Odd","parameters":{"mood":"bad"}}'),
        (400, b'{"ok":false,"description":"Gone","parameters":{"migrate_to_chat_id":-100}}'),
        (413, b"<html>too large</html>"),
        (307, b"elsewhere"),
    ],
)
async def test_answer_that_is_not_telegrams_raises_network_error(status: int, body: bytes) -> None:
    async with serving(answering(status, body, "Location: /elsewhere")) as url:
        error = await compared(sending(url))
    assert not isinstance(error, NotDone)


@pytest.mark.parametrize("status", [400, 403])
async def test_refusal_of_a_gateway_is_no_refusal_of_telegram(status: int) -> None:
    """PTB takes the page for Telegram's own answer: its 403 would mean that the person blocked the bot."""
    async with serving(answering(status, b"<html>Forbidden</html>")) as url:
        assert type(await failure(AiohttpRequest, sending(url))) is NetworkError


@pytest.mark.parametrize("body", [b"[]", b'"ok"', b"null"])
async def test_json_that_is_not_an_object_raises_an_error(body: bytes) -> None:
    async with serving(answering(200, body)) as url:
        error = await failure(AiohttpRequest, sending(url))
    assert (type(error), error.message) == (NetworkError, "Invalid server response")


async def test_invalid_http_raises_network_error() -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    async with serving(nonsense) as url:
        assert type(await compared(sending(url))) is NetworkError


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
@pytest.mark.parametrize("page", [b"<html>not here</html>", b"", b'{"error":"no route"}', b'{"ok":false}'])
async def test_page_of_a_gateway_is_no_refusal(status: int, page: bytes) -> None:
    """PTB takes such a 404 for a revoked token, and such a 403 for a person who blocked the bot."""
    async with serving(answering(status, page)) as url:
        error = await failure(AiohttpRequest, sending(url))
    assert type(error) is NetworkError


async def test_error_page_with_the_url_does_not_leak_the_token() -> None:
    page = f"The requested URL /bot{TOKEN}/sendMessage was not found.".encode()
    async with serving(answering(404, page)) as url:
        error = await failure(AiohttpRequest, sending(url))
    assert "was not found" in error.message
    assert SECRET not in error.message


async def test_write_failures_do_not_leak_the_url() -> None:
    async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.transport.abort()

    def upload(url: str) -> Ask:
        return lambda request: bot_at(url, request).send_document(1, InputFile(bytes(20_000_000), filename="a.pdf"))

    async with serving(resetting) as url:
        error = await compared(upload(url), media_write_timeout=5, read_timeout=5)
    assert type(error) is NetworkError


@pytest.mark.parametrize("payload", [b'{"a": "\xff\xfe"}', b'{"a": NaN}', '{"a": "é 😀"}'.encode()])
def test_json_is_parsed_as_ptb_does(payload: bytes) -> None:
    assert str(AiohttpRequest.parse_json_payload(payload)) == str(BaseRequest.parse_json_payload(payload))


def test_unpaired_surrogates_are_replaced() -> None:
    """PTB keeps them, and no database, portal or mail could store them."""
    assert AiohttpRequest.parse_json_payload(b'{"a": "\\ud83d"}') == {"a": "\ufffd"}


def test_invalid_json_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(TelegramError, match="Invalid server response"):
        AiohttpRequest.parse_json_payload(b"Bonjour Camille")
    assert caplog.text == ""


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_idle_closed_connection_is_replaced_before_writing(loop_factory: LoopFactory) -> None:
    """The peer closed the connection, and the event loop was too busy to see it; httpx checks for this too."""
    asked: list[bytes] = []

    def serve_one(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        asked.append(connection.recv(65536))
        connection.sendall(OK)
        time.sleep(0.1)
        connection.close()

    async def ask_twice(listener: socket.socket) -> None:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/bot{TOKEN}/deleteMessage"
        async with AiohttpRequest() as request:
            for _ in range(2):
                server = threading.Thread(target=serve_one, args=(listener,))
                server.start()
                assert await request.post(url, RequestData([])) is True
                server.join()  # the loop stands still, as under load, until the connection has been closed

    with socket.create_server(("127.0.0.1", 0)) as listener, asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(ask_twice(listener))
    assert len(asked) == 2


def test_uvloop_raises_the_same_errors() -> None:
    """On uvloop, a write timeout and a refused connection raise the same errors as on asyncio."""

    async def deaf(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1)

    async def ask() -> None:
        async with serving(deaf) as url:
            upload = InputFile(bytes(20_000_000), filename="a.pdf")
            error = await failure(
                AiohttpRequest, lambda request: bot_at(url, request).send_document(1, upload), **QUICK
            )
        assert type(error) is TimedOut
        assert isinstance(await failure(AiohttpRequest, sending(url)), NotConnected)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(ask())


async def test_connection_that_is_always_closed_is_not_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answering(200, b"{}")) as url, AiohttpRequest() as request:
        monkeypatch.setattr("asyncio.selector_events._SelectorTransport.is_closing", lambda _transport: True)
        with pytest.raises(NotConnected) as raised:
            await request.post(f"{url}/bot{TOKEN}/sendMessage")
        monkeypatch.undo()
    assert SECRET not in raised.value.message


async def test_file_upload_is_complete(telegram: TelegramServer, camille: Person) -> None:
    content = bytes(range(256)) * 20_000
    async with AiohttpRequest() as request:
        bot = bot_at(telegram.url, request)
        sent = await bot.send_document(
            camille.user_id,
            InputFile(content, filename='Facture "é" 1.pdf'),
            caption="Voilà",
            reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("Retour", callback_data="1H")]]),
        )
        got = await camille.wait_for_message(label="Retour")
        assert got.file is not None
        assert got.file.content == content
        assert sent.document is not None
        file = await bot.get_file(sent.document.file_id)
        assert await file.download_as_bytearray() == content


class WatchedFile(io.BytesIO):
    """A file that records the largest piece that was read at once."""

    largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self.largest = max(self.largest, len(piece))
        return piece


async def test_open_file_is_uploaded_piece_by_piece(telegram: TelegramServer, camille: Person) -> None:
    """A file of 50 MB is never in memory as a whole; it is sent from its begin, wherever it stands, and once more."""
    content = bytes(range(256)) * 20_000
    file = WatchedFile(content)
    async with AiohttpRequest() as request:
        bot = bot_at(telegram.url, request)
        for _ in range(2):
            file.seek(77)
            document = InputFile(file, filename="a.zip", attach=False, read_file_handle=False)
            await bot.send_document(camille.user_id, document)
            got = await camille.wait_for_message("a.zip")
            assert got.file is not None
            assert got.file.content == content
    assert file.largest <= 64 * 1024


async def test_answer_before_the_upload_ends() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"ok":false,"error_code":413,"description":"Request Entity Too Large"}'
        writer.write(f"HTTP/1.1 413 No\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        await asyncio.sleep(0.5)

    def upload(url: str) -> Ask:
        return lambda request: bot_at(url, request).send_document(1, InputFile(bytes(20_000_000), filename="a.pdf"))

    async with serving(refuse) as url:
        error = await failure(AiohttpRequest, upload(url))
    assert error.message == "Request Entity Too Large"


async def test_request_body_equals_that_of_ptb(telegram: TelegramServer, camille: Person) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Factures « été » 😀", callback_data="1i")]])
    for make in (HTTPXRequest, AiohttpRequest):
        async with make() as request:
            await bot_at(telegram.url, request).send_message(
                camille.user_id, "<b>Été</b> & 100 % + 😀\n=;", parse_mode="HTML", reply_markup=keyboard
            )
    theirs, ours = [message.json() for message in camille.chat().messages.values()][-2:]
    for message in (theirs, ours):
        message.pop("message_id")
        message.pop("date")
    assert ours == theirs


async def test_texts_are_sent_and_edited_as_json(telegram: TelegramServer, camille: Person) -> None:
    """What ``send_text`` and ``edit_text`` write is what PTB's own methods would, and fails with PTB's errors."""
    first, second = (render(Screen("t", keyboard=((Button(label, url="https://x.test"),),))) for label in "ab")
    async with AiohttpRequest() as request:
        bot = bot_at(telegram.url, request)
        sent = await send_text(bot, camille.user_id, first)
        shown = await camille.wait_for_message(label="a")
        assert (shown.message_id, shown.html) == (sent, first.html)
        await edit_text(bot, camille.user_id, sent, second)
        assert (await camille.wait_for_message(label="b")).message_id == sent
        with pytest.raises(BadRequest, match="not modified"):
            await edit_text(bot, camille.user_id, sent, second)
        telegram.world.faults.add("retry_after", retry_after=7)
        with pytest.raises(RetryAfter):
            await send_text(bot, camille.user_id, first)


async def test_rendered_keyboard_arrives(telegram: TelegramServer, camille: Person) -> None:
    """PTB adds ``api_kwargs`` to a call with a file as it would its own ``InlineKeyboardMarkup``."""
    message = render(Screen("t", keyboard=((Button("a", url="https://x.test"),),)))
    async with AiohttpRequest() as request:
        bot = bot_at(telegram.url, request)
        pdf = InputFile(b"%PDF-", filename="a.pdf")
        document = await bot.send_document(camille.user_id, pdf, api_kwargs=message.reply_markup)
        assert (await camille.wait_for_message(label="a")).message_id == document.message_id


async def test_proxy_of_the_environment_is_ignored(telegram: TelegramServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with AiohttpRequest() as request:
        await bot_at(telegram.url, request).get_me()


async def test_no_connection_before_initialize(telegram: TelegramServer) -> None:
    request = AiohttpRequest()
    bot = bot_at(telegram.url, request)
    await request.shutdown()
    for _ in range(2):
        with pytest.raises(NetworkError, match="not initialized"):
            await bot.get_me()
        await request.initialize()
        await request.initialize()
        await bot.get_me()
        await request.shutdown()
        await request.shutdown()


def test_request_works_in_another_event_loop() -> None:
    request = AiohttpRequest(connection_pool_size=1)

    async def ask() -> None:
        async with serving(answering(200, b'{"ok":true,"result":true}')) as url, request:
            call = f"{url}/bot{TOKEN}/deleteMessage"
            assert await asyncio.gather(*(request.post(call) for _ in range(3))) == [True] * 3

    for _ in range(2):
        asyncio.run(ask())


async def test_cancelled_call_frees_its_connection(telegram: TelegramServer) -> None:
    telegram.world.faults.add("hang_before", method="getMe")
    async with AiohttpRequest(connection_pool_size=1, pool_timeout=0.1) as request:
        bot = bot_at(telegram.url, request)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await bot.get_me()
        await bot.get_me()


async def test_parameters_are_sent_as_json() -> None:
    bodies: list[Any] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bodies.append(orjson.loads(await read_request(reader)))
        writer.write(OK)

    async with serving(keep) as url, AiohttpRequest() as request:
        await bot_at(url, request).answer_callback_query("7", text="Été", show_alert=True)
    assert bodies == [{"callback_query_id": "7", "text": "Été", "show_alert": True}]


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context
