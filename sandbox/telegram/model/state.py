"""The state that bots, groups and people share: clock, settings, files, faults, request log and events."""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from sandbox.telegram.clock import Clock, SandboxClock, unix
from sandbox.telegram.events import EventHub
from sandbox.telegram.faults import Faults
from sandbox.telegram.model.chats import Change, Chat, Message
from sandbox.telegram.model.files import FileStore
from sandbox.telegram.request_log import RequestLog
from sandbox.telegram.settings import Settings

Execute = Callable[[str, str, dict[str, Any]], Awaitable[None]]
"""Executes a Bot API call. Takes the bot's token, the method and the parameters."""


class TelegramState:
    """Numbers and publishes events, and changes messages. `Registry` adds bots and groups to it."""

    def __init__(self, clock: Clock | None = None, settings: Settings | None = None) -> None:
        self.clock: Clock = clock or SandboxClock()
        self.settings = settings or Settings()
        self.files = FileStore()
        self.faults = Faults()
        self.log = RequestLog(self.settings.log_requests)
        self.events = EventHub(self.clock)
        self.execute: Execute | None = None  # set by the application, which imports the methods
        self.ids = count(4_000_000_001)  # ids of callback queries and media groups

    def publish(
        self,
        kind: str,
        data: Callable[[], dict[str, Any]],
        *,
        bot: str | None = None,
        chat: Chat | None = None,
    ) -> int:
        """Publish an event.

        Args:
            data: Gives the event's fields. It is called only when somebody reads the event.
            bot: The username of the bot that the event concerns.

        Returns:
            The event's number.
        """
        return self.events.publish(kind, data, bot=bot, chat_id=chat.chat_id if chat else None).seq

    def record(self, chat: Chat, kind: str, message: Message | None = None, **data: Any) -> Change:
        """Add a change to a chat, wake the waiters of the chat, and publish the change."""
        change = Change(0, self.clock.now(), kind, message, data)
        change.seq = self.publish(kind, change.json, bot=chat.bot, chat=chat)
        chat.last_change = change.seq
        chat.changes.append(change)
        chat.changed.fire()
        return change

    def post(self, chat: Chat, sender: dict[str, Any], **content: Any) -> Message:
        """Add a new message to a chat. The caller queues the updates.

        Args:
            sender: The sender as the Bot API's User.
            content: Further fields of Message.
        """
        message = Message(chat, chat.number(), unix(self.clock), sender, **content)
        chat.add(message)
        self.record(chat, "message", message)
        return message

    def delete(self, message: Message) -> None:
        """Delete a message for all members of its chat."""
        message.deleted = True
        self.record(message.chat, "delete", message)
