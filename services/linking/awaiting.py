"""A code that the person leaves, and that is awaited again when its address is given again."""

import datetime

from services.linking.code_results import Purpose
from storage import chats
from storage.chats import Awaiting
from storage.database import Session
from storage.linking import code_history, codes
from storage.tables import CodeState


async def leave(session: Session, chat_id: int, now: datetime.datetime) -> None:
    """Stop comparing texts with the chat's live code: the person was told that it is no longer awaited."""
    live = await code_history.newest_live(session, chat_id, now)
    if live is not None and live.code_id is not None:
        await codes.move(session, live.code_id, CodeState.LIVE, CodeState.LEFT)


async def await_again(session: Session, chat_id: int, email: str, purpose: Purpose, now: datetime.datetime) -> None:
    """Await the chat's code for this address, also one that was left: the person is told to look for its mail."""
    states = CodeState.LIVE, CodeState.LEFT
    last = await codes.latest(session, chat_id, *states, for_link=purpose.for_link, for_chat=purpose.for_chat)
    if last is not None and last.email == email and last.expires_at > now:
        await codes.move(session, last.code_id, CodeState.LEFT, CodeState.LIVE)
        await chats.set_awaiting(session, chat_id, Awaiting(purpose.awaited, last.expires_at, purpose.for_link), now)
