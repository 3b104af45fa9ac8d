"""Stops and pauses a bookkeeper's copies: the token in each mail, and what happens when it is used."""

import datetime
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.errors import MessageError
from email.header import decode_header, make_header
from urllib.parse import unquote

from services.concurrency.uninterrupted import run_to_completion
from storage.database import Database, Session
from storage.notices import bookkeeper_copies, cancellation, feed, stop_mails
from storage.notices.bookkeeper_copies import BookkeeperCopy, CopyOfAddress
from storage.notices.feed import NewDelivery, NewNotice
from storage.privacy import consents
from storage.privacy.consents import Wording
from storage.tables import Channel, ConsentPurpose, Kind
from storage.vault import Vault
from texts.catalogue import message_id

_PURPOSE = "unsubscribe"
_STOP_WORDING = Wording(message_id("stop.ask"), None)
"""What a bookkeeper reads before stopping the copies, on a page in both languages."""
# Words in a mail header have at most 900 characters (mail/message.py); URL and token are one word.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{100,900}")
_LONGEST_HEADER = 10_000
"""Characters of a header that may hold encoded words: of a token, each character encoded takes 4,000."""
_OLD_TOKEN = re.compile(r"([0-9]{1,15})\.([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class StopRequest:
    """The content of a token: stop the copies of an account's invoices to an address (normal form)."""

    account_id: str = field(repr=False)
    email: str = field(repr=False)


async def token_vault(database: Database, now: datetime.datetime) -> Vault:
    """Return the vault for tokens. Its key is stored, sealed, so that tokens in old mails outlive ``rotate-keys``."""
    async with database.read() as session:
        key = await stop_mails.find_key(session, _PURPOSE)
    if key is None:
        async with database.write() as session:
            key = await stop_mails.find_or_create_key(session, _PURPOSE, now)
    return Vault([key])


def make_stop_token(vault: Vault, copy: BookkeeperCopy) -> str:
    """Make the token that stops a copy: account and address, sealed.

    It needs no database row of its own, and is still valid when the copy was stopped and set up again.

    Args:
        vault: From ``token_vault``.

    Returns:
        URL-safe base64 without padding, also valid in a ``mailto:`` subject.
    """
    # The purpose distinguishes it from everything else that is sealed under the same keys.
    sealed = vault.seal(json.dumps([_PURPOSE, copy.account_id, copy.email], ensure_ascii=False))
    return sealed.rstrip("=")


async def open_stop_token(database: Database, token: str) -> StopRequest | None:
    """Decrypt a token from a mail. Seals and hashes are compared in constant time.

    Returns:
        ``None`` for a token that is forged or truncated, for one of an earlier version that is sealed under a retired
        key, and for one of the oldest form ``copy_id.hash`` whose copy does not exist.
    """
    if old := _OLD_TOKEN.fullmatch(token):
        return await _open_old_token(database, int(old[1]), old[2])
    if not _TOKEN.fullmatch(token):
        return None
    async with database.read() as session:
        key = await stop_mails.find_key(session, _PURPOSE)
    sealed = token + "=" * (-len(token) % 4)
    for vault in (*([Vault([key])] if key else []), database.vault):
        if (opened := vault.open_or_none(sealed)) is not None:
            return _parse(opened)
    return None


def _parse(opened: str) -> StopRequest | None:
    try:
        parts = json.loads(opened)
    except ValueError:
        return None
    match parts:
        case [str(purpose), str(account_id), str(email)] if purpose == _PURPOSE:
            return StopRequest(account_id, email)
    return None


async def _open_old_token(database: Database, copy_id: int, known: str) -> StopRequest | None:
    """Check a token of an earlier version: it names a copy, and is valid while that exists. Ids are never reused."""
    async with database.read() as session:
        copy = await bookkeeper_copies.find(session, copy_id)
    if copy is None or not database.vault.matches(_PURPOSE, f"{copy.copy_id}:{copy.email}", known):
        return None
    return StopRequest(copy.account_id, copy.email)


async def stop(database: Database, request: StopRequest, now: datetime.datetime) -> int:
    """Stop every matching copy, cancel its waiting mails, and queue one notice per chat.

    Returns:
        Number of stopped copies; 0 where there was none.
    """
    return await run_to_completion(_stop(database, request, now))


async def _stop(database: Database, request: StopRequest, now: datetime.datetime) -> int:
    async with database.write() as session:
        stopped = await bookkeeper_copies.stop_for_address(session, request.account_id, request.email)
        for each in stopped:
            purposes, of_link = [ConsentPurpose.COPY], [each.link_id]
            await consents.record(session, each.chat_id, purposes, of_link, _STOP_WORDING, now, is_given=False)
        await _notify(session, Kind.COPY_STOPPED, request.account_id, None, stopped, now)
    return len(stopped)


async def pause(database: Database, request: StopRequest, number: str | None, now: datetime.datetime) -> int:
    """Pause every matching copy that is not paused, cancel its waiting mails, and queue one notice per chat.

    Args:
        number: The invoice whose mail showed that the address takes none; None if it is not known.

    Returns:
        Number of paused copies.
    """
    return await run_to_completion(_pause(database, request, number, now))


async def _pause(database: Database, request: StopRequest, number: str | None, now: datetime.datetime) -> int:
    async with database.write() as session:
        paused = await bookkeeper_copies.pause_for_address(session, request.account_id, request.email, now)
        await _notify(session, Kind.COPY_PAUSED, request.account_id, number, paused, now)
    return len(paused)


async def _notify(
    session: Session,
    kind: Kind,
    account_id: str,
    number: str | None,
    changed: Sequence[CopyOfAddress],
    now: datetime.datetime,
) -> None:
    """Cancel the waiting mails of stopped or paused copies, and queue one notice to each chat."""
    if not changed:
        return
    await cancellation.cancel_for_copies(session, [each.copy_id for each in changed], now, kind)
    # A chat that is linked through two addresses may have a copy on each link, and gets one notice.
    deliveries = {each.chat_id: NewDelivery(Channel.TELEGRAM, each.chat_id, each.link_id, now) for each in changed}
    # A copy is stopped or paused once: one that is confirmed anew has another id.
    notice = NewNotice(f"{kind}:{changed[0].copy_id}", kind, account_id, number, now)
    await feed.record(session, notice, list(deliveries.values()))


def tokens_in(text: str) -> list[str]:
    """Return what may be a token in the subject of a mail, in a whole mail, or in a link.

    Mail programs fold and encode long subjects, and may break a token in two.
    """
    text = re.sub(r"(?<!\?)=\r?\n", "", text)  # the soft line breaks of quoted-printable; "?=" ends an encoded word
    candidates: list[str] = []
    for fold in (" ", ""):
        for line in re.sub(r"\r?\n[ \t]+", fold, text).splitlines():
            shown = unquote(decoded_header(line))
            candidates += re.findall(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{100,900}(?![A-Za-z0-9_-])", shown)
            candidates += re.findall(r"\b[0-9]{1,15}\.[0-9a-f]{64}\b", shown)
            if broken := re.search(r"\bstop\b(.{100,})", shown, re.IGNORECASE):
                candidates.append(re.sub(r"[^A-Za-z0-9_.-]", "", broken[1]))
    return list(dict.fromkeys(candidates))


def decoded_header(line: str) -> str:
    """Return a header line with its encoded words (RFC 2047) decoded; unchanged if there are none, or it is too long.

    A line of 1 MiB of encoded words took 6 s.
    """
    if "=?" not in line or len(line) > _LONGEST_HEADER:
        return line
    try:
        return str(make_header(decode_header(line)))
    except (LookupError, ValueError, MessageError):
        return line
