"""python-telegram-bot as it comes, httpx, and SQLModel on aiosqlite: it answers /factures with the list of invoices."""

import os

import httpx
from invoice_list import list_buttons, list_text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, Update
from telegram.ext import Application, CommandHandler, ContextTypes

URL, TOKEN, SECRET = os.environ["BENCH_URL"], os.environ["BENCH_TOKEN"], os.environ["BENCH_SECRET"]
PORTAL_URL, PORTAL_TOKEN = os.environ["BENCH_PORTAL_URL"], os.environ["BENCH_PORTAL_TOKEN"]
PORT = int(os.environ["BENCH_WEBHOOK_PORT"])


class Chat(SQLModel, table=True):
    __tablename__ = "chats"
    chat_id: int = Field(primary_key=True)
    language: str
    page_size: int


class Link(SQLModel, table=True):
    __tablename__ = "links"
    link_id: int = Field(primary_key=True)
    chat_id: int = Field(foreign_key="chats.chat_id", index=True)
    contact_id: str
    account_id: str
    account_name: str


engine = create_async_engine(f"sqlite+aiosqlite:///{os.environ['BENCH_DATABASE']}")


async def send_invoices(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    async with AsyncSession(engine) as session:
        found = await session.exec(select(Chat, Link).join(Link).where(Chat.chat_id == update.effective_chat.id))
        chat, link = found.one()
    response = await context.bot_data["portal"].get(
        f"/v1/contacts/{link.contact_id}/accounts/{link.account_id}/invoices",
        params={"page": 1, "page_size": chat.page_size, "language": chat.language},
    )
    response.raise_for_status()
    page = response.json()
    rows = [
        [InlineKeyboardButton(label, callback_data=data) for label, data in row]
        for row in list_buttons(page, link.link_id, chat.language)
    ]
    await update.message.reply_html(
        list_text(page, link.account_name, chat.language),
        reply_markup=InlineKeyboardMarkup(rows),
        link_preview_options=LinkPreviewOptions(is_disabled=True),
    )


async def open_portal(application: Application) -> None:
    application.bot_data["portal"] = httpx.AsyncClient(
        base_url=PORTAL_URL, headers={"Authorization": f"Bearer {PORTAL_TOKEN}"}
    )


async def close_portal(application: Application) -> None:
    await application.bot_data["portal"].aclose()


application = (
    Application.builder().token(TOKEN).base_url(f"{URL}/bot").post_init(open_portal).post_shutdown(close_portal).build()
)
application.add_handler(CommandHandler("factures", send_invoices))
if PORT:
    application.run_webhook(
        listen="127.0.0.1",
        port=PORT,
        url_path="telegram",
        secret_token=SECRET,
        webhook_url=f"http://127.0.0.1:{PORT}/telegram",
    )
else:
    application.run_polling()
