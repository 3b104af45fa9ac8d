"""Check the operator's chat: that it is private, and that the bot may write there."""

from telegram.constants import ChatAction
from telegram.error import TelegramError

from bot.commands.check_result import CheckResult
from bot.components import Components
from handlers.telegram.failures import FailureKind, classify

_NAME = "ODOBOT_OPERATOR_CHAT"
_REMEDIES = {
    FailureKind.BLOCKED: "the bot may not write there: let it into the group, or start it again in your own chat",
    FailureKind.UNKNOWN_CHAT: "the bot does not know the chat: start the bot there, or add it to the group",
    FailureKind.MIGRATED: "the group has become a supergroup: set the new id",
}


async def check_operator_chat(components: Components, chat_id: int | None) -> list[CheckResult]:
    """Return one line about the chat; an empty list without such a chat. Nothing is sent that stays.

    Needs the initialized bot, which the check of the token leaves.
    """
    if chat_id is None:
        return []
    bot = components.application.bot
    try:
        chat = await bot.get_chat(chat_id)
        # A member may be forbidden to write: only a request to write tells.
        await bot.send_chat_action(chat_id, ChatAction.TYPING)
    except TelegramError as error:
        failure = classify(error)
        remedy = _REMEDIES.get(failure.kind, f"the bot cannot write there: {failure.reason}")
        return [CheckResult(_NAME, False, f"{remedy} {failure.new_chat_id}" if failure.new_chat_id else remedy)]
    if chat.username and chat_id < 0:
        return [CheckResult(_NAME, True, "the group is public, so that anybody can read the alerts", is_warning=True)]
    return [CheckResult(_NAME, True, "the bot may write there")]
