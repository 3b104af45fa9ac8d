"""The ``odobot`` program."""

import gc
import sys
import threading
from types import ModuleType


def main() -> None:
    """Import and run the command line."""
    gc.disable()  # garbage collection during the imports took a sixth of the start
    threading.Thread(target=_import_aiohttp, daemon=True).start()
    _import_without_rich()
    from bot.cli import cli

    gc.freeze()
    gc.enable()
    cli()


def _import_aiohttp() -> None:
    """Import aiohttp beside: it reads the certificates of the machine, 4 % of the start, without holding the GIL."""
    import aiohttp  # noqa: F401


def _import_without_rich() -> None:
    """Import what imports rich only for tracebacks and a command that are not used here: 10 % of the start."""
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    unused = ("rich", "httpx._main")
    modules.update(dict.fromkeys(unused))
    import httpx  # noqa: F401
    import structlog  # noqa: F401

    for name in unused:
        del modules[name]


if __name__ == "__main__":
    main()
