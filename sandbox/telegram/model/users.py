"""A Telegram user who is not a bot, as chats and updates describe the user."""

from typing import Any


class User:
    """The account data of a person. `Person` adds what the person does."""

    def __init__(
        self,
        user_id: int,
        first_name: str,
        last_name: str | None,
        username: str | None,
        language_code: str | None,
    ) -> None:
        self.user_id = user_id
        self.first_name = first_name
        self.last_name = last_name
        self.username = username
        self.language_code = language_code
        self.deactivated = False

    def names(self) -> dict[str, Any]:
        """The name fields that the Bot API's Chat and User share."""
        names = {"first_name": self.first_name, "last_name": self.last_name, "username": self.username}
        return {key: value for key, value in names.items() if value}

    def user(self) -> dict[str, Any]:
        """The Bot API's User."""
        language = {"language_code": self.language_code} if self.language_code else {}
        return {"id": self.user_id, "is_bot": False, **self.names(), **language}
