"""Telegram fails while notices are sent, or while people wait for answers."""

import asyncio
import time
from typing import Any

from tests.chaos.faults import telegram_fault
from tests.chaos.scenarios.play import Play, Where, notice_figures, playing, scenario, text_figures

NOTICES = 400
TEXTS = 20


async def _notices(where: Where, kind: str, seconds: float, **options: Any) -> str:
    """400 notices at 28/s, and a fault of sendMessage from the first one on."""
    async with playing(where, shared=NOTICES, bulk_rate="28", chat_rate="1000") as play:
        async with telegram_fault(play.stage, kind, method="sendMessage", **options) as fault:
            number = play.issues()
            await play.seconds_until(lambda: fault.met > 0, 60.0)
            await asyncio.sleep(seconds)
        told_meanwhile, began = play.told(number), time.monotonic()
        history = await play.settle(patience=60.0, longest=240.0)
        took = time.monotonic() - began
        return f"{await notice_figures(play, history)}; told during it {told_meanwhile}, all over {took:.0f} s after"


@scenario("notices-502")
async def notices_502(where: Where) -> str:
    """30 s of a gateway's HTML pages."""
    return await _notices(where, "gateway", 30.0)


@scenario("notices-resets")
async def notices_resets(where: Where) -> str:
    """20 s of connections that are reset."""
    return await _notices(where, "reset_before", 20.0)


@scenario("notices-hang")
async def notices_hang(where: Where) -> str:
    """30 s without an answer."""
    return await _notices(where, "hang_before", 30.0, hang=60.0)


@scenario("notices-500")
async def notices_500(where: Where) -> str:
    """10 s of Telegram's own 500, with a body of the Bot API."""
    return await _notices(where, "error", 10.0, status=500, description="Internal Server Error")


@scenario("notices-cut-after")
async def notices_cut_after(where: Where) -> str:
    """20 s in which Telegram does what it is asked, and closes the connection."""
    return await _notices(where, "close_after", 20.0)


@scenario("notices-slow")
async def notices_slow(where: Where) -> str:
    """60 s in which Telegram takes 4.5 s for each message."""
    return await _notices(where, "latency", 60.0, hang=4.5)


@scenario("notices-slower")
async def notices_slower(where: Where) -> str:
    """60 s in which Telegram takes 6 s for each message."""
    return await _notices(where, "latency", 60.0, hang=6.0)


async def _answers(where: Where, kind: str, seconds: float, **options: Any) -> str:
    """20 people type a number while sendMessage fails, for some seconds after the first attempts to answer."""
    async with playing(where, own=TEXTS) as play:
        async with telegram_fault(play.stage, kind, method="sendMessage", **options) as fault:
            for customer in play.stage.customers:
                play.types(customer)
            await play.seconds_until(lambda: fault.met >= TEXTS, 60.0)
            await asyncio.sleep(seconds)
        return text_figures(await play.settle())


@scenario("answers-502", modes=("polling", "webhook"))
async def answers_502(where: Where) -> str:
    """10 s of a gateway's HTML pages."""
    return await _answers(where, "gateway", 10.0)


@scenario("answers-500", modes=("polling", "webhook"))
async def answers_500(where: Where) -> str:
    """3 s of Telegram's own 500."""
    return await _answers(where, "error", 3.0, status=500, description="Internal Server Error")


@scenario("answers-resets", modes=("polling", "webhook"))
async def answers_resets(where: Where) -> str:
    """5 s of connections that are reset."""
    return await _answers(where, "reset_before", 5.0)


@scenario("answers-429", modes=("polling", "webhook"))
async def answers_429(where: Where) -> str:
    """5 s of 429 with ``retry_after`` 5."""
    return await _answers(where, "retry_after", 5.0, retry_after=5)


@scenario("one-chat-429")
async def one_chat_429(where: Where) -> str:
    """For 60 s one chat is answered 429 with the rest of them as ``retry_after``; others get notices and answers."""
    async with playing(where, shared=60) as play:
        flooder, *others = play.stage.customers
        refusing = asyncio.create_task(_refuse_for_a_minute(play, flooder.chat_id))
        play.types(flooder)
        await asyncio.sleep(1)
        number = play.issues()
        play.types(others[0])
        answer = await play.seconds_until(lambda: play.is_answered(play.last_text()), 70.0)
        rest = {each.chat_id for each in others}
        notices = await play.seconds_until(lambda: rest <= _told(play, number), 100.0)
        await refusing
        own = await play.seconds_until(lambda: flooder.chat_id in _told(play, number), 60.0)
        return f"an answer to another after {answer}, notices of all others after {notices}; its own {own} after it"


async def _refuse_for_a_minute(play: Play, chat_id: int) -> None:
    for left in range(60, 0, -1):
        options = {"method": "sendMessage", "chat_id": chat_id, "retry_after": left}
        async with telegram_fault(play.stage, "retry_after", **options):
            await asyncio.sleep(1)


def _told(play: Play, number: str) -> set[int | str]:
    return {each.to for each in play.recorder.seen.told if each.number == number}
