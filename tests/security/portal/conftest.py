"""A portal whose answers a test chooses, and a client of it."""

from collections.abc import AsyncIterator, Iterator

import pytest
import stamina

from portal.http import HttpPortal
from tests.portal.test_http import BadPortal, serving


@pytest.fixture
def quick_retries() -> Iterator[None]:
    """Retry without pauses, in two attempts."""
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture
async def server() -> AsyncIterator[BadPortal]:
    """Serve the portal; ``url`` is its address."""
    app = BadPortal()
    async with serving(app) as url:
        app.url = url
        yield app


@pytest.fixture
async def portal(server: BadPortal) -> AsyncIterator[HttpPortal]:
    """Make a client of ``server``."""
    client = HttpPortal(server.url, "token")
    yield client
    await client.aclose()
