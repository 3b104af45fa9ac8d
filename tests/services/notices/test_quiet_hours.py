"""Quiet hours and the reminder's hour in local time, over midnight and when the clocks change."""

import datetime
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, strategies as st

from handlers.screens.notice_settings import QUIET_CHOICES, ZONES
from services.notices.reminders import reminder_time, reminder_time_on
from storage.notices.delivery_preferences import Quiet
from storage.tables import Kind

TORONTO = ZoneInfo("America/Toronto")
NIGHT = Quiet(22 * 60, 6 * 60)
DAY = 24 * 60
SPRING = datetime.datetime(2027, 3, 14, tzinfo=UTC)  # 2:00 becomes 3:00 at 7:00 UTC
AUTUMN = datetime.datetime(2026, 11, 1, tzinfo=UTC)  # 2:00 becomes 1:00 at 6:00 UTC
HOUR = datetime.timedelta(hours=1)

minutes = st.integers(0, DAY - 1)
hours = st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: Quiet(*pair))
moments = st.one_of(
    st.integers(-36 * 60, 36 * 60).map(lambda n: SPRING + datetime.timedelta(minutes=n)),
    st.integers(-36 * 60, 36 * 60).map(lambda n: AUTUMN + datetime.timedelta(minutes=n)),
    st.integers(0, 4 * 365 * DAY).map(
        lambda n: datetime.datetime(2026, 1, 1, tzinfo=UTC) + datetime.timedelta(minutes=n)
    ),
)
zones = st.sampled_from(ZONES).map(ZoneInfo)


def local(day: int, hour: int, minute: int = 0, month: int = 10, year: int = 2026, fold: int = 0) -> datetime.datetime:
    return datetime.datetime(year, month, day, hour, minute, tzinfo=TORONTO, fold=fold)


@pytest.mark.parametrize(
    ("quiet", "at", "end"),
    [
        (NIGHT, local(15, 21, 59), None),
        (NIGHT, local(15, 22), local(16, 6)),
        (NIGHT, local(15, 23, 59), local(16, 6)),
        (NIGHT, local(16, 0), local(16, 6)),
        (NIGHT, local(16, 5, 59), local(16, 6)),
        (NIGHT, local(16, 6), None),
        (NIGHT, local(31, 23), local(1, 6, month=11)),
        (NIGHT, local(31, 23, month=12), local(1, 6, month=1, year=2027)),
        (Quiet(0, 6 * 60), local(16, 0), local(16, 6)),
        (Quiet(20 * 60, 0), local(15, 23), local(16, 0)),
        (Quiet(20 * 60, 0), local(16, 0), None),
        (Quiet(12 * 60, 13 * 60), local(15, 12, 30), local(15, 13)),
        (Quiet(12 * 60, 13 * 60), local(15, 13), None),
        (Quiet(12 * 60, 13 * 60), local(15, 11, 59), None),
    ],
)
def test_quiet_hours_follow_the_local_time(quiet: Quiet, at: datetime.datetime, end: datetime.datetime | None) -> None:
    assert quiet.until(at) == end


def test_spring_night_is_one_hour_shorter() -> None:
    began = local(13, 22, month=3, year=2027)
    end = NIGHT.until(began)
    assert end is not None
    assert end - began.astimezone(UTC) == 7 * HOUR
    assert end.astimezone(TORONTO).hour == 6


def test_autumn_night_is_one_hour_longer() -> None:
    began = local(31, 22)
    end = NIGHT.until(began)
    assert end is not None
    assert end - began.astimezone(UTC) == 9 * HOUR
    assert end.astimezone(TORONTO).hour == 6


def test_repeated_hour_is_quiet_both_times() -> None:
    first, second = local(1, 1, 30, month=11), local(1, 1, 30, month=11, fold=1)
    assert second.astimezone(UTC) - first.astimezone(UTC) == HOUR
    assert NIGHT.until(first) == NIGHT.until(second) == local(1, 6, month=11)


@given(quiet=hours, at=moments, zone=zones)
@example(quiet=Quiet(60, 90), at=AUTUMN + datetime.timedelta(hours=6, minutes=10), zone=TORONTO)
@example(quiet=Quiet(22 * 60, 90), at=AUTUMN + datetime.timedelta(hours=6, minutes=10), zone=TORONTO)
@example(quiet=Quiet(22 * 60, 150), at=SPRING + datetime.timedelta(hours=6, minutes=59), zone=TORONTO)
def test_quiet_period_ends_after_now_and_within_a_day(quiet: Quiet, at: datetime.datetime, zone: ZoneInfo) -> None:
    end = quiet.until(at.astimezone(zone))
    if end is None:
        return
    assert at < end <= at + 25 * HOUR


@given(quiet=hours, at=moments, zone=zones)
def test_delivery_is_not_postponed_past_the_end(quiet: Quiet, at: datetime.datetime, zone: ZoneInfo) -> None:
    end = quiet.until(at.astimezone(zone))
    if end is None:
        return
    there = end.astimezone(zone)
    if there.hour * 60 + there.minute != quiet.end:
        return  # the end is in the hour that does not exist in spring, and the beginning may be too
    assert quiet.until(there) is None


@given(quiet=hours, at=moments, zone=zones)
def test_quiet_period_is_exactly_between_its_hours(quiet: Quiet, at: datetime.datetime, zone: ZoneInfo) -> None:
    there = at.astimezone(zone)
    minute = there.hour * 60 + there.minute
    length = (quiet.end - quiet.start) % DAY
    assert (quiet.until(there) is not None) == ((minute - quiet.start) % DAY < length)


@given(quiet=st.sampled_from(QUIET_CHOICES), at=moments, zone=zones)
def test_each_offered_period_ends_at_its_hour(quiet: Quiet, at: datetime.datetime, zone: ZoneInfo) -> None:
    end = quiet.until(at.astimezone(zone))
    if end is None:
        return
    there = end.astimezone(zone)
    assert (there.hour * 60 + there.minute, there.second) == (quiet.end, 0)
    assert at < end


@given(date=st.dates(datetime.date(2026, 1, 1), datetime.date(2030, 1, 1)), zone=zones)
def test_reminder_is_due_at_nine_in_the_morning(date: datetime.date, zone: ZoneInfo) -> None:
    there = reminder_time_on(date, zone).astimezone(zone)
    assert (there.date(), there.hour, there.minute) == (date, 9, 0)
    assert reminder_time(Kind.REMINDER_DUE, date, zone).astimezone(zone) == there
    before = reminder_time(Kind.REMINDER_BEFORE, date, zone).astimezone(zone)
    assert (date - before.date(), before.hour) == (datetime.timedelta(days=3), 9)
