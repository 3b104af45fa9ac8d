"""Answers take equally long for an address that the portal knows and for one that it does not.

2,000 of each, in random order, each in a chat of its own; what is measured is from the text to the bot's answer, and
from ``/aide`` right behind it to that answer, while the mail of a known address is on its way.

The test is Mann and Whitney's, two-sided, with the normal approximation (ties by mid-ranks). With n = 2,000 in each
group its standard error of P(known > unknown) under the null hypothesis is sqrt(1 / (6 n)) = 0.0091. A run fails below
p = 10^-5 (z = 4.4), so that chance fails one run in 50,000; a difference of P = 0.5 ± 0.052 is then found with a power
of about 90 %, which on answers of 10 ms that spread by 3 ms is half a millisecond.
"""

import random
import time
from math import erfc, sqrt

import pytest

from sandbox.telegram.persons import Person
from tests.scene import Scene

pytestmark = [pytest.mark.load, pytest.mark.timeout(900)]
EACH = 2_000


def mann_whitney(first: list[float], second: list[float]) -> tuple[float, float]:
    """Compare two samples. Returns: P(first > second), ties by half, and the two-sided p-value."""
    ranked = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    ranks, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        middle = (at + end + 1) / 2
        ranks += middle * sum(of == 0 for _, of in ranked[at:end])
        at = end
    n, m = len(first), len(second)
    greater = (ranks - n * (n + 1) / 2) / (n * m)
    z = (greater - 0.5) / sqrt((n + m + 1) / (12 * n * m))
    return greater, erfc(abs(z) / sqrt(2))


def test_statistic_detects_a_known_difference() -> None:
    """A shift of half a standard deviation is found, none is not."""
    chance = random.Random(7)
    one, other = ([chance.gauss(10, 3) for _ in range(EACH)] for _ in range(2))
    assert mann_whitney(one, other)[1] > 0.001
    shifted = [value + 1.0 for value in other]
    greater, p = mann_whitney(one, shifted)
    assert greater < 0.5
    assert p < 0.001


async def answered(scene: Scene, person: Person, text: str) -> float:
    began = time.perf_counter()
    await scene.say(person, text)
    return (time.perf_counter() - began) * 1000


async def test_known_and_unknown_addresses_take_equal_time(scene: Scene) -> None:
    scene.portal.portal.generate(EACH, seed=1)
    asked = [(f"client{number:06d}@example.test", True) for number in range(EACH)]
    asked += [(f"nobody{number:06d}@example.test", False) for number in range(EACH)]
    random.Random(1).shuffle(asked)
    answer: dict[bool, list[float]] = {True: [], False: []}
    after: dict[bool, list[float]] = {True: [], False: []}
    for email, is_known in asked:
        person = scene.person()
        answer[is_known].append(await answered(scene, person, email))
        after[is_known].append(await answered(scene, person, "/aide"))
    await scene.settled()
    mailed = {message.to[0] for message in scene.mailbox.messages}

    assert len(mailed) == len(scene.mailbox.messages) == 1_000  # as many as the mailbox keeps
    assert all(address.startswith("client") for address in mailed)
    for what, times in (("the answer", answer), ("/aide behind it", after)):
        greater, p = mann_whitney(times[True], times[False])
        medians = (sorted(times[True])[EACH // 2], sorted(times[False])[EACH // 2])
        print(f"{what}: medians {medians[0]:.2f} and {medians[1]:.2f} ms, P = {greater:.4f}, p = {p:.4f}")  # noqa: T201
        assert p > 1e-5, what
