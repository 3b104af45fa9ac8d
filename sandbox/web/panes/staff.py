"""The staff's pane: the topics of the company's forum, what was written in them, and the staff's answers."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from sandbox.telegram.model.chats import Message
from sandbox.telegram.model.groups import Group
from sandbox.telegram.persons.person import Person
from sandbox.web.calls import Call, NotFound, Routes, done
from sandbox.web.page import Page

MOST_TOPICS = 20
MOST_MESSAGES = 30
ACTIONS = ("close", "reopen", "delete")
SERVICE = ("forum_topic_created", "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened")


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of the forum, for its template."""

    topic_id: int
    name: str
    is_open: bool
    messages: tuple[Message, ...]


def staff_values(page: Page) -> dict[str, Any]:
    """Return the template values of the pane; topics with the newest message first."""
    forum = page.forum
    topics = [_topic(forum, topic) for topic in forum.chat.topics] if forum else []
    topics.sort(key=lambda each: each.messages[-1].message_id if each.messages else 0, reverse=True)
    return {"forum": forum, "topics": topics[:MOST_TOPICS]}


def _topic(forum: Group, topic: int) -> Topic:
    written = [each for each in forum.chat.visible if each.topic == topic and not each.media.keys() & set(SERVICE)]
    return Topic(
        topic, forum.chat.topic_names.get(topic, str(topic)), forum.chat.topics[topic], tuple(written[-MOST_MESSAGES:])
    )


def _staff(call: Call) -> tuple[Group, Person, int]:
    """Return the forum, who writes in it, and the topic of the form. Raises NotFound."""
    forum, topic = call.page.forum, call.number("topic")
    person = call.page.world.persons.get(forum.members[0].user_id) if forum else None
    if forum is None or person is None or topic not in forum.chat.topics:
        raise NotFound
    return forum, person, topic


async def say(call: Call) -> Response:
    """Write in a topic, as a member of the staff."""
    forum, person, topic = _staff(call)
    person.say(str(call.form.get("text", "")), group=forum, topic=topic)
    return done()


async def send(call: Call) -> Response:
    """Send a file in a topic."""
    forum, person, topic = _staff(call)
    person.send_document("note.pdf", group=forum, topic=topic)
    return done()


async def manage(call: Call) -> Response:
    """Close, reopen or delete a topic."""
    forum, person, topic = _staff(call)
    what = call.field("what")
    if what not in ACTIONS:
        raise NotFound
    person.manage_topic(forum, topic, what)
    return done()


STAFF_ROUTES: Routes = [
    ("POST", "/staff/say", say),
    ("POST", "/staff/send", send),
    ("POST", "/staff/topics", manage),
]
