"""Secrets from files: ``ODOBOT_…_FILE`` names the file of a secret, as containers and systemd's credentials have it."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from bot.environment.variables import unquoted

SUFFIX = "_FILE"
_LARGEST_BYTES = 64 * 1024


def read_secret_files(
    prefix: str, fields: Iterable[str], files: Mapping[str, str | None]
) -> tuple[dict[str, str], list[str]]:
    """Read the files that the environment, or a file of settings, names for these settings.

    Args:
        files: The variables of the files of settings.

    Returns:
        The contents by the setting's field, without the line end; and a line for each file that cannot be used.
    """
    found = {name.upper(): value or "" for name, value in {**files, **os.environ}.items()}
    contents: dict[str, str] = {}
    wrong = []
    for field in fields:
        name = prefix + field.upper()
        path = unquoted(found.get(name + SUFFIX, ""))
        if not path:
            continue
        if found.get(name):
            wrong.append(f"{name}{SUFFIX}: {name} is set, too; remove one of them")
            continue
        try:
            contents[field] = _content(Path(path))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            wrong.append(f"{name}{SUFFIX}: the file cannot be used ({reason})")
    return contents, wrong


def _content(path: Path) -> str:
    """Return the text of a file. Raises: OSError; ValueError where it is empty, large or not UTF-8."""
    with path.open("rb") as file:
        content = file.read(_LARGEST_BYTES + 1)
    if len(content) > _LARGEST_BYTES:
        raise ValueError("it is larger than 64 KiB")
    try:
        text = content.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    if not text:
        raise ValueError("it is empty")
    return text
