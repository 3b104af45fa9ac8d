"""Methods that send: sendMessage, sendDocument, sendPhoto, sendChatAction, copyMessage."""

from typing import Any

from sandbox.telegram.errors import bad_request
from sandbox.telegram.methods.call import Call, method
from sandbox.telegram.methods.keyboards import checked_markup
from sandbox.telegram.model.chats import Chat, Message
from sandbox.telegram.model.files import StoredFile, picture_size
from sandbox.telegram.text.formatting import CAPTION_LIMIT, TEXT_LIMIT, format_text

MOST_PICTURE_BYTES = 10 * 1024 * 1024
MOST_PICTURE_PIXELS = 10_000
"""The most that width and height add up to (Bot API, sendPhoto)."""
MOST_PICTURE_RATIO = 20
ACTIONS = {
    "cancel",
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "record_audio",
    "upload_voice",
    "upload_audio",
    "upload_document",
    "choose_sticker",
    "find_location",
    "pick_up_location",
    "record_video_note",
    "upload_video_note",
}

NOT_COPIED = {
    "invoice",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
}
"""Content that copyMessage refuses: invoices and service messages."""


def message_text(call: Call) -> tuple[str, list[dict[str, Any]]]:
    """Return a message's text and entities.

    Raises:
        ApiError: 400, the text is empty, too long or cannot be parsed.
    """
    text, entities = format_text(
        call.get("text", ""),
        call.get("parse_mode"),
        call.get("entities"),
        limit=TEXT_LIMIT,
        too_long="message is too long",
    )
    if not text:
        raise bad_request("Message text is empty")
    return text, _with_known_mentions(call, entities)


def caption_text(call: Call) -> tuple[str, list[dict[str, Any]]]:
    """Return a caption, which may be empty, and its entities.

    Raises:
        ApiError: 400, the caption is too long or cannot be parsed.
    """
    text, entities = format_text(
        call.get("caption", ""),
        call.get("parse_mode"),
        call.get("caption_entities"),
        limit=CAPTION_LIMIT,
        too_long="message caption is too long",
    )
    return text, _with_known_mentions(call, entities)


