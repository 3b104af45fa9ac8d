"""The code of a moment ago is awaited again, when its address is given again before another one may be mailed."""

import datetime

from services.linking.code_results import Purpose
from storage import chats
from storage.chats import Awaiting
from storage.database import Session
from storage.linking import codes
from storage.tables import CodeState


async def await_again(session: Session, chat_id: int, email: str, purpose: Purpose, now: datetime.datetime) -> None:
    """Await the chat's live code for this address: the person is told to look for its mail."""
    last = await codes.latest(session, chat_id, CodeState.LIVE, for_link=purpose.for_link, for_chat=purpose.for_chat)
    if last is not None and last.email == email and last.expires_at > now:
        await chats.set_awaiting(session, chat_id, Awaiting(purpose.awaited, last.expires_at, purpose.for_link), now)
