"""Names what fails in an adapter's own code as an exception of ``portal.errors``."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.errors import PortalBroken, PortalError, PortalUnavailable, portal_errors


@contextmanager
def adapter_errors(call: str) -> Iterator[None]:
    """Replace the exceptions of an adapter's read; those of ``portal.errors`` pass.

    Messages have no text of the exception, which may contain a value, but the place in the adapter.

    Raises:
        PortalUnavailable: the connection failed or timed out, or a file could not be read.
        PortalBroken: anything else: the adapter has a mistake, or the system answered otherwise than it expects.
    """
    try:
        with portal_errors(call):
            yield
    except PortalError:
        raise
    except OSError as error:
        is_outage = isinstance(error, ConnectionError | TimeoutError)
        raise PortalUnavailable(f"{call}: {_described(error)}", is_outage=is_outage) from None
    except Exception as error:  # an adapter may fail in any way
        raise PortalBroken(f"{call}: {_described(error)}") from None


def _described(error: Exception) -> str:
    places = traceback.extract_tb(error.__traceback__)
    place = next((each for each in places if not _is_inside(Path(each.filename))), places[-1])
    return f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"


def _is_inside(file: Path) -> bool:
    return file.is_relative_to(Path(__file__).parents[1]) or file.name == "contextlib.py"