def _with_known_mentions(call: Call, entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Complete the mentions by user id, and drop those of unknown users."""
    kept = []
    for entity in entities:
        if entity["type"] == "text_mention":
            person = call.world.persons.get(entity.get("user", {}).get("id", 0))
            if person is None:
                continue
            entity = {**entity, "user": person.user()}
        kept.append(entity)
    return kept


def replied_message(call: Call, chat: Chat) -> Message | None:
    """Return the message to reply to, or None.

    Raises:
        ApiError: 400, the message is gone and `allow_sending_without_reply` is not set.
    """
    reply = call.get("reply_parameters") or {}
    if "message_id" not in reply:
        return None
    other = reply.get("chat_id")
    found = (call.find_chat(other) if other is not None else chat).find(reply["message_id"])
    if found is None and not reply.get("allow_sending_without_reply"):
        raise bad_request("message to be replied not found")
    return found


def topic_of(call: Call, chat: Chat) -> int | None:
    """Return the topic to send to; None for the chat itself.

    Raises:
        ApiError: 400, the chat has no such topic, or it is closed.
    """
    topic = call.get("message_thread_id")
    if topic is None:
        return None
    if topic not in chat.topics:
        raise bad_request("message thread not found")
    group = call.world.groups.get(chat.chat_id)
    if not chat.topics[topic] and (group is None or call.bot not in group.manages_topics):
        raise bad_request("TOPIC_CLOSED")
    return int(topic)


def send(call: Call, chat: Chat, **content: Any) -> dict[str, Any]:
    """Send a new message of the bot. Returns the Bot API's Message.

    Raises:
        ApiError: 429, the rate limit is reached.
    """
    reply_to = replied_message(call, chat)
    content["topic"] = topic_of(call, chat)
    call.bot.rates.take(chat.chat_id, call.world.clock.now().timestamp())
    message = call.world.post(chat, call.bot.user(), reply_to=reply_to, **content)
    return message.payload()


def outgoing_file(call: Call, name: str, kind: str) -> StoredFile:
    """Return the file of a parameter: an upload, an attach:// reference or a file_id.

    Raises:
        ApiError: 400, there is no such file.
    """
    given = call.get(name)
    part = name if given is None else given.removeprefix("attach://") if given.startswith("attach://") else None
    if part is not None:
        upload = call.files.get(part)
        if upload is None:
            raise bad_request(f"There is no {name} in the request")
        if not upload.content:
            raise bad_request("file must be non-empty")
        return call.world.files.add(kind, upload.name, upload.content, upload.mime_type)
    if "://" in given:
        raise bad_request("failed to get HTTP URL content")  # the sandbox downloads nothing
    file = call.world.files.find(given, call.bot.bot_id)
    if file.kind != kind:
        raise bad_request(f"Can't use file of type {file.kind} as {kind}")
    return file


@method("sendMessage")
async def send_message(call: Call) -> object:
    """Send a text."""
    text, entities = message_text(call)
    markup = checked_markup(call.get("reply_markup"))
    chat = call.chat_to_write(call.values["chat_id"])
    return send(call, chat, text=text, entities=entities, reply_markup=markup)


@method("sendDocument")
async def send_document(call: Call) -> object:
    """Send a file."""
    text, entities = caption_text(call)
    markup = checked_markup(call.get("reply_markup"))
    chat = call.chat_to_write(call.values["chat_id"])
    file = outgoing_file(call, "document", "Document")
    document = {
        "file_name": file.name,
        "mime_type": file.mime_type,
        **file.json(call.world.files.id_for(file, call.bot.bot_id)),
    }
    return send(call, chat, text=text, entities=entities, media={"document": document}, file=file, reply_markup=markup)


@method("sendPhoto")
async def send_photo(call: Call) -> object:
    """Send a picture. Telegram refuses a large one (10 MB), and one that is too long or too thin."""
    text, entities = caption_text(call)
    markup = checked_markup(call.get("reply_markup"))
    chat = call.chat_to_write(call.values["chat_id"])
    file = outgoing_file(call, "photo", "Photo")
    size = picture_size(file.content)
    if size is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    width, height = size
    if file.size > MOST_PICTURE_BYTES:
        raise bad_request("file is too big")
    if width + height > MOST_PICTURE_PIXELS or max(size) > MOST_PICTURE_RATIO * min(size):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    photo = {"width": width, "height": height, **file.json(call.world.files.id_for(file, call.bot.bot_id))}
    return send(call, chat, text=text, entities=entities, media={"photo": [photo]}, file=file, reply_markup=markup)


@method("sendChatAction")
async def send_chat_action(call: Call) -> object:
    """Show a chat action. The client shows it for 5 s."""
    action = call.values["action"].lower()
    if action not in ACTIONS:
        raise bad_request("Wrong parameter action in request")
    chat = call.chat_to_write(call.values["chat_id"])
    topic_of(call, chat)
    call.world.record(chat, "action", action=action, by=call.bot.username)
    return True


def _source(call: Call) -> Message:
    found = call.find_chat(call.values["from_chat_id"]).find(call.values["message_id"])
    if found is None:
        raise bad_request("message to copy not found")
    if found.media.keys() & NOT_COPIED:
        raise bad_request("message can't be copied")
    return found


@method("copyMessage")
async def copy_message(call: Call) -> object:
    """Send the content of a message as a new message of the bot."""
    chat = call.chat_to_write(call.values["chat_id"])
    source = _source(call)
    text, entities = source.text, source.entities
    if "caption" in call.values and source.media:
        text, entities = caption_text(call)
    markup = checked_markup(call.get("reply_markup"))
    media = {name: value for name, value in source.media.items() if name != "media_group_id"}
    content = {"media": media, "file": source.file, "rich": source.rich}
    sent = send(call, chat, text=text, entities=entities, reply_markup=markup, **content)
    return {"message_id": sent["message_id"]}
