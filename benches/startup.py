"""From the start of the process to the first getUpdates: ``odobot run`` beside a bare PTB bot.

Somebody wrote ``/aide`` before: the table also tells when their answer came, all of it.

python -m benches.startup
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from benches.stubs.portal import portal
from benches.stubs.telegram import TelegramStub
from benches.support.bots import FIRST_CHAT, PTB, odobot, peer
from benches.support.measure import median, table, verdict

ROUNDS = 7
LIMIT = 2.5


async def main() -> bool:
    """Print the table and the verdict. Returns whether the limit is kept."""
    polled: dict[str, list[float]] = {"odobot run": [], PTB: []}
    answered: dict[str, list[float]] = {name: [] for name in polled}
    async with portal() as portal_url:
        for _ in range(ROUNDS):
            for name in polled:
                stub = TelegramStub()
                stub.says(FIRST_CHAT, "/aide")
                with tempfile.TemporaryDirectory() as folder:
                    if name == PTB:
                        bot = peer(PTB, stub, {"text": "…", "parse_mode": "HTML"}, Path(folder))
                    else:
                        bot = odobot(stub, portal_url, Path(folder))
                    async with bot as process:
                        await stub.until(1)
                        polled[name].append(stub.first_poll - process.begun)
                        answered[name].append(stub.calls[0].came - process.begun)
    head = ("start", "to getUpdates, median s", "fastest s", "to the first answer, median s")
    print(table(head, [(name, median(s), min(s), median(answered[name])) for name, s in polled.items()]))
    return verdict("odobot run over bare PTB", median(polled["odobot run"]) / median(polled[PTB]), LIMIT)


if __name__ == "__main__":
    sys.exit(not asyncio.run(main()))
