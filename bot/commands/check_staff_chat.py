"""Check the staff's forum: that it is one, private, and that the bot may manage its topics."""

from telegram import ChatMemberAdministrator
from telegram.error import TelegramError

from bot.commands.check_result import CheckResult
from bot.components import Components
from handlers.telegram.failures import classify

_NAME = "ODOBOT_SUPPORT_CHAT"


async def check_staff_chat(components: Components, staff_chat: int | None) -> list[CheckResult]:
    """Return one line about the chat and one about the bot's rights in it; an empty list without such a chat.

    Needs the initialized bot, which the check of the token leaves.
    """
    if staff_chat is None:
        return []
    bot = components.application.bot
    try:
        chat = await bot.get_chat(staff_chat)
    except TelegramError as error:
        return [CheckResult(_NAME, False, f"Telegram does not show the chat to the bot: {classify(error).reason}")]
    results = [_chat_result(is_forum=bool(chat.is_forum), is_public=bool(chat.username))]
    try:
        member = await bot.get_chat_member(staff_chat, bot.id)
    except TelegramError as error:
        return [*results, CheckResult(_NAME, False, f"the bot's rights are not known: {classify(error).reason}")]
    if not isinstance(member, ChatMemberAdministrator):
        return [*results, CheckResult(_NAME, False, "the bot is not an administrator: make it one who manages topics")]
    if not member.can_manage_topics:
        return [*results, CheckResult(_NAME, False, "the bot has no right to manage topics: give it this right")]
    return [*results, CheckResult(_NAME, True, "the bot is an administrator who may manage topics")]


def _chat_result(*, is_forum: bool, is_public: bool) -> CheckResult:
    if not is_forum:
        return CheckResult(_NAME, False, "the chat has no topics: turn them on in the group's settings")
    if is_public:
        return CheckResult(_NAME, False, "the group is public, so that anybody can read it: make it private")
    return CheckResult(_NAME, True, "the chat is a private forum")
