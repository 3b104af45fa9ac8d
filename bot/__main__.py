"""The ``odobot`` program."""

import gc
import sys
from types import ModuleType


def main() -> None:
    """Import and run the command line."""
    gc.disable()  # garbage collection during the imports took a sixth of the start
    _import_structlog()
    from bot.cli import cli

    gc.freeze()
    gc.enable()
    cli()


def _import_structlog() -> None:
    """Import structlog without rich, which it imports for tracebacks that are not used here: 8 % of the start."""
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    modules["rich"] = None
    import structlog  # noqa: F401

    del modules["rich"]


if __name__ == "__main__":
    main()
