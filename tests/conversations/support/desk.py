"""The staff's forum of a scene, and what its members do in it."""

import asyncio

import pytest

from sandbox.telegram.model.chats import Message
from sandbox.telegram.model.groups import Group
from sandbox.telegram.persons import Person
from tests.scene import Scene

SUPPORT = "aide@odotrack.test"


class Desk:
    """A scene whose bot relays to a forum; ``marie`` is a member of the staff."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.world = scene.telegram.world
        self.marie = self.world.create_person(first_name="Marie", language_code="fr")
        self.forum = self.world.create_group("Équipe", [self.marie], forum=True)
        self.forum.promote(self.world.bot(), self.marie)

    async def open(self, **settings: object) -> "Desk":
        """Start the bot anew, with the forum."""
        await self.scene.stop_bot()
        await self.scene.start_bot(support_chat=str(self.forum.chat.chat_id), support=SUPPORT, **settings)
        return self

    @property
    def group(self) -> Group:
        """The forum."""
        return self.forum

    def topics(self) -> dict[int, str]:
        """The names of the topics, by id."""
        return self.forum.chat.topic_names

    def topic(self) -> int:
        """The newest topic."""
        return max(self.forum.chat.topics)

    def seen(self, topic: int | None = None) -> list[Message]:
        """What the bot wrote in a topic, by default the newest."""
        topic = topic or self.topic()
        return [each for each in self.forum.chat.visible if each.topic == topic and each.from_bot]

    async def reads(self, text: str, topic: int | None = None) -> Message:
        """Wait for a message of the bot that contains a text, in any topic or in one."""

        def look() -> Message | None:
            found = [each for each in self.forum.chat.visible if each.from_bot and text in each.text]
            return next((each for each in found if topic in (None, each.topic)), None)

        found = await self.forum.chat.changed.until(look, 20)
        assert found is not None, [each.text for each in self.forum.chat.visible]
        return found

    def says(self, text: str, topic: int | None = None, **more: object) -> Message:
        """Marie writes in a topic, by default the newest."""
        return self.marie.say(text, group=self.forum, topic=topic or self.topic(), **more)  # type: ignore[arg-type]

    async def talking(self, person: Person, text: str = "Bonjour") -> int:
        """Begin the conversation of a person, with a message. Returns: its topic."""
        await self.scene.say(person, "/parler" if person.language_code == "fr" else "/talk")
        before = set(self.forum.chat.topics)
        await self.scene.say(person, text)
        (topic,) = set(self.forum.chat.topics) - before
        return topic

    async def remembers(self, message: Message) -> None:
        """Wait until it is stored as what a message of the forum was relayed."""
        query = f"SELECT 1 FROM support_messages WHERE staff_message = {message.message_id}"
        async with asyncio.timeout(20):
            while True:
                async with self.scene.components.database.engine.connect() as connection:
                    if (await connection.exec_driver_sql(query)).first():
                        return
                await asyncio.sleep(0.02)

    async def is_closed(self, topic: int) -> None:
        """Wait until a topic is closed."""
        async with asyncio.timeout(20):
            while self.forum.chat.topics[topic]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.fixture
async def desk(scene: Scene) -> Desk:
    """A scene with a staff's forum."""
    return await Desk(scene).open()
