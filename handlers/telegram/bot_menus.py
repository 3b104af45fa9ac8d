"""The bot's command menus and descriptions, in each language."""

import asyncio

import structlog
from telegram import Bot
from telegram.error import TelegramError

from handlers.commands import menu
from services.company import Company
from texts.catalogue import texts_in
from texts.language import Language

log = structlog.get_logger()


async def set_menus(bot: Bot, company: Company, *, after: float = 0.0) -> None:
    """Set the menus and descriptions that differ from Telegram's; log a failure, which stops nothing.

    Args:
        after: Seconds to wait before: people who wrote during a start wait for their answers.
    """
    await asyncio.sleep(after)
    try:
        for language_code, language in (
            ("", company.language),
            *((language.value, language) for language in Language.offered()),
        ):
            await _set_language(bot, language_code or None, language, company)
    except TelegramError as error:
        log.warning("telegram.menus_not_set", error=type(error).__name__)


async def _set_language(bot: Bot, code: str | None, language: Language, company: Company) -> None:
    t = texts_in(language)
    commands = menu(language, company.features)
    if list(await bot.get_my_commands(language_code=code)) != commands:
        await bot.set_my_commands(commands, language_code=code)
    description = t("bot.description", company=company.name)
    if (await bot.get_my_description(language_code=code)).description != description:
        await bot.set_my_description(description, language_code=code)
    short = t("bot.short_description", company=company.name)
    if (await bot.get_my_short_description(language_code=code)).short_description != short:
        await bot.set_my_short_description(short, language_code=code)
