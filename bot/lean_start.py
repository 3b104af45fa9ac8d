"""What a start can do without. Nine tenths of it are imports, and whoever writes meanwhile waits for them."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_LEFT_OUT = ("httpx._main", "rich")
"""What libraries import where it is there, for what a bot never does: httpx for its own command line, structlog for
tracebacks in colour."""
_NO_AUTHORITIES = {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}
"""aiohttp reads the machine's certificates twice when it is imported, for contexts that nobody uses: our requests bring
their own. https://docs.openssl.org/3.0/man7/openssl-env/"""


@contextmanager
def lean_start() -> Iterator[None]:
    """For the imports inside. From here on nothing is collected either, until ``bot.process`` turns that on again:
    hardly anything that a start makes is garbage, and looking for it took a fifth of the time."""
    gc.disable()
    left_out = [name for name in _LEFT_OUT if name not in sys.modules]
    told_before = {name: os.environ.get(name) for name in _NO_AUTHORITIES}
    # For good: models are made later, too, and looking for plugins reads the metadata of everything that is installed.
    # https://docs.pydantic.dev/latest/concepts/plugins/
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # ``None`` says that there is no such module. https://docs.python.org/3/reference/import.html#the-module-cache
    sys.modules.update(dict.fromkeys(left_out))  # type: ignore[arg-type]
    os.environ.update(_NO_AUTHORITIES)
    try:
        yield
    finally:
        for name in left_out:
            del sys.modules[name]
        for name, value in told_before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
