"""``odobot announce``: send a message of the company to the chats that subscribed to its news."""

from pathlib import Path
from typing import Annotated

import typer

from bot.commands.common import LARGEST_ID, AsJson

commands = typer.Typer(no_args_is_help=True, help="Announcements of the company to the chats that subscribed to them.")

_Id = Annotated[int, typer.Argument(metavar="ID", min=1, max=LARGEST_ID)]


@commands.command("send")
def send(
    file: Annotated[Path, typer.Argument(help="A Markdown file with a part for each language: '# fr: Titre'.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Send it; without this, it is only shown, and the chats are counted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show an announcement and how many chats would get it; with --yes, queue it for them."""
    from bot.commands.announce_facts import send_file

    send_file(file, is_confirmed=yes, as_json=as_json)


@commands.command("resume")
def resume(number: _Id, as_json: AsJson = False) -> None:
    """Go on with an announcement whose command was interrupted; nobody gets it twice."""
    from bot.commands.announce_facts import resume_queuing

    resume_queuing(number, as_json=as_json)


@commands.command("cancel")
def cancel(number: _Id, as_json: AsJson = False) -> None:
    """Stop an announcement; what was sent stays in the chats."""
    from bot.commands.announce_facts import cancel_announcement

    cancel_announcement(number, as_json=as_json)


@commands.command("list")
def show_all(as_json: AsJson = False) -> None:
    """Show the newest announcements, and how many chats got each."""
    from bot.commands.announce_facts import list_announcements

    list_announcements(as_json=as_json)
