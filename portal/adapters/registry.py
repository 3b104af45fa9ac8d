"""Finds the adapter of a portal by the scheme of its URL, among the installed packages' entry points."""

import sys
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points

from portal.adapters.adapter import Adapter

GROUP = "odobot.portals"


def find_adapter(url: str) -> Adapter:
    """Return the adapter that serves the scheme of ``url``.

    Raises:
        ValueError: No installed package serves the scheme, several do, or its adapter cannot be loaded. The message is
            one line, without the URL.
    """
    scheme = url.partition(":")[0].strip().lower()
    found = {_origin(entry): entry for entry in _installed(tuple(sys.path)) if entry.name == scheme}
    if not found:
        raise ValueError(
            f"expected https://host (plain http:// only on this machine, 127.0.0.1), or the scheme of another adapter "
            f"that is installed: {', '.join(schemes())}"
        )
    if len(found) > 1:
        raise ValueError(f"several packages serve this scheme, uninstall all but one: {', '.join(sorted(found))}")
    (origin, entry), *_ = found.items()
    return _load(origin, entry)


def schemes() -> list[str]:
    """Return the schemes that the installed packages serve, in alphabetical order."""
    return sorted({entry.name for entry in _installed(tuple(sys.path))})


@cache
def _installed(_path: tuple[str, ...]) -> EntryPoints:
    """Return the adapters' entry points on ``sys.path``. They are looked for once, since that takes milliseconds."""
    return entry_points(group=GROUP)


def _origin(entry: EntryPoint) -> str:
    return f"{entry.dist.name} ({entry.value})" if entry.dist else entry.value


def _load(origin: str, entry: EntryPoint) -> Adapter:
    try:
        adapter = entry.load()
    except Exception as error:  # a package of the operator's may fail in any way
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"the adapter of {origin} cannot be loaded: {reason}") from None
    if not isinstance(adapter, Adapter):
        raise ValueError(
            f"the adapter of {origin} is a {type(adapter).__name__}, expected a portal.adapters.adapter.Adapter"
        )
    return adapter
