"""The settings that only the adapter of the portal in ``ODOBOT_PORTAL_URL`` has."""

import os
from collections.abc import Iterable, Mapping

from bot.environment.variables import unquoted
from portal.adapters.adapter import AdapterSetting
from portal.adapters.registry import find_adapter


def settings_of_portal(url: str) -> tuple[AdapterSetting, ...] | None:
    """Return the settings of the adapter that serves the URL; None where there is no such adapter."""
    try:
        return find_adapter(url).settings
    except ValueError:  # the check of the URL itself says so
        return None


def value_of(name: str, files: Mapping[str, str | None], contents: Mapping[str, str]) -> str:
    """Return the value of a variable, whatever its name's case; empty where it is not set.

    Args:
        files: The variables of the files of settings, which the environment overrides.
        contents: The contents of the files of secrets, by the secret's name in capitals.
    """
    found = {each.upper(): value or "" for each, value in {**files, **os.environ}.items()}
    return contents.get(name) or unquoted(found.get(name, ""))


def read_portal_settings(
    settings: Iterable[AdapterSetting], files: Mapping[str, str | None], contents: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Read and check the settings of an adapter.

    Args:
        settings: From ``settings_of_portal``.
        files: See ``value_of``.
        contents: See ``value_of``.

    Returns:
        The values by name, and a line for each that is missing or wrong.
    """
    values, wrong = {}, []
    for setting in settings:
        value = value_of(setting.name, files, contents)
        if not value:
            if setting.is_required:
                wrong.append(f"{setting.name}: is required but not set: {setting.expected}")
            continue
        try:
            setting.check(value)
        except ValueError as error:
            wrong.append(f"{setting.name}: {error}")
        else:
            values[setting.name] = value
    return values, wrong
