"""Parameters that the endpoints of both APIs share."""

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

# The middleware keeps paths encoded, so that an encoded slash in a number does not separate segments.
Segment = Annotated[str, AfterValidator(unquote)]
