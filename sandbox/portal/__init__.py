"""A customer portal that implements Odobot's contract, with test data, faults and a control API.

async with PortalServer(token="secret") as server:
    server.url, server.portal.issue_invoice("a-2003", "293.08")
"""

from sandbox.portal.app import create_app
from sandbox.portal.clock import Clock, MovableClock
from sandbox.portal.company import Portal
from sandbox.portal.data.pricing import DraftLine
from sandbox.portal.faults import Fault, FaultKind
from sandbox.portal.records.journal import UnknownRow
from sandbox.portal.server import PortalServer

__all__ = [
    "Clock",
    "DraftLine",
    "Fault",
    "FaultKind",
    "MovableClock",
    "Portal",
    "PortalServer",
    "UnknownRow",
    "create_app",
]
