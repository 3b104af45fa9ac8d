"""The breaker of a channel, by a clock that the test moves."""

from hypothesis import given, strategies as st

from services.notices.delivery.breaker import BreakerState, ChannelBreaker, Ticket
from storage.tables import Channel

PLACES = 16
PAUSES = [1, 2, 4, 8, 16, 30, 30]


class Time:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def a_breaker() -> tuple[ChannelBreaker, Time]:
    time = Time()
    return ChannelBreaker(Channel.TELEGRAM, places=PLACES, silence=3.0, monotonic=time), time


def begun(breaker: ChannelBreaker) -> Ticket:
    ticket = breaker.begin()
    assert ticket is not None
    return ticket


def fill(breaker: ChannelBreaker) -> list[Ticket]:
    """Begin as many messages as there is room for."""
    tickets = []
    while (ticket := breaker.begin()) is not None:
        tickets.append(ticket)
        assert len(tickets) <= PLACES
    return tickets


def test_closed_breaker_has_all_places() -> None:
    breaker, _ = a_breaker()
    tickets = fill(breaker)
    assert len(tickets) == PLACES
    breaker.end(tickets[0], failed=False)
    assert breaker.state is BreakerState.CLOSED
    assert len(fill(breaker)) == 1
    assert breaker.claimable(PLACES) is None


def test_one_probe_at_a_time_after_growing_pauses() -> None:
    breaker, time = a_breaker()
    breaker.end(begun(breaker), failed=True)
    assert breaker.state is BreakerState.OPEN
    for pause in PAUSES:
        time.now += pause - 0.01
        assert breaker.begin() is None
        assert breaker.claimable(0) == 0
        time.now += 0.02
        assert (breaker.claimable(0), breaker.claimable(1)) == (1, 0)
        probe = begun(breaker)
        assert probe.is_probe
        assert breaker.begin() is None
        breaker.end(probe, failed=True)


def test_messages_that_fail_together_are_one_failure() -> None:
    breaker, time = a_breaker()
    for ticket in fill(breaker):
        breaker.end(ticket, failed=True)
    time.now += 1.0
    assert begun(breaker).is_probe


def test_late_answers_do_not_close_an_open_breaker() -> None:
    """They were begun before the failure, and no probe was answered."""
    breaker, _ = a_breaker()
    failing, late = begun(breaker), begun(breaker)
    breaker.end(failing, failed=True)
    breaker.end(late, failed=False)
    assert breaker.state is BreakerState.OPEN


def test_slow_start_after_a_probe_is_answered() -> None:
    breaker, time = a_breaker()
    breaker.end(begun(breaker), failed=True)
    time.now += 1.0
    breaker.end(begun(breaker), failed=False)
    sizes = []
    while breaker.state is BreakerState.RECOVERING:
        assert breaker.claimable(0) is not None
        round_of = fill(breaker)
        sizes.append(len(round_of))
        for ticket in round_of:
            breaker.end(ticket, failed=False)
    assert sizes == [2, 4, 8]
    assert breaker.state is BreakerState.CLOSED
    assert len(fill(breaker)) == PLACES


def test_failure_in_the_slow_start_opens_it_again() -> None:
    breaker, time = a_breaker()
    breaker.end(begun(breaker), failed=True)
    time.now += 1.0
    breaker.end(begun(breaker), failed=False)
    breaker.end(begun(breaker), failed=True)
    assert breaker.state is BreakerState.OPEN
    time.now += 1.5
    assert breaker.begin() is None  # the pause goes on growing
    time.now += 0.5
    assert begun(breaker).is_probe


def test_silence_brakes_until_an_answer() -> None:
    breaker, time = a_breaker()
    hanging = begun(breaker)
    time.now += 2.9
    breaker.withdraw(begun(breaker))
    time.now += 0.2
    assert breaker.begin() is None
    assert breaker.state is BreakerState.CLOSED
    breaker.end(hanging, failed=False)
    assert breaker.begin() is not None


def test_one_that_hangs_while_others_are_answered_brakes_nothing() -> None:
    breaker, time = a_breaker()
    begun(breaker)
    for _ in range(10):
        time.now += 1.0
        breaker.end(begun(breaker), failed=False)
    assert breaker.has_room


def test_repetitions_wait_while_the_server_fails() -> None:
    breaker, time = a_breaker()
    assert breaker.is_trusted
    breaker.end(begun(breaker), failed=True)
    assert not breaker.is_trusted
    time.now += 61
    assert breaker.is_trusted


def test_withdrawn_probe_leaves_the_next_one_its_place() -> None:
    breaker, time = a_breaker()
    breaker.end(begun(breaker), failed=True)
    time.now += 1.0
    breaker.withdraw(begun(breaker))
    assert breaker.state is BreakerState.OPEN
    assert begun(breaker).is_probe


ACTS = st.lists(st.tuples(st.sampled_from(["begin", "answer", "fail", "withdraw", "wait"]), st.integers(0, 40)))


@given(acts=ACTS)
def test_never_more_than_its_places_and_one_while_open(acts: list[tuple[str, int]]) -> None:
    """It holds for any sequence; and once the server answers, the breaker always closes again."""
    breaker, time = a_breaker()
    tickets: list[Ticket] = []
    for act, number in acts:
        match act:
            case "begin":
                was_open = breaker.state is BreakerState.OPEN
                if (ticket := breaker.begin()) is not None:
                    assert not (was_open and tickets)
                    tickets.append(ticket)
            case "wait":
                time.now += number / 4
            case _ if tickets:
                ticket = tickets.pop(number % len(tickets))
                if act == "withdraw":
                    breaker.withdraw(ticket)
                else:
                    breaker.end(ticket, failed=act == "fail")
        assert len(tickets) <= PLACES
    for ticket in tickets:
        breaker.end(ticket, failed=False)
    for _ in range(60):
        time.now += 31
        if (ticket := breaker.begin()) is not None:
            breaker.end(ticket, failed=False)
    assert breaker.state is BreakerState.CLOSED
    assert len(fill(breaker)) == PLACES
