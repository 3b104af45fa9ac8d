"""What endpoints of both APIs take."""

from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Request
from pydantic import AfterValidator

from sandbox.portal.company import Portal


async def _portal(request: Request) -> Portal:
    portal = request.app.state.portal
    assert isinstance(portal, Portal)
    return portal


ThePortal = Annotated[Portal, Depends(_portal)]

# The gate leaves paths as they were sent, so that an encoded slash in a number is not taken for a way down.
Segment = Annotated[str, AfterValidator(unquote)]
