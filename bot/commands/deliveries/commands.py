"""The command line of ``odobot deliveries``. What the commands do is imported when they run: the bot starts faster."""

from typing import Annotated

import typer

from bot.commands.common import AsJson, usage_error
from storage.tables import State

commands = typer.Typer(help="List deliveries, explain one, queue some again, or cancel some.")

_LARGEST = 2**63 - 1
Id = Annotated[int, typer.Argument(min=1, max=_LARGEST, metavar="ID", help="The delivery's number.")]
Ids = Annotated[list[int], typer.Argument(min=1, max=_LARGEST, metavar="ID...", help="The deliveries' numbers.")]


@commands.callback(invoke_without_command=True)
def list_deliveries(
    context: typer.Context,
    state: Annotated[list[State] | None, typer.Option(help="In this state; may be given several times.")] = None,
    account: Annotated[str, typer.Option(help="Of the account with this id at the portal.")] = "",
    number: Annotated[str, typer.Option(help="About the order or invoice with this number.")] = "",
    day: Annotated[str, typer.Option(help="Settled on this day, else due on it: 2026-11-27, in ODOBOT_TIMEZONE.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The largest number to list, the newest.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest deliveries of a choice; exit 1 if there are none."""
    if (command := context.invoked_subcommand) is not None:
        if state or account or number or day or as_json:
            raise usage_error(
                f"odobot deliveries: options of the list do not go with {command}, its own come behind it"
            )
        return
    from bot.commands.deliveries.listing import show_list

    show_list(tuple(state or ()), account, number, day, limit, as_json=as_json)


@commands.command("explain")
def explain(delivery_id: Id, as_json: AsJson = False) -> None:
    """Show all that is stored about a delivery, what its state means, and what happens next."""
    from bot.commands.deliveries.listing import show_explained

    show_explained(delivery_id, as_json=as_json)


@commands.command("retry")
def retry(ids: Ids, as_json: AsJson = False) -> None:
    """Queue deliveries again that were blocked, given up, or wait for another attempt; exit 1 if one is refused."""
    from bot.commands.deliveries.changes import RETRY, change

    change(RETRY, ids, as_json=as_json)


@commands.command("cancel")
def cancel(ids: Ids, as_json: AsJson = False) -> None:
    """Cancel deliveries that wait (queued, retry); exit 1 if one is refused."""
    from bot.commands.deliveries.changes import CANCEL, change

    change(CANCEL, ids, as_json=as_json)
