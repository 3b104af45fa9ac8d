# ruff: noqa: F401, F811  # fixtures are imported and asked for by name
"""Forums: topics, rights, and what a bot may do and hear in them."""

import pytest

from sandbox.telegram.errors import ApiError
from sandbox.telegram.model.groups import Group
from sandbox.telegram.persons import Person
from tests.sandbox.telegram.fixtures import Api, api, bot, camille, telegram


def a_forum(camille: Person, *, manages_topics: bool = True) -> Group:
    group = camille.world.create_group("Équipe", [camille], forum=True)
    group.promote(camille.world.bot(), camille, manages_topics=manages_topics)
    return group


async def test_topics_are_managed_by_a_bot_with_the_right(api: Api, camille: Person) -> None:
    forum = a_forum(camille)
    where = {"chat_id": forum.chat.chat_id}
    topic = await api.ok("createForumTopic", **where, name="Client")
    here = where | {"message_thread_id": topic["message_thread_id"]}
    assert await api.ok("editForumTopic", **here, name="Client 2") is True
    assert forum.chat.topic_names == {topic["message_thread_id"]: "Client 2"}
    assert await api.ok("closeForumTopic", **here) is True
    assert "TOPIC_NOT_MODIFIED" in await api.refused("closeForumTopic", **here)
    sent = await api.ok("sendMessage", **here, text="in a closed topic")
    assert sent["is_topic_message"] is True
    assert sent["reply_to_message"]["forum_topic_created"]["name"] == "Client"
    assert await api.ok("reopenForumTopic", **here) is True
    assert await api.ok("deleteForumTopic", **here) is True
    assert "message thread not found" in await api.refused("sendMessage", **here, text="x")
    assert "TOPIC_ID_INVALID" in await api.refused("reopenForumTopic", **here)


async def test_topics_need_a_forum_and_the_right(api: Api, camille: Person) -> None:
    plain = camille.world.create_group("Flotte", [camille], supergroup=True)
    assert "not a forum" in await api.refused("createForumTopic", chat_id=plain.chat.chat_id, name="x")
    forum = a_forum(camille, manages_topics=False)
    assert "not enough rights" in await api.refused("createForumTopic", chat_id=forum.chat.chat_id, name="x")
    member = await api.ok("getChatMember", chat_id=forum.chat.chat_id, user_id=camille.world.bot().bot_id)
    assert (member["status"], member["can_manage_topics"]) == ("administrator", False)
    forum.demote(camille.world.bot(), camille)
    assert "not enough rights" in await api.refused("createForumTopic", chat_id=forum.chat.chat_id, name="x")


async def test_copies_have_no_author_and_no_album(api: Api, camille: Person) -> None:
    forum = a_forum(camille)
    camille.start()
    photo, _ = camille.send_album(2, caption="Voici")
    where = {"chat_id": forum.chat.chat_id, "from_chat_id": camille.user_id}
    copied = forum.chat.find((await api.ok("copyMessage", **where, message_id=photo.message_id))["message_id"])
    assert copied is not None
    assert (copied.text, sorted(copied.media), copied.from_bot) == ("Voici", ["photo"], True)
    invoice = camille.send_invoice()
    assert "message can't be copied" in await api.refused("copyMessage", **where, message_id=invoice.message_id)


async def test_administrator_hears_everything_in_topics(api: Api, camille: Person) -> None:
    forum = a_forum(camille)
    topic = await api.ok("createForumTopic", chat_id=forum.chat.chat_id, name="Client")
    since = camille.world.bot().updates.next_id
    camille.say("Bonjour", group=forum, topic=topic["message_thread_id"])
    camille.manage_topic(forum, topic["message_thread_id"], "close")
    heard = [each.content for each in camille.world.bot().updates.waiting.values() if each.update_id >= since]
    assert [sorted(each.keys() & {"text", "forum_topic_closed"}) for each in heard] == [
        ["text"], ["forum_topic_closed"],
    ]  # fmt: skip
    assert heard[0]["message_thread_id"] == topic["message_thread_id"]
    camille.manage_topic(forum, topic["message_thread_id"], "delete")
    assert forum.chat.topics == {}
    with pytest.raises(ApiError):
        camille.manage_topic(forum, topic["message_thread_id"], "delete")


async def test_media_is_replaced(api: Api, camille: Person) -> None:
    camille.start()
    first, second = camille.send_photo(), camille.send_photo(b"\xff\xd8\xff\xe1")
    where = {"chat_id": camille.user_id}
    sent = await api.ok("copyMessage", **where, from_chat_id=camille.user_id, message_id=first.message_id)
    here = where | {"message_id": sent["message_id"]}
    media = {"type": "photo", "media": second.media["photo"][0]["file_id"], "caption": "Mieux"}
    edited = await api.ok("editMessageMedia", **here, media=media)
    assert (edited["caption"], edited["photo"][0]["file_id"]) == ("Mieux", media["media"])
    assert "not modified" in await api.refused("editMessageMedia", **here, media=media)
    text = await api.ok("sendMessage", **where, text="x")
    assert "no media" in await api.refused("editMessageMedia", **where, message_id=text["message_id"], media=media)
