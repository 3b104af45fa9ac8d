"""sendRichMessage. editMessageText takes rich messages as well (`edits.py`)."""

from sandbox.telegram.errors import ApiError
from sandbox.telegram.methods.call import Call, method
from sandbox.telegram.methods.keyboards import checked_markup
from sandbox.telegram.methods.messages import send
from sandbox.telegram.text.rich import checked_blocks, plain_text


@method("sendRichMessage")
async def send_rich_message(call: Call) -> object:
    """Send a rich message. A server from before Bot API 10.1 has no such method."""
    if not call.world.settings.rich_messages:
        raise ApiError(404, "Not Found: method not found")
    blocks = checked_blocks(call.values["rich_message"])
    markup = checked_markup(call.get("reply_markup"))
    chat = call.chat_to_write(call.values["chat_id"])
    return send(call, chat, text=plain_text(blocks), rich=blocks, reply_markup=markup)
