"""Methods on existing messages: edits, deletions, pins, and answers to taps."""

from dataclasses import replace
from typing import Any

from sandbox.telegram.clock import unix
from sandbox.telegram.errors import NOT_MODIFIED, QUERY_TOO_OLD, bad_request
from sandbox.telegram.methods.call import Call, method
from sandbox.telegram.methods.keyboards import checked_markup
from sandbox.telegram.methods.messages import caption_text, message_text
from sandbox.telegram.model.chats import Chat, Message
from sandbox.telegram.text.formatting import same_content
from sandbox.telegram.text.rich import Block, checked_blocks, plain_text

MOST_DELETED_AT_ONCE = 100
REACTIONS = frozenset(
    "👍👎❤🔥🥰👏😁🤔🤯😱🤬😢🎉🤩🤮💩🙏👌🕊🤡🥱🥴😍🐳💯🤣⚡🍌🏆💔🤨😐🍓🍾💋🖕😈😴😭🤓"
    "👻👀🎃🙈😇😨🤝✍🤗🫡🎅🎄☃💅🤪🗿🆒💘🙉🦄😘💊🙊😎👾🤷😡"
)
"""The emoji that a bot may react with, those of one code point (Bot API, ReactionTypeEmoji)."""


def message_to_edit(call: Call) -> Message:
    """Return the bot's own message that a call names.

    Raises:
        ApiError: 400, there is no such message, or the bot may not edit it.
    """
    if "chat_id" not in call.values and "message_id" not in call.values:
        if "inline_message_id" not in call.values:
            raise bad_request("Message identifier is not specified")
        raise bad_request("MESSAGE_ID_INVALID")  # the sandbox has no inline mode
    message = _existing(call, call.chat_to_write(_chat_id(call)), "edit")
    if message.sender["id"] != call.bot.bot_id:
        raise bad_request("Message can't be edited")
    return message


def _chat_id(call: Call) -> int | str:
    if "chat_id" not in call.values:
        raise bad_request("chat_id is empty")
    chat_id: int | str = call.values["chat_id"]
    return chat_id


def _existing(call: Call, chat: Chat, what: str) -> Message:
    message = chat.find(call.get("message_id", 0))
    if message is None:
        raise bad_request(f"message to {what} not found")
    return message


def _edit(
    call: Call,
    message: Message,
    text: str,
    entities: list[dict[str, Any]],
    markup: dict[str, Any] | None,
    rich: list[Block] | None = None,
) -> object:
    is_same = text == message.text and rich == message.rich and same_content(entities, message.entities)
    if is_same and markup == message.reply_markup:
        raise bad_request(NOT_MODIFIED)
    message.text, message.entities, message.rich, message.reply_markup = text, entities, rich, markup
    message.edit_date = unix(call.world.clock)
    message.edits += 1
    call.world.record(message.chat, "edit", message)
    return message.payload()


@method("editMessageText")
async def edit_message_text(call: Call) -> object:
    """Edit a text or a rich message, into either. A keyboard that is not given again is removed."""
    rich = None
    if "rich_message" in call.values and call.world.settings.rich_messages:  # an older server ignores the parameter
        rich = checked_blocks(call.values["rich_message"])
        text, entities = plain_text(rich), list[dict[str, Any]]()
    elif "text" in call.values:
        text, entities = message_text(call)
    else:
        raise bad_request("Message text is empty")
    markup = checked_markup(call.get("reply_markup"))
    message = message_to_edit(call)
    if message.media:
        raise bad_request("There is no text in the message to edit")
    return _edit(call, message, text, entities, markup, rich)


@method("editMessageCaption")
async def edit_message_caption(call: Call) -> object:
    """Edit the caption. A keyboard that is not given again is removed."""
    markup = checked_markup(call.get("reply_markup"))
    text, entities = caption_text(call)
    message = message_to_edit(call)
    if not message.media:
        raise bad_request("There is no caption in the message to edit")
    return _edit(call, message, text, entities, markup)


