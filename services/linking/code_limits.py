"""Limits of code requests and of guesses, per chat and per address.

The limits bound the probability of a successful guess. A short code has 10^6 values, so each compared guess succeeds
with a probability of 10^-6. Of chats that never proved an address, at most ``WRONG_A_DAY`` short guesses a day are
compared (2.5·10^-5 a day), and ``WRONG_IN_ALL`` until a right code or the operator lifts the cap (10^-4 in total).
Chats that once proved it share ``PROVEN_WRONG_A_DAY`` more, up to ``PROVEN_WRONG_IN_ALL`` (3·10^-4). Beyond that the
address's codes have eight characters, about 10^12 values, so that its owner can still link during an attack.
"""

import datetime
from collections.abc import Iterable, Sequence
from math import ceil

from msgspec import Struct

from storage.linking.code_history import CodeRequest, History

HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
HISTORY_SPAN = datetime.timedelta(hours=25)
"""How long requests are counted: a day, and an hour in case the clock is set back."""
RESEND_AFTER = datetime.timedelta(seconds=60)
"""Minimum time between two codes for one address in one chat."""
ATTEMPTS = 5
"""Attempts for one code."""
COPY_ATTEMPTS = 3
"""Attempts for one bookkeeper's code, which is valid for longer. Their number bounds the chance of a guess, not the
time: of the ``COPY_CODES_OF_CHAT_A_DAY`` codes of a chat at most 18 guesses are compared; other limits hold too."""
CODES_AN_HOUR = 5
"""Codes mailed for one chat in an hour."""
REQUESTS_AN_HOUR = 10
"""Requests of a chat in an hour, failed ones included."""
REQUESTS_A_DAY = 25
WRONG_OF_CHAT_A_DAY = 20
WRONG_A_DAY = 25
"""Wrong codes of an address in a day, over all chats that never proved it; then its codes are long."""
WRONG_IN_ALL = 100
"""Wrong codes of an address since the last right one; then its codes are long until the next right one."""
PROVEN_WRONG_A_DAY = 20
"""Wrong codes of an address in a day, over all chats that were linked through it."""
PROVEN_WRONG_IN_ALL = 300
PROVEN_MAILS_A_DAY = 10
"""Mails with short codes in a day, over all chats that were linked through the address."""
SHORT_MAILS_AN_HOUR = 5
SHORT_MAILS_A_DAY = 15
LONG_MAILS_AN_HOUR = 12
LONG_MAILS_A_DAY = 30
LONG_MAIL_GAP = datetime.timedelta(minutes=90)
"""Minimum time between two mails to an address that reached a limit of long mails."""
SHORT_MINUTES = 10
LONG_MINUTES = 120
COPY_MINUTES = 24 * 60
"""A bookkeeper may read mail hours later, and passes the code on."""
_MIN_TIME_LEFT = datetime.timedelta(minutes=LONG_MINUTES) - LONG_MAIL_GAP
"""A long code with more time left was mailed less than ``LONG_MAIL_GAP`` ago, and is used in place of another mail."""
COPY_CODES_OF_LINK_A_DAY = 3
COPY_CODES_OF_CHAT_A_DAY = 6
COPY_CODES_TO_ADDRESS_A_DAY = 3
"""Codes mailed to one bookkeeper in a day, over all chats: the address is not proven yet."""
COPY_CODES_A_DAY = 500
"""Codes mailed to bookkeepers in a day, over all chats and addresses."""
REVOKE_CODES_OF_CHAT_A_DAY = 5
UNUSUAL_CHATS = 3
UNUSUAL_WRONG = 8
"""The owner of an address is warned from this number of unproven chats, or of wrong codes, in a day on."""
WARNING_GAP = DAY
"""Minimum time between two warnings to the owner of an address."""


class TooSoon(Struct, frozen=True):
    """The chat may request another code in ``seconds``, 1 to 60."""

    seconds: int


class TooOften(Struct, frozen=True):
    """A limit allows no code before ``until``. ``cap`` names it for the security log."""

    until: datetime.datetime
    cap: str


class CodeGrant(Struct, frozen=True):
    """The chat may request a code. Without ``is_mailed``, it uses a long code that was mailed before."""

    is_long: bool
    is_mailed: bool


def check_request_limits(history: History, now: datetime.datetime) -> CodeGrant | TooSoon | TooOften:
    """Decide whether a chat may request a code for an address, and which kind of code.

    Args:
        history: The requests of the chat, and those for the address, of the last ``HISTORY_SPAN``.
    """
    own = [each for each in history.requests if each.is_own]
    if refused := _check_chat_limits(own, now):
        return refused
    latest = max((each.asked_at for each in own if each.is_same_address and each.is_counted), default=None)
    # A request in the future was stored before the clock was set back; it is ignored.
    if latest is not None and datetime.timedelta() <= now - latest < RESEND_AFTER:
        return TooSoon(ceil((latest + RESEND_AFTER - now).total_seconds()))
    if not _needs_long_code(history, now):
        return CodeGrant(is_long=False, is_mailed=True)
    mails = _mailed_requests(history)
    if _count_since(mails, now - HOUR) < LONG_MAILS_AN_HOUR and _count_since(mails, now - DAY) < LONG_MAILS_A_DAY:
        return CodeGrant(is_long=True, is_mailed=True)
    # Used and withdrawn codes have expired; codes for copies and revocations do not serve for linking.
    is_reusable = any(
        each.is_long and each.for_link is None and each.for_chat is None and each.expires_at - now > _MIN_TIME_LEFT
        for each in mails
    )
    return CodeGrant(is_long=True, is_mailed=not is_reusable)


