"""A simulated Telegram on loopback: a Bot API as strict as the real one, and people who use bots. See README.md."""

from sandbox.telegram.app import TelegramApp, create_app
from sandbox.telegram.clock import Clock, SandboxClock
from sandbox.telegram.errors import ApiError, SandboxMisuse
from sandbox.telegram.faults import FaultKind
from sandbox.telegram.model.bots import Bot
from sandbox.telegram.model.chats import Button, Chat, Message
from sandbox.telegram.model.groups import Group
from sandbox.telegram.persons.person import Person
from sandbox.telegram.persons.taps import Tap
from sandbox.telegram.server import TelegramServer
from sandbox.telegram.settings import Settings
from sandbox.telegram.world import TelegramWorld

__all__ = [
    "ApiError",
    "Bot",
    "Button",
    "Chat",
    "Clock",
    "FaultKind",
    "Group",
    "Message",
    "Person",
    "SandboxClock",
    "SandboxMisuse",
    "Settings",
    "Tap",
    "TelegramApp",
    "TelegramServer",
    "TelegramWorld",
    "create_app",
]
