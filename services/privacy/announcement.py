"""Records the version of the privacy policy at the start of a process; linked chats are told of a new one, once."""

import datetime

import structlog

from services.clock import Clock
from storage.database import Database
from storage.privacy import policy_versions

log = structlog.get_logger()


async def announce(database: Database, version: datetime.date, clock: Clock) -> None:
    """Queue a notice to each linked chat unless this version or a newer one was recorded before."""
    async with database.read() as session:
        if await policy_versions.is_recorded(session, version):
            return
    async with database.write() as session:
        told = await policy_versions.record_version(session, version, clock())
    if told is not None:
        log.info("policy.recorded", version=str(version), chats=told)
