"""How often codes may be asked for and guessed, per chat and per address.

The figures are chosen so that guessing does not pay. A short code has 10^6 values, so one compared guess succeeds with
a probability of 10^-6. Of chats that never proved an address, at most ``WRONG_A_DAY`` short guesses a day are compared
(2.5·10^-5 a day), and ``WRONG_IN_ALL`` until a right code or the operator lifts the cap (10^-4 in all); chats that
proved it at some time share ``PROVEN_WRONG_A_DAY`` more, until ``PROVEN_WRONG_IN_ALL`` (3·10^-4). Beyond that the
address's codes have eight characters, about 10^12 values, so that its owner can still link while others try.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from storage.linking.code_history import CodeRequest, History

HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
COUNTED = datetime.timedelta(hours=25)
"""How long requests are kept: a day, and an hour for a clock that was put back."""
RESEND_AFTER = datetime.timedelta(seconds=60)
"""Between two codes for one address in one chat."""
ATTEMPTS = 5
"""Guesses at one code."""
CODES_AN_HOUR = 5
"""Codes that a chat may have mailed in an hour."""
REQUESTS_AN_HOUR = 10
"""Requests of a chat in an hour, those that failed included."""
REQUESTS_A_DAY = 25
WRONG_OF_CHAT_A_DAY = 20
WRONG_A_DAY = 25
"""Wrong codes of an address in a day, over all chats; then its codes are long."""
WRONG_IN_ALL = 100
"""Wrong codes of an address since the last right one; then its codes are long until one is right."""
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
"""Between two mails to an address whose mails of the hour or the day are used up."""
SHORT_MINUTES = 10
LONG_MINUTES = 120
_LONG_LEFT = datetime.timedelta(minutes=LONG_MINUTES) - LONG_MAIL_GAP
"""A long code that is good for longer than this was mailed within the gap: it is taken instead of another mail."""
COPY_CODES_OF_LINK_A_DAY = 3
COPY_CODES_OF_CHAT_A_DAY = 6
COPY_CODES_TO_ADDRESS_A_DAY = 3
"""Codes mailed to one bookkeeper in a day, over all chats: nobody proved that address yet."""
COPY_CODES_A_DAY = 500
"""Codes mailed to bookkeepers in a day, over all chats and addresses."""
REVOKE_CODES_OF_CHAT_A_DAY = 5
UNUSUAL_CHATS = 3
UNUSUAL_WRONG = 8
"""From so many strange chats, or wrong codes, in a day on, the owner is warned."""
WARN_AGAIN = DAY


@dataclass(frozen=True, slots=True)
class TooSoon:
    """Another code may be asked for in ``seconds``, 1 to 60."""

    seconds: int


@dataclass(frozen=True, slots=True)
class TooOften:
    """No more codes before ``until``. ``cap`` names the limit, for the security log."""

    until: datetime.datetime
    cap: str


@dataclass(frozen=True, slots=True)
class Granted:
    """A code may be asked for: a long one where ``is_long``, without another mail where not ``is_mailed``."""

    is_long: bool
    is_mailed: bool


def decide(history: History, now: datetime.datetime) -> Granted | TooSoon | TooOften:
    """Whether a chat may ask for a code for an address, and which kind of code it gets.

    Args:
        history: all requests of the chat, and all for the address, of the last ``COUNTED``.
    """
    own = [each for each in history.requests if each.is_own]
    if refused := _chat_limits(own, now):
        return refused
    latest = max((each.asked_at for each in own if each.is_same_address and each.is_counted), default=None)
    # A request in the future was written before the clock was put back; it delays nobody.
    if latest is not None and datetime.timedelta() <= now - latest < RESEND_AFTER:
        return TooSoon(ceil((latest + RESEND_AFTER - now).total_seconds()))
    if not is_long_wanted(history, now):
        return Granted(is_long=False, is_mailed=True)
    mails = _mails(history)
    if _count_since(mails, now - HOUR) < LONG_MAILS_AN_HOUR and _count_since(mails, now - DAY) < LONG_MAILS_A_DAY:
        return Granted(is_long=True, is_mailed=True)
    # What was used or withdrawn has expired; codes for copies and revocations are of no use to anybody else.
    in_use = any(
        each.is_long and each.for_link is None and each.for_chat is None and each.expires_at - now > _LONG_LEFT
        for each in mails
    )
    return Granted(is_long=True, is_mailed=not in_use)


def is_long_wanted(history: History, now: datetime.datetime) -> bool:
    """Whether chats asked so often, or guessed so much, that the address's codes are long.

    Chats that were linked through the address before have a budget of their own, which strangers cannot use up.
    """
    if not may_compare_short(history, now):
        return True
    mails = _mails(history)
    if history.is_proven:
        return _count_since((each for each in mails if each.is_by_proven), now - DAY) >= PROVEN_MAILS_A_DAY
    return _count_since(mails, now - HOUR) >= SHORT_MAILS_AN_HOUR or _count_since(mails, now - DAY) >= SHORT_MAILS_A_DAY


def may_compare_short(history: History, now: datetime.datetime) -> bool:
    """Whether one more short code of the address may be compared in this chat."""
    of_address = [each for each in history.requests if each.is_same_address]
    proven = _wrong_since((each for each in of_address if each.is_by_proven), now - DAY)
    if history.is_proven:
        return history.wrong_codes < PROVEN_WRONG_IN_ALL and proven < PROVEN_WRONG_A_DAY
    return history.wrong_codes < WRONG_IN_ALL and _wrong_since(of_address, now - DAY) - proven < WRONG_A_DAY


def revoke_limits(history: History, now: datetime.datetime) -> TooOften | None:
    """The end of the wait of a chat that asked for too many codes to revoke others."""
    asked = [each.asked_at for each in history.requests if each.is_own and each.for_chat is not None]
    return _over(asked, REVOKE_CODES_OF_CHAT_A_DAY, now, "revoke_codes_of_chat_a_day")


def _mails(history: History) -> list[CodeRequest]:
    """The requests that were mailed to the address."""
    return [each for each in history.requests if each.is_same_address and each.is_counted and each.is_mailed]


def _over(asked: Sequence[datetime.datetime], most: int, now: datetime.datetime, cap: str) -> TooOften | None:
    """The end of the wait after ``most`` requests in a day."""
    today = [at for at in asked if at > now - DAY]
    return TooOften(today[-most] + DAY, cap) if len(today) >= most else None


def copy_limits(history: History, for_link: int, overall: int, now: datetime.datetime) -> TooOften | None:
    """The end of the wait where too many codes to bookkeepers were asked for.

    By a link, by its chat, to the bookkeeper's address by whomever, or by all chats together.

    Args:
        overall: how many were asked for in the last day, over all chats.
    """
    if overall >= COPY_CODES_A_DAY:
        return TooOften(now + HOUR, "copy_codes_a_day")
    copies = [each for each in history.requests if each.for_link is not None]
    of_link = [each.asked_at for each in copies if each.is_own and each.for_link == for_link]
    of_chat = [each.asked_at for each in copies if each.is_own]
    to_address = [each.asked_at for each in copies if each.is_same_address]
    return (
        _over(of_link, COPY_CODES_OF_LINK_A_DAY, now, "copy_codes_of_link_a_day")
        or _over(of_chat, COPY_CODES_OF_CHAT_A_DAY, now, "copy_codes_of_chat_a_day")
        or _over(to_address, COPY_CODES_TO_ADDRESS_A_DAY, now, "copy_codes_to_address_a_day")
    )


def chat_cap(history: History, now: datetime.datetime) -> TooOften | None:
    """The end of the wait of a chat that typed too many wrong codes; ``None`` where it did not."""
    own = [each for each in history.requests if each.is_own]
    if _wrong_since(own, now - DAY) < WRONG_OF_CHAT_A_DAY:
        return None
    left = sum(each.wrong for each in own if each.asked_at > now - DAY)
    for each in own:
        if each.asked_at > now - DAY:
            left -= each.wrong
            if left < WRONG_OF_CHAT_A_DAY:
                return TooOften(each.asked_at + DAY, "wrong_codes_of_chat")
    return None


def is_unusual(history: History, now: datetime.datetime) -> bool:
    """Whether so many strange chats asked for the address, or so many codes were wrong, that its owner is told."""
    today = [each for each in history.requests if each.is_same_address and each.asked_at > now - DAY]
    strangers = {each.asker for each in today if not each.is_by_proven}
    return len(strangers) >= UNUSUAL_CHATS or sum(each.wrong for each in today) >= UNUSUAL_WRONG


def _chat_limits(own: Sequence[CodeRequest], now: datetime.datetime) -> TooOften | None:
    history = History(tuple(own), 0, is_proven=False)
    if capped := chat_cap(history, now):
        return capped
    counted = [each.asked_at for each in own if each.is_counted and each.asked_at > now - HOUR]
    if len(counted) >= CODES_AN_HOUR:
        return TooOften(counted[-CODES_AN_HOUR] + HOUR, "codes_of_chat_an_hour")
    for span, most, cap in (
        (HOUR, REQUESTS_AN_HOUR, "requests_of_chat_an_hour"),
        (DAY, REQUESTS_A_DAY, "requests_of_chat_a_day"),
    ):
        asked = [each.asked_at for each in own if each.asked_at > now - span]
        if len(asked) >= most:
            return TooOften(asked[-most] + span, cap)
    return None


def _count_since(requests: Iterable[CodeRequest], since: datetime.datetime) -> int:
    return sum(each.asked_at > since for each in requests)


def _wrong_since(requests: Iterable[CodeRequest], since: datetime.datetime) -> int:
    return sum(each.wrong for each in requests if each.asked_at > since)