def _needs_long_code(history: History, now: datetime.datetime) -> bool:
    """Return whether the requests or wrong codes for the address exceed the limits of short codes.

    Chats that were once linked through the address have separate limits, which other chats cannot use up.
    """
    if not may_compare_short(history, now):
        return True
    mails = _mailed_requests(history)
    if history.is_proven:
        return _count_since((each for each in mails if each.is_by_proven), now - DAY) >= PROVEN_MAILS_A_DAY
    return _count_since(mails, now - HOUR) >= SHORT_MAILS_AN_HOUR or _count_since(mails, now - DAY) >= SHORT_MAILS_A_DAY


def may_compare_short(history: History, now: datetime.datetime) -> bool:
    """Return whether one more short code of the address may be compared in this chat."""
    of_address = [each for each in history.requests if each.is_same_address]
    proven = _wrong_codes_since((each for each in of_address if each.is_by_proven), now - DAY)
    if history.is_proven:
        return history.wrong_codes < PROVEN_WRONG_IN_ALL and proven < PROVEN_WRONG_A_DAY
    return history.wrong_codes < WRONG_IN_ALL and _wrong_codes_since(of_address, now - DAY) - proven < WRONG_A_DAY


def check_revoke_limits(history: History, now: datetime.datetime) -> TooOften | None:
    """Check the limit of codes that a chat requests to revoke other chats. Returns: None if it is kept."""
    times = [each.asked_at for each in history.requests if each.is_own and each.for_chat is not None]
    return _daily_limit(times, REVOKE_CODES_OF_CHAT_A_DAY, now, "revoke_codes_of_chat_a_day")


def _mailed_requests(history: History) -> list[CodeRequest]:
    """Return the requests that were mailed to the address."""
    return [each for each in history.requests if each.is_same_address and each.is_counted and each.is_mailed]


def _daily_limit(times: Sequence[datetime.datetime], limit: int, now: datetime.datetime, cap: str) -> TooOften | None:
    """Check a limit of ``limit`` requests in a day. Returns: None if it is kept."""
    today = [at for at in times if at > now - DAY]
    return TooOften(today[-limit] + DAY, cap) if len(today) >= limit else None


def check_copy_limits(history: History, for_link: int, overall: int, now: datetime.datetime) -> TooOften | None:
    """Check the limits of codes to bookkeepers: per link, per chat, per bookkeeper's address, and in total.

    Args:
        for_link: The link whose bookkeeper's copy the code is for.
        overall: Number of such requests in the last day, over all chats.

    Returns:
        None if all limits are kept.
    """
    if overall >= COPY_CODES_A_DAY:
        return TooOften(now + HOUR, "copy_codes_a_day")
    copies = [each for each in history.requests if each.for_link is not None]
    of_link = [each.asked_at for each in copies if each.is_own and each.for_link == for_link]
    of_chat = [each.asked_at for each in copies if each.is_own]
    to_address = [each.asked_at for each in copies if each.is_same_address]
    return (
        _daily_limit(of_link, COPY_CODES_OF_LINK_A_DAY, now, "copy_codes_of_link_a_day")
        or _daily_limit(of_chat, COPY_CODES_OF_CHAT_A_DAY, now, "copy_codes_of_chat_a_day")
        or _daily_limit(to_address, COPY_CODES_TO_ADDRESS_A_DAY, now, "copy_codes_to_address_a_day")
    )


def check_wrong_codes(history: History, now: datetime.datetime) -> TooOften | None:
    """Check the limit of wrong codes that a chat types in a day. Returns: None if it is kept."""
    own = [each for each in history.requests if each.is_own]
    if _wrong_codes_since(own, now - DAY) < WRONG_OF_CHAT_A_DAY:
        return None
    left = sum(each.wrong for each in own if each.asked_at > now - DAY)
    for each in own:
        if each.asked_at > now - DAY:
            left -= each.wrong
            if left < WRONG_OF_CHAT_A_DAY:
                return TooOften(each.asked_at + DAY, "wrong_codes_of_chat")
    return None


def is_unusual(history: History, now: datetime.datetime) -> bool:
    """Return whether the owner of the address is to be warned: see ``UNUSUAL_CHATS`` and ``UNUSUAL_WRONG``."""
    today = [each for each in history.requests if each.is_same_address and each.asked_at > now - DAY]
    strangers = {each.asker for each in today if not each.is_by_proven}
    return len(strangers) >= UNUSUAL_CHATS or sum(each.wrong for each in today) >= UNUSUAL_WRONG


def _check_chat_limits(own: Sequence[CodeRequest], now: datetime.datetime) -> TooOften | None:
    history = History(tuple(own), 0, is_proven=False)
    if capped := check_wrong_codes(history, now):
        return capped
    counted = [each.asked_at for each in own if each.is_counted and each.asked_at > now - HOUR]
    if len(counted) >= CODES_AN_HOUR:
        return TooOften(counted[-CODES_AN_HOUR] + HOUR, "codes_of_chat_an_hour")
    for span, limit, cap in (
        (HOUR, REQUESTS_AN_HOUR, "requests_of_chat_an_hour"),
        (DAY, REQUESTS_A_DAY, "requests_of_chat_a_day"),
    ):
        times = [each.asked_at for each in own if each.asked_at > now - span]
        if len(times) >= limit:
            return TooOften(times[-limit] + span, cap)
    return None


def _count_since(requests: Iterable[CodeRequest], since: datetime.datetime) -> int:
    return sum(each.asked_at > since for each in requests)


def _wrong_codes_since(requests: Iterable[CodeRequest], since: datetime.datetime) -> int:
    return sum(each.wrong for each in requests if each.asked_at > since)
