"""Send and edit text messages and rich messages, as plain JSON over PTB's request class.

``Bot.send_message`` makes objects of everything in the answer, which the bot itself wrote: 14 % of the processor time
of an update (docs/decisions/0007). Only the message id is needed. Failures are PTB's exceptions, as with its methods.
"""

from typing import Any, ClassVar, cast

from msgspec import Struct
from telegram.constants import ParseMode
from telegram.ext import ExtBot
from telegram.request import RequestData

from handlers.telegram.render import Message
from handlers.telegram.render_rich import RichMessage


class JsonParameters(Struct, frozen=True):
    """The parameters of a call that are JSON already: what a request class reads of PTB's final ``RequestData``."""

    parameters: dict[str, Any]
    contains_files: ClassVar[bool] = False


async def send_text(
    bot: ExtBot[None],
    chat_id: int,
    message: Message | RichMessage,
    *,
    thread_id: int | None = None,
    reply_to: int | None = None,
) -> int:
    """Send a text message, or a rich message.

    Args:
        thread_id: the topic to send it to, or None.
        reply_to: the message to quote, if it still exists, or None.

    Returns:
        Its message id.

    Raises:
        TelegramError: it was not sent, or possibly not.
    """
    where: dict[str, Any] = {"chat_id": chat_id}
    if thread_id is not None:
        where["message_thread_id"] = thread_id
    if reply_to is not None:
        where["reply_parameters"] = {"message_id": reply_to, "allow_sending_without_reply": True}
    method = "sendRichMessage" if isinstance(message, RichMessage) else "sendMessage"
    sent = await _post(bot, method, where | _content(message))
    return int(sent["message_id"])


async def edit_text(bot: ExtBot[None], chat_id: int, message_id: int, message: Message | RichMessage) -> None:
    """Replace a message's content and keyboard; a text becomes a rich message, and back. Raises ``TelegramError``."""
    await _post(bot, "editMessageText", {"chat_id": chat_id, "message_id": message_id, **_content(message)})


def _content(message: Message | RichMessage) -> dict[str, Any]:
    if isinstance(message, RichMessage):
        return message.content
    return {
        "text": message.html,
        "parse_mode": ParseMode.HTML,
        "link_preview_options": {"is_disabled": True},
        **message.reply_markup,
    }


async def _post(bot: ExtBot[None], method: str, values: dict[str, Any]) -> Any:
    return await bot.request.post(f"{bot.base_url}/{method}", cast("RequestData", JsonParameters(values)))
