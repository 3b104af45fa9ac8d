"""A checked call of a Bot API method, and the table of methods that are implemented."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.telegram.spec import UploadedFile

if TYPE_CHECKING:
    from sandbox.telegram.bots import Bot
    from sandbox.telegram.world import TelegramWorld


@dataclass(slots=True)
class Call:
    """A call whose parameters have their documented types; what is beyond types the method itself checks."""

    world: "TelegramWorld"
    bot: "Bot"
    values: dict[str, Any]
    files: Mapping[str, UploadedFile]

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter, `default` where it was not given."""
        return self.values.get(name, default)


@dataclass(frozen=True, slots=True)
class Described:
    """A result with a description beside it, as setWebhook gives."""

    result: object
    description: str


Method = Callable[[Call], Awaitable[object]]
METHODS: dict[str, Method] = {}


def method(name: str) -> Callable[[Method], Method]:
    """Register the implementation of a method under its documented name."""

    def register(implementation: Method) -> Method:
        METHODS[name.lower()] = implementation
        return implementation

    return register
