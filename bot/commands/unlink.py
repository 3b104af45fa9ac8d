"""``odobot unlink`` and ``odobot lift-cap``: take access away, and let the owner of an address link again."""

from functools import partial
from typing import Annotated

import typer

from bot.commands.common import AsJson, change_as_operator, checked_address, loaded_settings, print_facts, usage_error
from services.clock import utc_now
from services.security import SecurityEvent
from storage.database import Session
from storage.health import keys
from storage.linking import access, links, proofs
from storage.notices import feed
from storage.tables import Channel, Kind

_LARGEST = 2**63 - 1


def unlink(
    email: Annotated[str | None, typer.Option(help="Unlink every chat linked through this address.")] = None,
    chat: Annotated[int | None, typer.Option(help="Unlink this chat.", min=-_LARGEST, max=_LARGEST)] = None,
    unreadable: Annotated[
        bool, typer.Option("--unreadable", help="Unlink every chat that no key of ODOBOT_SECRET_KEYS opens.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove the links of every chat of an address, of one chat, or of the chats that no key opens; exit 1 if none.

    The chats are told that their access ended, except those that no key opens.
    """
    if [email is not None, bool(chat), unreadable].count(True) != 1:
        raise usage_error("odobot unlink: give one of --email ADDRESS, --chat NUMBER and --unreadable")
    address = None if email is None else checked_address(email, "odobot unlink: --email")
    settings = loaded_settings()

    async def remove(session: Session) -> int:
        if unreadable:
            chats = await keys.unreadable_chats(session)
            return sum([await links.unlink(session, chat_id, utc_now()) for chat_id in chats])
        ended = await access.links_to_confirm(session, email=address, chat_id=chat)
        if address is not None:
            count = await links.unlink_email(session, address, utc_now())
        else:
            assert chat is not None
            await proofs.delete_proofs(session, chat_id=chat)
            count = await links.unlink(session, chat, utc_now())
        for link in ended:
            await _tell(session, link)
        return count

    removed = change_as_operator(settings, remove, SecurityEvent.UNLINKED, email=address, chat_id=chat)
    print_facts({"links_removed": removed}, [f"Links removed: {removed}"], as_json=as_json)
    if not removed:
        raise typer.Exit(1)


async def _tell(session: Session, link: access.LinkToConfirm) -> None:
    """Queue a notice that the link ended, for its chat."""
    now = utc_now()
    notice = feed.NewNotice(f"{Kind.ACCESS_ENDED}:{link.link_id}", Kind.ACCESS_ENDED, link.account_id, None, now)
    delivery = feed.NewDelivery(Channel.TELEGRAM, link.chat_id, link.link_id, now, link.account_name)
    await feed.record(session, notice, [delivery])


def lift_cap(
    email: Annotated[str, typer.Option(help="The address that gets long codes, after too many wrong ones.")],
    as_json: AsJson = False,
) -> None:
    """Reset the count of wrong codes of an address, so that its next codes are short."""
    address = checked_address(email, "odobot lift-cap: --email")
    settings = loaded_settings()
    lift = partial(proofs.lift_cap, email=address)
    forgotten = change_as_operator(settings, lift, SecurityEvent.CAP_LIFTED, email=address)
    print_facts({"wrong_codes_forgotten": forgotten}, [f"Wrong codes forgotten: {forgotten}"], as_json=as_json)
