"""Texts in a chat of several accounts that name one or more of them: which accounts, and what is asked about each."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from handlers import actions
from handlers.actions import AccountAction, Action, letter_of
from handlers.context import Context
from handlers.screens import questions as screens
from handlers.screens.screen import Screen
from handlers.text_actions import retry_of
from services.features import Feature
from services.understanding.account_names import accounts_in, asks_nothing_else
from storage.chats import LinkState


class NamedLinks(Struct, frozen=True):
    """The links of the accounts that a text names, at least one, and the text without the names."""

    links: tuple[LinkState, ...]
    rest: str


async def links_named(context: Context, text: str) -> NamedLinks | None:
    """Return the chat's accounts that a text names, also the current one; None for none, and in a chat of one."""
    own = {link.account_id: link for link in reversed(context.chat.links)}  # of two links of an account, the first
    if len(own) < 2 or Feature.QUESTIONS not in context.features or not any(c.isalpha() for c in text):
        return None
    links = [link for link in context.chat.links if own[link.account_id] is link]
    names = [link.account_name for link in links]
    named = await asyncio.to_thread(accounts_in, text, names, context.services.company.name)
    return NamedLinks(tuple(links[at] for at in named.accounts), named.rest) if named else None


def is_choice(named: NamedLinks) -> bool:
    """Return whether a text only says which account: ``passons à North Shore``."""
    return asks_nothing_else(named.rest)


def of_account(link: LinkState, result: Action | Screen) -> Action | Screen:
    """Return what is requested about an account, of an action about all accounts or about none."""
    match result:
        case actions.Start():
            return actions.ChooseAccount(link.link_id)
        case actions.ShowNotices():
            return actions.ShowSubscriptions(link.link_id)
        case actions.Unlink() | actions.Forget():  # "erase the account of Laflamme": not the whole conversation
            return actions.Unlink(link=link.link_id)
    return result


def one_of(context: Context, results: Sequence[tuple[LinkState, Action | Screen]]) -> Action | Screen:
    """Return the only result, or the screen that asks for the account that is meant."""
    _, first = results[0]
    is_about_none = isinstance(first, Action) and not isinstance(first, AccountAction)
    if len(results) == 1 or (is_about_none and all(result == first for _, result in results)):
        return first
    return screens.which_account(context.t, [(link, _button_action(link, result)) for link, result in results])


def _button_action(link: LinkState, result: Action | Screen) -> Action:
    """Return the action of a button; the choice of the account where no button carries what is requested."""
    action = retry_of(result) if isinstance(result, Action) else None
    return action if action is not None and letter_of(type(action)) else actions.ChooseAccount(link.link_id)
