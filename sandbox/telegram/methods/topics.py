"""Methods on the topics of a forum, for a bot that may manage them."""

from sandbox.telegram.errors import bad_request
from sandbox.telegram.methods.call import Call, method
from sandbox.telegram.model import forums


@method("createForumTopic")
async def create_forum_topic(call: Call) -> object:
    """Create a topic. Returns the Bot API's ForumTopic."""
    group, name = call.forum(), str(call.values["name"]).strip()
    if not name:
        raise bad_request("TOPIC_TITLE_EMPTY")
    created = forums.create_topic(call.world, group.chat, call.bot.user(), name)
    return {"message_thread_id": created.message_id, "name": name, "icon_color": forums.ICON_COLOR}


@method("editForumTopic")
async def edit_forum_topic(call: Call) -> object:
    """Rename a topic."""
    group, name = call.forum(), str(call.get("name", "")).strip()
    if name:
        forums.rename_topic(call.world, group.chat, call.bot.user(), call.values["message_thread_id"], name)
    return True


@method("closeForumTopic")
async def close_forum_topic(call: Call) -> object:
    """Close a topic: then only administrators who manage topics write in it."""
    group = call.forum()
    forums.set_topic_open(call.world, group.chat, call.bot.user(), call.values["message_thread_id"], is_open=False)
    return True


@method("reopenForumTopic")
async def reopen_forum_topic(call: Call) -> object:
    """Reopen a topic."""
    group = call.forum()
    forums.set_topic_open(call.world, group.chat, call.bot.user(), call.values["message_thread_id"], is_open=True)
    return True


@method("deleteForumTopic")
async def delete_forum_topic(call: Call) -> object:
    """Delete a topic with its messages."""
    forums.delete_topic(call.world, call.forum().chat, call.values["message_thread_id"])
    return True
