"""Inline mode: a person types behind a bot's name in any chat, and sends one of the results."""

import asyncio
from typing import Any

from sandbox.telegram.errors import SandboxMisuse
from sandbox.telegram.model.bots import Bot, InlineQuery
from sandbox.telegram.model.chats import Message
from sandbox.telegram.model.groups import Group
from sandbox.telegram.persons.sending import Sender


class InlineSender(Sender):
    """A user who uses bots in inline mode."""

    def type_inline(self, text: str, *, bot: Bot | str | None = None, chat_type: str = "group") -> InlineQuery:
        """Type ``@bot text``. The bot's answer is a pop-up that only this person sees.

        Raises:
            SandboxMisuse: The bot has no inline mode, see `Bot.inline`.
        """
        found = self.world.bot(bot)
        if not found.inline:
            raise SandboxMisuse(f"{found.username} has no inline mode: BotFather's /setinline turns it on")
        query = InlineQuery(str(next(self.world.ids)), self, text, self.world.clock.now().timestamp())
        found.inline_queries[query.query_id] = query
        content = {
            "id": query.query_id,
            "from": self.user(),
            "query": text,
            "offset": "",
            "chat_type": chat_type,
        }
        found.queue("inline_query", content, self.user_id)
        return query

    async def wait_for_results(self, query: InlineQuery, *, timeout: float = 20.0) -> dict[str, Any]:
        """Wait for the bot's answer. Returns: the parameters of answerInlineQuery."""
        await asyncio.wait_for(query.answered.wait(), timeout)
        assert query.answer is not None
        return query.answer

    def choose(
        self, query: InlineQuery, index: int = 0, *, group: Group | None = None, bot: Bot | str | None = None
    ) -> Message:
        """Send a result into a group, or into the private chat with the bot. The message names the bot (`via_bot`)."""
        found = self.world.bot(bot)
        results = (query.answer or {}).get("results", [])
        if index >= len(results):
            raise SandboxMisuse(f"the answer has {len(results)} results")
        file = self.world.files.find(results[index]["document_file_id"], found.bot_id)
        document = {
            "file_name": file.name,
            "mime_type": file.mime_type,
            **file.json(self.world.files.id_for(file, found.bot_id)),
        }
        text, entities = self.parsed(results[index].get("caption", ""))
        media = {"document": document, "via_bot": found.user()}
        return self._send(bot, group, text=text, entities=entities, media=media, file=file)
