"""The limits of codes as a function: the bounds of ``code_limits`` hold for any history."""

import datetime

from hypothesis import given, strategies as st
from msgspec.structs import replace

from services.linking import code_limits
from services.linking.code_limits import CodeGrant, TooOften, TooSoon, check_request_limits
from storage.linking.code_history import CodeRequest, History

NOW = datetime.datetime(2026, 10, 15, 18, 0, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def a_request(ago: datetime.timedelta, **facts: object) -> CodeRequest:
    known: dict[str, object] = {
        "asked_at": NOW - ago, "expires_at": NOW - ago + datetime.timedelta(minutes=10), "is_own": True,
        "is_same_address": True, "asker": "chat", "wrong": 0, "is_counted": True, "is_mailed": True, "is_long": False,
    }  # fmt: skip
    return CodeRequest(**(known | facts))  # type: ignore[arg-type]


REQUESTS = st.lists(
    st.builds(
        a_request,
        st.timedeltas(datetime.timedelta(hours=-3), datetime.timedelta(hours=25)),
        is_own=st.booleans(),
        is_same_address=st.booleans(),
        asker=st.sampled_from("abcdefgh"),
        wrong=st.integers(0, code_limits.ATTEMPTS),
        is_counted=st.booleans(),
        is_mailed=st.booleans(),
        is_long=st.booleans(),
    ),
    max_size=40,
).map(lambda requests: tuple(sorted(requests, key=lambda each: each.asked_at)))
HISTORIES = st.builds(History, REQUESTS, st.integers(0, 200), st.booleans())


@given(HISTORIES)
def test_every_history_has_a_decision(history: History) -> None:
    """A wait is never longer than a day, nor a short one longer than a minute, also over a clock that was put back."""
    match check_request_limits(history, NOW):
        case TooSoon(seconds):
            assert 1 <= seconds <= 60
        case TooOften(until):
            assert until <= NOW + DAY + datetime.timedelta(hours=3)
        case CodeGrant() as granted:
            assert granted.is_mailed or granted.is_long


@given(HISTORIES)
def test_short_code_is_granted_only_below_the_caps(history: History) -> None:
    granted = check_request_limits(history, NOW)
    if not isinstance(granted, CodeGrant) or granted.is_long or history.is_proven:
        return
    today = [each for each in history.requests if each.is_same_address and each.asked_at > NOW - DAY]
    assert sum(each.wrong for each in today) < code_limits.WRONG_A_DAY
    assert history.wrong_codes < code_limits.WRONG_IN_ALL


@given(HISTORIES)
def test_chat_with_too_many_wrong_codes_gets_no_code(history: History) -> None:
    own = [each for each in history.requests if each.is_own and each.asked_at > NOW - DAY]
    if sum(each.wrong for each in own) >= code_limits.WRONG_OF_CHAT_A_DAY:
        assert isinstance(check_request_limits(history, NOW), TooOften)


@given(HISTORIES)
def test_requests_of_others_never_deny_the_owner_a_code(history: History) -> None:
    """Requests of others change the kind of code, and never whether there is one."""
    others = tuple(each for each in history.requests if not each.is_own)
    assert isinstance(check_request_limits(History(others, history.wrong_codes, is_proven=False), NOW), CodeGrant)
    owner = check_request_limits(History(others, history.wrong_codes, is_proven=True), NOW)
    assert owner == CodeGrant(is_long=False, is_mailed=True)


def test_mails_a_day_to_one_address_are_bounded() -> None:
    """A fresh chat every five minutes for a day, each of which gets what it is granted."""
    requests: list[CodeRequest] = []
    at = NOW
    while at < NOW + DAY:
        granted = check_request_limits(History(tuple(requests), 0, is_proven=False), at)
        assert isinstance(granted, CodeGrant)
        minutes = code_limits.LONG_MINUTES if granted.is_long else code_limits.SHORT_MINUTES
        requests.append(
            a_request(
                NOW - at,
                is_own=False,
                asker=str(at),
                is_long=granted.is_long,
                is_mailed=granted.is_mailed,
                expires_at=at + datetime.timedelta(minutes=minutes),
            )
        )
        at += datetime.timedelta(minutes=5)
    mails = sum(each.is_mailed for each in requests)
    assert mails <= code_limits.LONG_MAILS_A_DAY + DAY // code_limits.LONG_MAIL_GAP
    # Each request leaves a code in the mailbox that is valid for a while.
    for each in requests:
        if not each.is_mailed:
            usable = [m for m in requests if m.is_mailed and m.asked_at <= each.asked_at < m.expires_at]
            assert max(m.expires_at for m in usable) - each.asked_at > datetime.timedelta(minutes=25)


def test_copy_codes_have_their_own_caps() -> None:
    three = tuple(a_request(datetime.timedelta(hours=hours), for_link=7) for hours in (20, 10, 1))
    history = History(three, 0, is_proven=False)
    assert code_limits.check_copy_limits(history, 7, 3, NOW) == TooOften(
        NOW - datetime.timedelta(hours=20) + DAY, "copy_codes_of_link_a_day"
    )
    elsewhere = tuple(replace(each, is_same_address=False) for each in three)
    assert code_limits.check_copy_limits(History(elsewhere, 0, is_proven=False), 8, 3, NOW) is None
    twice = History(elsewhere * 2, 0, is_proven=False)
    of_chat = code_limits.check_copy_limits(twice, 8, 6, NOW)
    assert isinstance(of_chat, TooOften)
    assert of_chat.cap == "copy_codes_of_chat_a_day"
    others = tuple(replace(each, is_own=False, for_link=9) for each in three)
    to_address = code_limits.check_copy_limits(History(others, 0, is_proven=False), 8, 3, NOW)
    assert isinstance(to_address, TooOften)
    assert to_address.cap == "copy_codes_to_address_a_day"
    overall = code_limits.check_copy_limits(History((), 0, is_proven=False), 8, code_limits.COPY_CODES_A_DAY, NOW)
    assert isinstance(overall, TooOften)
    assert overall.cap == "copy_codes_a_day"


def test_codes_of_revocations_have_their_own_cap() -> None:
    """Only what this chat asked for to revoke others counts, and only in a day."""
    of_day = tuple(a_request(datetime.timedelta(hours=hours), for_chat=9) for hours in (20, 16, 12, 8, 4))
    assert len(of_day) == code_limits.REVOKE_CODES_OF_CHAT_A_DAY
    until = NOW - datetime.timedelta(hours=20) + DAY
    capped = code_limits.check_revoke_limits(History(of_day, 0, is_proven=True), NOW)
    assert capped == TooOften(until, "revoke_codes_of_chat_a_day")
    for kept in (
        of_day[1:],
        tuple(replace(each, is_own=False) for each in of_day),
        tuple(replace(each, for_chat=None) for each in of_day),
        tuple(replace(each, for_chat=None, for_link=7) for each in of_day),
        tuple(replace(each, asked_at=each.asked_at - DAY) for each in of_day),
    ):
        assert code_limits.check_revoke_limits(History(kept, 0, is_proven=True), NOW) is None
