"""The simulated Telegram: bots, groups, people, files, faults, request log and events."""

from itertools import count

from sandbox.telegram.clock import Clock
from sandbox.telegram.errors import SandboxMisuse
from sandbox.telegram.model.registry import Registry
from sandbox.telegram.persons.person import Person
from sandbox.telegram.settings import Settings
from sandbox.telegram.spec.methods import load_spec


class TelegramWorld(Registry):
    """The state of the simulated Telegram, and its people.

    Bots act on it by the Bot API, which `TelegramServer` serves over HTTP.
    """

    def __init__(self, clock: Clock | None = None, settings: Settings | None = None) -> None:
        super().__init__(clock, settings)
        self.spec = load_spec()
        self.persons: dict[int, Person] = {}  # by user id
        self._person_ids = count(50_001)

    def create_person(
        self,
        user_id: int | None = None,
        first_name: str = "Camille",
        last_name: str | None = None,
        username: str | None = None,
        language_code: str | None = "fr",
    ) -> Person:
        """Create a person.

        Args:
            user_id: None takes the next free id.
            language_code: The language of the client. Without it, updates name no language.

        Raises:
            SandboxMisuse: The user id is taken, or outside of Telegram's range.
        """
        if user_id is None:
            user_id = next(each for each in self._person_ids if each not in self.persons)
        if user_id in self.persons or not 0 < user_id < 1 << 52:
            raise SandboxMisuse(f"user id {user_id} is taken or not possible")
        person = Person(self, user_id, first_name, last_name, username, language_code)
        self.persons[user_id] = person
        self.publish("person", lambda: {"person": person.json()})
        return person
