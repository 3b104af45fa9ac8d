"""The plan and the portal's feed announce the same end of an order: one of them is told, whoever is first."""

import asyncio

import pytest
from sqlmodel import col, select, update

from portal.events import Event
from services.notices.event_recorder import record_events
from storage.database import Database
from storage.notices.plan.hand_over import queue_due
from storage.tables import Delivery, Kind, Link, PlannedNotice, PlanState
from tests.storage import NOW
from tests.storage.test_at_once import a_link, replicas

__all__ = ["replicas"]

NUMBER = "31450"
END = Event(id="e1", type=Kind.ORDER_ENDING, occurred_at=NOW, account_id="a1", number=NUMBER)


async def from_plan(database: Database, after: float) -> None:
    await asyncio.sleep(after)
    async with database.write() as session:
        await queue_due(session, NOW, 10)
        await asyncio.sleep(0.4)


async def from_feed(database: Database, after: float) -> None:
    await asyncio.sleep(after)
    async with database.write() as session:
        await record_events(session, [END], NOW)
        await asyncio.sleep(0.4)


@pytest.mark.parametrize(("plan", "feed"), [(0.0, 0.2), (0.2, 0.0)], ids=["plan first", "feed first"])
async def test_end_is_announced_once(replicas: list[Database], plan: float, feed: float) -> None:
    """Two workers at once: on PostgreSQL neither sees what the other has not committed."""
    link_id = await a_link(replicas[0])
    async with replicas[0].write() as session:
        await session.exec(update(Link).where(col(Link.link_id) == link_id).values(wishes=Kind.ORDER_ENDING))
        session.add(
            PlannedNotice(
                link_id=link_id, number=NUMBER, kind=Kind.ORDER_ENDING, day=NOW.date(), state=PlanState.PLANNED,
                due_at=NOW,
            )
        )  # fmt: skip
    await asyncio.gather(from_plan(replicas[0], plan), from_feed(replicas[1], feed))
    async with replicas[0].read() as session:
        assert len((await session.exec(select(Delivery))).all()) == 1
