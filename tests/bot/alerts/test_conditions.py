"""How much a counter has grown within a time."""

from bot.alerts.conditions import Growth


def test_growth_is_that_of_the_last_seconds() -> None:
    now = 1000.0
    growth = Growth(60, lambda: now)
    measured = []
    for total in (3, 3, 3, 3, 5, 5, 5, 5):
        now += 20
        measured.append(growth.measure(total))
    # The first three failed before the first look.
    assert measured == [3, 3, 3, 0, 2, 2, 2, 0]