@method("editMessageMedia")
async def edit_message_media(call: Call) -> object:
    """Replace a photo or a document, by file_id, with its caption."""
    given = call.values["media"]
    kind = {"photo": "Photo", "document": "Document"}.get(given["type"])
    if kind is None:
        raise bad_request("the sandbox replaces photos and documents only")
    markup = checked_markup(call.get("reply_markup"))
    caption = {name: given[name] for name in ("caption", "parse_mode", "caption_entities") if name in given}
    text, entities = caption_text(replace(call, values=caption))
    file = call.world.files.find(given["media"], call.bot.bot_id)
    if file.kind != kind:
        raise bad_request(f"Can't use file of type {file.kind} as {kind}")
    message = message_to_edit(call)
    if not message.media:
        raise bad_request("There is no media in the message to edit")
    if message.file is not file:
        basics = file.json(given["media"])
        shown = [{**basics, "width": 90, "height": 90}] if kind == "Photo" else {**basics, "file_name": file.name}
        message.media, message.file = {kind.lower(): shown}, file
        message.edits += 1
    return _edit(call, message, text, entities, markup)


@method("editMessageReplyMarkup")
async def edit_message_reply_markup(call: Call) -> object:
    """Edit or remove the keyboard."""
    markup = checked_markup(call.get("reply_markup"))
    message = message_to_edit(call)
    return _edit(call, message, message.text, message.entities, markup, message.rich)


def _check_deletable(call: Call, message: Message) -> None:
    chat = message.chat
    if chat.kind != "private" and message.sender["id"] != call.bot.bot_id:
        raise bad_request("Message can't be deleted")  # the sandbox's bots are not administrators
    if unix(call.world.clock) - message.date > call.world.settings.delete_within_seconds:
        raise bad_request("Message can't be deleted for everyone")


@method("deleteMessage")
async def delete_message(call: Call) -> object:
    """Delete a message younger than 48 h: the bot's own in any chat, every message in a private chat."""
    message = _existing(call, call.chat_to_write(call.values["chat_id"]), "delete")
    _check_deletable(call, message)
    call.world.delete(message)
    return True


@method("deleteMessages")
async def delete_messages(call: Call) -> object:
    """Delete several messages. Missing ones are skipped; one that may not be deleted fails the whole call."""
    message_ids = call.values["message_ids"]
    if len(message_ids) > MOST_DELETED_AT_ONCE:
        raise bad_request("Too many message identifiers specified")
    if not message_ids:
        raise bad_request("Message identifiers are not specified")
    if min(message_ids) <= 0:
        raise bad_request("Invalid message identifier specified")
    chat = call.chat_to_write(call.values["chat_id"])
    messages = [message for each in message_ids if (message := chat.find(each)) is not None]
    for message in messages:
        _check_deletable(call, message)
    for message in messages:
        if not message.deleted:  # named twice
            call.world.delete(message)
    return True


@method("answerCallbackQuery")
async def answer_callback_query(call: Call) -> object:
    """Answer a tap, once and in time. The client shows `text` as a toast or an alert."""
    query = call.bot.take_query(call.values["callback_query_id"])
    if query is None:
        raise bad_request(QUERY_TOO_OLD)
    if "url" in call.values:
        raise bad_request("URL_INVALID")  # Telegram accepts only games and t.me links of the bot
    answer = {"text": call.get("text", ""), "show_alert": call.get("show_alert", False), "url": ""}
    query.answer = answer
    call.world.record(query.chat, "answer", query_id=query.query_id, answer=answer)
    return True


@method("pinChatMessage")
async def pin_chat_message(call: Call) -> object:
    """Pin a message."""
    message = _existing(call, call.chat_to_write(call.values["chat_id"]), "pin")
    message.pinned = True
    call.world.record(message.chat, "pin", message)
    return True


@method("unpinChatMessage")
async def unpin_chat_message(call: Call) -> object:
    """Unpin a message. Without `message_id`, unpin the newest pinned one."""
    chat = call.chat_to_write(call.values["chat_id"])
    pinned = [message for message in chat.visible if message.pinned]
    named = [message for message in pinned if message.message_id == call.get("message_id", message.message_id)]
    if not named:
        raise bad_request("Message to unpin not found")
    named[-1].pinned = False
    call.world.record(chat, "pin", named[-1])
    return True


@method("setMessageReaction")
async def set_message_reaction(call: Call) -> object:
    """Set or remove the bot's one reaction to a message."""
    message = _existing(call, call.chat_to_write(_chat_id(call)), "react")
    reactions: list[dict[str, Any]] = call.get("reaction", [])
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    emoji = "".join(str(each.get("emoji", "")) for each in reactions).removesuffix("\ufe0f")
    if reactions and emoji not in REACTIONS:
        raise bad_request("REACTION_INVALID")
    message.reaction = emoji
    call.world.record(message.chat, "reaction", message)
    return True
