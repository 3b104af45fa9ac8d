"""``GET /calendar/{token}.ics``: a calendar feed. The token is the only key, so it appears in no log."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from services.calendar.feeds import CACHED, CalendarFeeds, FeedUnavailable

_MAX_AGE = int(CACHED.total_seconds())
_HEADERS = {
    "Cache-Control": f"private, max-age={_MAX_AGE}",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


class CalendarEndpoint:
    """Answers calendar programs."""

    def __init__(self, feeds: CalendarFeeds) -> None:
        self._feeds = feeds

    async def get(self, request: Request) -> Response:
        """Answer 200, 304 for a known ETag, 404 for any other path, or 503 if the calendar cannot be made now.

        Every path is hashed and looked up, whatever it looks like: a 404 takes the same time for each.
        """
        name: str = request.path_params["name"]
        token = name.removesuffix(".ics") if name.endswith(".ics") else f"/{name}"
        counts = self._feeds.counts
        try:
            feed = await self._feeds.read(token)
        except FeedUnavailable:
            counts["unavailable"] += 1
            return PlainTextResponse("try again later\n", 503, headers={"Retry-After": str(_MAX_AGE)})
        if feed is None:
            counts["not_found"] += 1
            return PlainTextResponse("not found\n", 404, headers={"Cache-Control": "no-store"})
        headers = {**_HEADERS, "ETag": feed.etag}
        if _is_known(request.headers.getlist("If-None-Match"), feed.etag):
            counts["not_modified"] += 1
            return Response(status_code=304, headers=headers)
        counts["ok"] += 1
        headers["Content-Disposition"] = 'inline; filename="odobot.ics"'
        return Response(feed.content, media_type="text/calendar; charset=utf-8", headers=headers)


def _is_known(conditions: list[str], etag: str) -> bool:
    """Return whether ``If-None-Match`` names the ETag; weak and strong ones are compared alike (RFC 9110, 13.1.2)."""
    known = [each.strip().removeprefix("W/") for condition in conditions for each in condition.split(",")]
    return "*" in known or etag.removeprefix("W/") in known
