"""``odobot customers``: find the chats of a customer, with what they asked for."""

from typing import Annotated

import typer

from bot.commands.common import AsJson

commands = typer.Typer(no_args_is_help=True, help="Find a customer's chats.")


@commands.callback()
def _group() -> None:
    """Find a customer's chats."""  # one command alone would be the group itself


@commands.command("find")
def find(
    wanted: Annotated[
        str, typer.Argument(metavar="ADDRESS_OR_ACCOUNT", help="An email address, or an account's id at the portal.")
    ],
    as_json: AsJson = False,
) -> None:
    """Show the chats linked through an address or to an account: links, wishes, last use; exit 1 if there are none.

    Names, addresses and texts are not shown: the portal has the person behind a contact's id.
    """
    from bot.commands.customer_facts import show_found

    show_found(wanted, as_json=as_json)
