"""aiogram 3: it answers every text with the prepared message, and does nothing else."""

import asyncio
import json
import os
from pathlib import Path

from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import InlineKeyboardMarkup, Message

ANSWER = json.loads(Path(os.environ["BENCH_ANSWER"]).read_text())
URL, TOKEN = os.environ["BENCH_URL"], os.environ["BENCH_TOKEN"]
KEYBOARD = InlineKeyboardMarkup.model_validate(ANSWER["reply_markup"]) if ANSWER.get("reply_markup") else None

dispatcher = Dispatcher()


@dispatcher.message(F.text)
async def answer(message: Message) -> None:
    await message.answer(ANSWER["text"], parse_mode=ANSWER["parse_mode"], reply_markup=KEYBOARD)


async def main() -> None:
    bot = Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(URL)))
    await dispatcher.start_polling(bot)


asyncio.run(main())
