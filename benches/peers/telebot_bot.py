"""pyTelegramBotAPI, its asyncio half: it answers every text with the prepared message, and does nothing else."""

import asyncio
import json
import os
from pathlib import Path

from telebot import asyncio_helper
from telebot.async_telebot import AsyncTeleBot
from telebot.types import InlineKeyboardButton, InlineKeyboardMarkup, Message

ANSWER = json.loads(Path(os.environ["BENCH_ANSWER"]).read_text())
URL, TOKEN = os.environ["BENCH_URL"], os.environ["BENCH_TOKEN"]
ROWS = (ANSWER.get("reply_markup") or {}).get("inline_keyboard", [])
KEYBOARD = InlineKeyboardMarkup([[InlineKeyboardButton(**button) for button in row] for row in ROWS]) if ROWS else None

asyncio_helper.API_URL = URL + "/bot{0}/{1}"
bot = AsyncTeleBot(TOKEN)


@bot.message_handler(content_types=["text"])
async def answer(message: Message) -> None:
    await bot.send_message(message.chat.id, ANSWER["text"], parse_mode=ANSWER["parse_mode"], reply_markup=KEYBOARD)


asyncio.run(bot.infinity_polling())
