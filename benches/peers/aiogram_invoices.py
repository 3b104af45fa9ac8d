"""aiogram 3, SQLAlchemy on aiosqlite, and aiohttp: it answers /factures with the list of invoices."""

import os

from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.filters import Command
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import ClientSession, web
from invoice_list import list_buttons, list_text
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

URL, TOKEN, SECRET = os.environ["BENCH_URL"], os.environ["BENCH_TOKEN"], os.environ["BENCH_SECRET"]
PORTAL_URL, PORTAL_TOKEN = os.environ["BENCH_PORTAL_URL"], os.environ["BENCH_PORTAL_TOKEN"]
PORT = int(os.environ["BENCH_WEBHOOK_PORT"])


class Base(DeclarativeBase):
    pass


class Chat(Base):
    __tablename__ = "chats"
    chat_id: Mapped[int] = mapped_column(primary_key=True)
    language: Mapped[str]
    page_size: Mapped[int]


class Link(Base):
    __tablename__ = "links"
    link_id: Mapped[int] = mapped_column(primary_key=True)
    chat_id: Mapped[int] = mapped_column(ForeignKey("chats.chat_id"), index=True)
    contact_id: Mapped[str]
    account_id: Mapped[str]
    account_name: Mapped[str]


sessions = async_sessionmaker(create_async_engine(f"sqlite+aiosqlite:///{os.environ['BENCH_DATABASE']}"))
dispatcher = Dispatcher()


@dispatcher.message(Command("factures"))
async def send_invoices(message: Message, portal: ClientSession) -> None:
    async with sessions() as session:
        found = await session.execute(select(Chat, Link).join(Link).where(Chat.chat_id == message.chat.id))
        chat, link = found.one()
    async with portal.get(
        f"/v1/contacts/{link.contact_id}/accounts/{link.account_id}/invoices",
        params={"page": 1, "page_size": chat.page_size, "language": chat.language},
    ) as response:
        page = await response.json()
    rows = [
        [InlineKeyboardButton(text=label, callback_data=data) for label, data in row]
        for row in list_buttons(page, link.link_id, chat.language)
    ]
    await message.answer(
        list_text(page, link.account_name, chat.language),
        reply_markup=InlineKeyboardMarkup(inline_keyboard=rows),
        link_preview_options=LinkPreviewOptions(is_disabled=True),
    )


@dispatcher.startup()
async def start(bot: Bot) -> None:
    dispatcher["portal"] = ClientSession(
        PORTAL_URL, headers={"Authorization": f"Bearer {PORTAL_TOKEN}"}, raise_for_status=True
    )
    if PORT:
        await bot.set_webhook(f"http://127.0.0.1:{PORT}/telegram", secret_token=SECRET)


@dispatcher.shutdown()
async def stop() -> None:
    await dispatcher["portal"].close()


bot = Bot(
    TOKEN,
    session=AiohttpSession(api=TelegramAPIServer.from_base(URL)),
    default=DefaultBotProperties(parse_mode=ParseMode.HTML),
)
if PORT:
    app = web.Application()
    SimpleRequestHandler(dispatcher, bot, secret_token=SECRET).register(app, path="/telegram")
    setup_application(app, dispatcher, bot=bot)
    web.run_app(app, host="127.0.0.1", port=PORT)
else:
    dispatcher.run_polling(bot)
