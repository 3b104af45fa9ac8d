"""``python -m sandbox.bot_process``: ``odobot run`` with the demo's clock. The only module that imports the bot."""

import asyncio
import datetime
import os
from pathlib import Path

from bot import process
from bot.environment.zones import use_pinned_zones
from bot.logs import set_up_logs
from bot.settings import load_settings
from sandbox.shared_clock import FILE_VARIABLE, OffsetFile


def main() -> None:
    """Run the bot until SIGTERM, by the clock whose offset the file has."""
    offset = OffsetFile(Path(os.environ[FILE_VARIABLE]))

    def now() -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=offset.read())

    use_pinned_zones()
    settings = load_settings()
    set_up_logs(settings.log_format, settings.log_level, settings.secrets)
    asyncio.run(process.run(settings, clock=now))


if __name__ == "__main__":
    main()
