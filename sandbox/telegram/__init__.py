"""A Telegram on loopback: the Bot API as strict as Telegram's, and people to talk to the bot. See README.md."""

from sandbox.telegram.app import TelegramApp, create_app
from sandbox.telegram.bots import Bot
from sandbox.telegram.clock import Clock, SandboxClock
from sandbox.telegram.errors import ApiError, SandboxMisuse
from sandbox.telegram.faults import FaultKind
from sandbox.telegram.groups import Group
from sandbox.telegram.model import Button, Chat, Message
from sandbox.telegram.persons import Person
from sandbox.telegram.server import TelegramServer
from sandbox.telegram.settings import Settings
from sandbox.telegram.taps import Tap
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
