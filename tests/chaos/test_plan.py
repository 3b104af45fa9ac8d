"""The plan follows from its seed, and its steps are what the players know."""

import pytest

from tests.chaos import plan
from tests.chaos.faults import POISONS
from tests.chaos.plan import Step, make_plan

ALL = ("restarted_fast", "restarted_immediate", "away", "frozen", "locked")


def test_same_seed_gives_the_same_plan() -> None:
    assert make_plan(7, 60, ALL, is_polling=True, can_step_clock=True) == make_plan(
        7, 60, ALL, is_polling=True, can_step_clock=True
    )
    assert make_plan(7, 60, ALL, is_polling=True, can_step_clock=True) != make_plan(
        8, 60, ALL, is_polling=True, can_step_clock=True
    )


@pytest.mark.parametrize("seed", range(5))
def test_steps_are_in_order_and_within_the_time(seed: int) -> None:
    steps = make_plan(seed, 60, ALL, is_polling=True, can_step_clock=True)
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert steps[0].at >= 0
    assert steps[-1].at < 60
    assert max(step.seconds for step in steps) <= 5


def test_long_plan_has_every_step() -> None:
    """In an hour each fault of each neighbour happens."""
    steps = make_plan(7, 3600, ALL, is_polling=True, can_step_clock=True)
    names = {step.what for step in steps}
    assert {f"fault.database.{name}" for name in ALL} <= names
    assert {f"fault.portal.{name}" for name in plan.PORTAL_FAULTS} <= names
    assert {f"fault.mail.{name}" for name in plan.MAIL_FAULTS} <= names
    assert {f"fault.feed.{name}" for name in (*plan.POISON_FAULTS, *plan.FEED_FAULTS)} <= names
    assert {f"fault.telegram.{kind}" for kind, _, _ in plan.TELEGRAM_FAULTS} <= names
    assert {"process.kill", "process.stop", "clock", "portal.remove", "person.types"} <= names


def test_poisons_of_the_plan_exist() -> None:
    assert set(plan.POISON_FAULTS) == POISONS.keys()


def test_clock_that_cannot_be_stepped_stays() -> None:
    assert {"clock"} & {step.what for step in make_plan(7, 600, ALL, is_polling=True, can_step_clock=False)} == set()


def test_plan_for_webhooks_has_no_fault_of_polling() -> None:
    steps = make_plan(7, 3600, ALL, is_polling=False, can_step_clock=True)
    assert "getUpdates" not in {step.options.get("method") for step in steps}


def test_each_number_is_typed_once() -> None:
    """An answer then belongs to one text."""
    typed: list[Step] = [
        step for step in make_plan(7, 600, ALL, is_polling=True, can_step_clock=True) if step.what == "person.types"
    ]
    numbers = [number for step in typed for number in step.options["numbers"]]  # type: ignore[attr-defined]
    assert len(numbers) == len(set(numbers)) > 500
