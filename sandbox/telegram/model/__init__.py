"""The state of the simulated Telegram: users, bots, groups, chats, messages, files and update queues."""

from sandbox.telegram.model.chats import Button, Change, Chat, Message

__all__ = ["Button", "Change", "Chat", "Message"]
