"""From the start of the process to the first getUpdates: ``odobot run`` beside a bare PTB bot.

python -m benches.startup
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from benches.bots import PTB, odobot, peer
from benches.measure import median, table, verdict
from benches.portal_stub import portal
from benches.telegram_stub import TelegramStub

ROUNDS = 7
LIMIT = 2.0


async def main() -> bool:
    """Prints the table and the verdict; whether it is kept."""
    found: dict[str, list[float]] = {"odobot run": [], PTB: []}
    async with portal() as portal_url:
        for _ in range(ROUNDS):
            for name, seconds in found.items():
                stub = TelegramStub()
                with tempfile.TemporaryDirectory() as folder:
                    if name == PTB:
                        bot = peer(PTB, stub, {"text": "…", "parse_mode": "HTML"}, Path(folder))
                    else:
                        bot = odobot(stub, portal_url, Path(folder))
                    async with bot as process:
                        seconds.append(stub.first_poll - process.begun)
    print(table(("start", "median s", "fastest s"), [(name, median(s), min(s)) for name, s in found.items()]))
    return verdict("odobot run over bare PTB", median(found["odobot run"]) / median(found[PTB]), LIMIT)


if __name__ == "__main__":
    sys.exit(not asyncio.run(main()))
