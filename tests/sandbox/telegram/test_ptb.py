# ruff: noqa: F401, F811  # fixtures are imported and asked for by name
"""python-telegram-bot's Bot and Application against the sandbox, over sockets."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from telegram import (
    Bot as PtbBot,
    BotCommand,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Update,
)
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TimedOut
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes, MessageHandler, filters

from sandbox.telegram import Bot, Person, TelegramServer
from tests.sandbox.telegram.fixtures import TOKEN, bot, camille, clock, telegram

CAMILLE = 50_001


def keyboard(*labels: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=label.lower()) for label in labels]])


@pytest.fixture
async def ptb(telegram: TelegramServer, bot: Bot) -> AsyncIterator[PtbBot]:
    async with PtbBot(TOKEN, f"{telegram.url}/bot", f"{telegram.url}/file/bot") as client:
        yield client


async def test_send_edit_and_delete(telegram: TelegramServer, ptb: PtbBot, camille: Person) -> None:
    assert ptb.username == "odobot"
    sent = await ptb.send_message(
        CAMILLE,
        "<b>Bonjour</b> &amp; <a href='https://x.ca'>bienvenue</a>",
        ParseMode.HTML,
        reply_markup=keyboard("Oui", "Non"),
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        disable_notification=True,
    )
    assert sent.text_html == '<b>Bonjour</b> &amp; <a href="https://x.ca/">bienvenue</a>'
    assert camille.screen().html == sent.text_html
    assert sent.reply_markup == keyboard("Oui", "Non")
    await ptb.send_chat_action(CAMILLE, ChatAction.UPLOAD_DOCUMENT)
    await sent.edit_text("deux")
    with pytest.raises(BadRequest, match="Message is not modified"):
        await sent.edit_text("deux")
    await sent.edit_reply_markup(keyboard("Encore"))
    assert await sent.delete()
    assert telegram.world.log.lint == []


async def test_documents(telegram: TelegramServer, ptb: PtbBot, camille: Person) -> None:
    sent = await ptb.send_document(
        CAMILLE, b"%PDF-1.7 \x00\xff", filename="facture.pdf", caption="Août", reply_markup=keyboard("Oui")
    )
    assert sent.document is not None
    again = await ptb.send_document(CAMILLE, sent.document.file_id)
    assert again.document == sent.document
    file = await ptb.get_file(sent.document)
    assert bytes(await file.download_as_bytearray()) == b"%PDF-1.7 \x00\xff"
    with pytest.raises(BadRequest, match=r"[Ww]rong remote file identifier specified"):
        await ptb.send_document(CAMILLE, "AgADnonsense")
    telegram.world.settings.upload_bytes = 1000
    with pytest.raises(NetworkError, match="Entity Too Large"):
        await ptb.send_document(CAMILLE, b"x" * 2_000_000)
    assert telegram.world.log.lint == []


async def test_menus(telegram: TelegramServer, ptb: PtbBot, camille: Person) -> None:
    await ptb.set_my_commands([BotCommand("aide", "Aide")], BotCommandScopeChat(CAMILLE), "fr")
    assert await ptb.get_my_commands(BotCommandScopeChat(CAMILLE), "fr") == (BotCommand("aide", "Aide"),)
    assert await ptb.set_my_description("Votre compte", "fr")
    assert (await ptb.get_my_description("fr")).description == "Votre compte"
    assert (await ptb.get_chat(CAMILLE)).username == "camille"
    assert telegram.world.log.lint == []


async def test_errors_become_ptb_exceptions(telegram: TelegramServer, ptb: PtbBot, camille: Person) -> None:
    group = telegram.world.create_group("Équipe", [camille])
    new = group.migrate()
    with pytest.raises(ChatMigrated) as migrated:
        await ptb.send_message(group.chat.chat_id, "x")
    assert migrated.value.new_chat_id == new.chat.chat_id
    telegram.world.faults.add("retry_after", retry_after=9)
    with pytest.raises(RetryAfter):
        await ptb.send_message(CAMILLE, "x")
    telegram.world.faults.add("hang_after")
    with pytest.raises(TimedOut):
        await ptb.send_message(CAMILLE, "x", read_timeout=0.1)
    camille.block()
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await ptb.send_message(CAMILLE, "x")
    with pytest.raises(InvalidToken):
        async with PtbBot("1:nobody", f"{telegram.url}/bot"):
            pass


async def test_an_application_polls_and_answers(telegram: TelegramServer, camille: Person) -> None:
    application = (
        Application.builder()
        .token(TOKEN)
        .base_url(f"{telegram.url}/bot")
        .base_file_url(f"{telegram.url}/file/bot")
        .build()
    )
    files: list[bytes] = []

    async def start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.effective_message is not None
        await update.effective_message.reply_text(f"bonjour {context.args}", reply_markup=keyboard("Suite"))

    async def tapped(update: Update, _context: Any) -> None:
        assert update.callback_query is not None
        await update.callback_query.answer("un instant")
        await update.callback_query.edit_message_text(f"reçu {update.callback_query.data}")

    async def received(update: Update, _context: Any) -> None:
        assert update.message is not None
        assert update.message.document is not None
        file = await update.message.document.get_file()
        files.append(bytes(await file.download_as_bytearray()))
        await update.message.reply_text("merci")

    application.add_handler(CommandHandler("start", start))
    application.add_handler(CallbackQueryHandler(tapped))
    application.add_handler(MessageHandler(filters.Document.PDF, received))
    async with application:
        await application.start()
        assert application.updater is not None
        await application.updater.start_polling()
        camille.start("jeton")
        assert (await camille.wait_for_message("jeton")).text == "bonjour ['jeton']"
        tap = camille.tap("Suite")
        assert (await camille.wait_for_answer(tap))["text"] == "un instant"
        assert (await camille.wait_for_message("reçu")).text == "reçu suite"
        camille.send_document("a.pdf", b"%PDF")
        await camille.wait_for_message("merci")
        assert files == [b"%PDF"]
        await application.updater.stop()
        await application.stop()
    assert telegram.world.log.lint == []


async def test_reaction_is_set_and_removed(ptb: PtbBot, camille: Person) -> None:
    written = camille.say("Bonjour")
    assert await ptb.set_message_reaction(camille.user_id, written.message_id, "👌")
    assert written.reaction == "👌"
    with pytest.raises(BadRequest, match=r"(?i)reaction_invalid"):
        await ptb.set_message_reaction(camille.user_id, written.message_id, "🦊")
    assert await ptb.set_message_reaction(camille.user_id, written.message_id)
    assert written.reaction == ""
