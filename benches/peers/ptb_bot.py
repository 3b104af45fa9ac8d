"""python-telegram-bot as it comes: it answers every text with the prepared message, and does nothing else."""

import json
import os
from pathlib import Path

from telegram import InlineKeyboardMarkup, Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters

ANSWER = json.loads(Path(os.environ["BENCH_ANSWER"]).read_text())
URL, TOKEN = os.environ["BENCH_URL"], os.environ["BENCH_TOKEN"]
KEYBOARD = InlineKeyboardMarkup.de_json(ANSWER["reply_markup"]) if ANSWER.get("reply_markup") else None


async def answer(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.effective_chat is not None
    await context.bot.send_message(
        update.effective_chat.id, ANSWER["text"], parse_mode=ANSWER["parse_mode"], reply_markup=KEYBOARD
    )


application = Application.builder().token(TOKEN).base_url(f"{URL}/bot").build()
application.add_handler(MessageHandler(filters.TEXT, answer))
application.run_polling()
