"""The bots and groups of the simulated Telegram."""

from collections.abc import Sequence
from itertools import count

from sandbox.telegram.clock import Clock
from sandbox.telegram.errors import SandboxMisuse
from sandbox.telegram.model.bots import Bot
from sandbox.telegram.model.groups import Group
from sandbox.telegram.model.state import TelegramState
from sandbox.telegram.model.users import User
from sandbox.telegram.settings import Settings

DEFAULT_TOKEN = "123456789:SANDBOX-token"


class Registry(TelegramState):
    """Creates and finds bots and groups. `TelegramWorld` adds the people to it."""

    def __init__(self, clock: Clock | None = None, settings: Settings | None = None) -> None:
        super().__init__(clock, settings)
        self.bots: dict[str, Bot] = {}  # by token
        self.groups: dict[int, Group] = {}  # by chat id
        self._group_ids = count(9_001)

    def create_bot(
        self,
        token: str = DEFAULT_TOKEN,
        username: str = "odobot",
        first_name: str = "Odobot",
        *,
        inline: bool = False,
    ) -> Bot:
        """Create a bot. Its user id is the number before the colon of the token; `inline` turns on inline mode.

        Raises:
            SandboxMisuse: The token is malformed, or the token or its user id is taken.
        """
        bot = Bot(self, token, username, first_name)
        bot.inline = inline
        if token in self.bots or any(each.bot_id == bot.bot_id for each in self.bots.values()):
            raise SandboxMisuse("there is a bot with this token or id already")
        self.bots[token] = bot
        return bot

    def create_group(
        self,
        title: str,
        members: Sequence[User],
        bots: list[Bot] | None = None,
        *,
        supergroup: bool = False,
        forum: bool = False,
    ) -> Group:
        """Create a group. The first member adds the bots, which get a `my_chat_member` update.

        Args:
            bots: The bots to add; None adds all bots.
            forum: A supergroup with topics.
        """
        group = Group(
            self,
            self.groups,
            title,
            members,
            supergroup=supergroup or forum,
            forum=forum,
            number=next(self._group_ids),
        )
        for bot in self.bots.values() if bots is None else bots:
            group.add_bot(bot, members[0])
        return group

    def bot(self, which: Bot | str | None = None) -> Bot:
        """Find a bot.

        Args:
            which: The bot itself, its token or its username. None means the only bot.

        Raises:
            SandboxMisuse: No bot matches, or `which` is None and there are several bots or none.
        """
        if isinstance(which, Bot):
            return which
        if which is None and len(self.bots) == 1:
            return next(iter(self.bots.values()))
        found = self.bots.get(which or "") or next(
            (each for each in self.bots.values() if each.username == which), None
        )
        if found is None:
            raise SandboxMisuse("say which bot: by token or username")
        return found

    def close(self) -> None:
        """End all polls and event subscriptions. The server suspends the webhooks."""
        self.faults.release()
        self.events.close()
        for bot in self.bots.values():
            bot.updates.end_poll(None)
