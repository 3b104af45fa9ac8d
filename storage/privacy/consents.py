"""Consents and their withdrawals: added with the change that they are about, and read as what is given now."""

import datetime
from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct
from sqlalchemy import func
from sqlmodel import col, select

from storage.database import Session
from storage.tables import Consent, PolicyVersion

WHOLE_CHAT: Sequence[int | None] = (None,)
"""The ``link_ids`` of a purpose that is about no account."""


class Wording(Struct, frozen=True):
    """The words that a person read before agreeing or withdrawing: a message id of the catalogues, and its language.

    ``language`` is None where the words were shown in both languages.
    """

    message: str
    language: str | None


class GivenConsent(Struct, frozen=True):
    """A consent that was not withdrawn since."""

    purpose: str
    link_id: int | None
    since: datetime.datetime


async def record(
    session: Session,
    chat_id: int,
    purposes: Iterable[str],
    link_ids: Sequence[int | None],
    wording: Wording,
    now: datetime.datetime,
    *,
    is_given: bool,
) -> None:
    """Record that a chat agreed to each purpose for each link, or withdrew (``is_given`` False).

    Call it in the transaction of the change itself. The chat's row must exist.

    Args:
        purposes: Each a ``ConsentPurpose`` or a subscription.
        link_ids: ``WHOLE_CHAT`` for a purpose that is about no account.
    """
    version = (await session.exec(select(func.max(PolicyVersion.version)))).first()
    for purpose in purposes:
        for link_id in link_ids:
            session.add(
                Consent(
                    chat_id=chat_id, link_id=link_id, purpose=purpose, is_given=is_given, recorded_at=now,
                    policy_version=version, message=wording.message, language=wording.language,
                )
            )  # fmt: skip


async def given(session: Session, chat_id: int) -> list[GivenConsent]:
    """Return what a chat agreed to and did not withdraw, the first consent first; also for links that are gone."""
    query = select(Consent).where(col(Consent.chat_id) == chat_id).order_by(col(Consent.consent_id))
    last: dict[tuple[str, int | None], GivenConsent | None] = {}
    for row in (await session.exec(query)).all():
        key = (row.purpose, row.link_id)
        if not row.is_given:
            last[key] = None
        elif last.get(key) is None:
            last[key] = GivenConsent(row.purpose, row.link_id, row.recorded_at)
    return [consent for consent in last.values() if consent is not None]


async def withdraw_all(
    session: Session,
    chat_id: int,
    wording: Wording,
    now: datetime.datetime,
    *,
    of_links: Collection[int] | None = None,
) -> None:
    """Record the withdrawal of everything that a chat agreed to, or of what it agreed to for some links."""
    for consent in await given(session, chat_id):
        if of_links is not None and consent.link_id not in of_links:
            continue
        await record(session, chat_id, [consent.purpose], [consent.link_id], wording, now, is_given=False)


async def last_word(session: Session, chat_id: int, purpose: str) -> bool | None:
    """Return whether a purpose of the whole chat was given last; False: withdrawn; None: there is no record."""
    query = select(Consent.is_given).where(col(Consent.chat_id) == chat_id, col(Consent.purpose) == purpose)
    return (await session.exec(query.order_by(col(Consent.consent_id).desc()).limit(1))).first()
