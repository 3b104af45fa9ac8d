"""What the settings are read from beside the environment: files of settings, and a file for each secret."""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from pydantic import ValidationError

from bot.environment.env_files import read_env_files
from bot.environment.portal_settings import read_portal_settings, settings_of_portal, value_of
from bot.environment.secret_files import SUFFIX, read_secret_files
from bot.environment.variables import unknown_names, values_of_env_file


class Sources(Struct, frozen=True):
    """What was read, and a line for each name that no setting has and for each value or file that cannot be used.

    ``values`` are by the setting's field: those of named files of settings that the environment does not override, and
    the secrets that have a file. Without named files, ``.env`` is left to pydantic-settings. ``portal_settings`` are
    the settings of the portal's adapter, by name.
    """

    values: Mapping[str, str | None]
    misspelt: list[str]
    unusable: list[str]
    portal_settings: Mapping[str, str]


def read_sources(prefix: str, fields: Collection[str], secrets: Collection[str], env_files: Sequence[Path]) -> Sources:
    """Read the files of settings and of secrets.

    Args:
        fields: The settings.
        secrets: Those of them that may have a file of their own.
        env_files: Named files of settings; empty: ``.env``.

    Raises:
        EnvFileError: A named file cannot be read.
    """
    files: Mapping[str, str | None] = read_env_files(env_files) if env_files else values_of_env_file()
    url, _ = read_secret_files(prefix, ["portal_url"], files)
    found = settings_of_portal(value_of(f"{prefix}PORTAL_URL", files, _by_name(prefix, url)))
    own = found or ()
    own_secrets = [setting.name.removeprefix(prefix).lower() for setting in own if setting.is_secret]
    secrets = [*secrets, *own_secrets]
    names = [prefix + field.upper() for field in fields] + [prefix + field.upper() + SUFFIX for field in secrets]
    misspelt = [
        f"{name}: no setting has this name{f', did you mean {nearest}?' if nearest else ', see .env.example'}"
        for name, nearest in unknown_names(prefix, [*names, *(setting.name for setting in own)], files)
        if found is not None
        or not name.upper().startswith(f"{prefix}PORTAL_")  # perhaps of a misspelt scheme's adapter
    ]
    contents, unusable = read_secret_files(prefix, secrets, files)
    portal_settings, wrong = read_portal_settings(own, files, _by_name(prefix, contents))
    named = {name.upper(): value for name, value in files.items()} if env_files else {}
    overridden = {name.upper() for name in os.environ}
    values = {
        field: named[name] for field in fields if (name := prefix + field.upper()) in named and name not in overridden
    }
    of_settings = {field: content for field, content in contents.items() if field not in own_secrets}
    return Sources(values | of_settings, misspelt, [*unusable, *wrong], portal_settings)


def _by_name(prefix: str, contents: Mapping[str, str]) -> dict[str, str]:
    return {prefix + field.upper(): content for field, content in contents.items()}


def lines_of(error: ValidationError, prefix: str) -> tuple[list[str], bool]:
    """Return a line for each wrong setting, and whether a required one is missing."""
    lines, is_missing = [], False
    for each in error.errors(include_input=False, include_url=False, include_context=False):
        is_missing |= each["type"] == "missing"
        reason = "is required but not set, see .env.example" if each["type"] == "missing" else each["msg"]
        lines.append(f"{prefix}{str(each['loc'][0]).upper()}: {reason.removeprefix('Value error, ')}")
    return list(dict.fromkeys(lines)), is_missing
