"""``python -m sandbox``: a Telegram, a portal, a mailbox and the bot, together on loopback."""

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from sandbox.script import play
from sandbox.stage import Stage, StageError, set_stage
from sandbox.telegram.errors import SandboxMisuse


def main() -> int:
    """Plays the main conversation, then stays up; with ``--script`` ends after it."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--script", action="store_true", help="end after the conversation: 0, or the reason")
    parser.add_argument("--folder", type=Path, default=Path("demo"), help="where database, log and PDFs go")
    chosen = parser.parse_args()
    try:
        asyncio.run(_run(chosen.folder.resolve(), stay=not chosen.script))
    except (StageError, SandboxMisuse, TimeoutError, AssertionError) as error:
        print(f"The demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


async def _run(folder: Path, *, stay: bool) -> None:
    async with set_stage(folder) as stage:
        ended = asyncio.create_task(stage.bot.ended())
        played = asyncio.create_task(play(stage))
        await asyncio.wait({ended, played}, return_when=asyncio.FIRST_COMPLETED)
        if not played.done():
            played.cancel()
            raise StageError(ended.result())
        pdfs = played.result()
        print("The PDFs that arrived:")
        for pdf in pdfs:
            print(f"  {pdf}")
        if stay:
            _say_how_to_go_on(stage)
            await _until_told(ended)
        ended.cancel()


def _say_how_to_go_on(stage: Stage) -> None:
    telegram = f"{stage.telegram.url}/control"
    print(f"\nIt stays up; Ctrl-C ends it. The bot's log is {stage.bot.log}")
    print("Go on through the control API (JSON over HTTP; see the README.md beside each part of sandbox/):")
    print(f"  Telegram  {telegram}")
    print(f"  portal    {stage.portal.url}/control")
    print(f"  mailbox   {stage.mail_url}/messages")
    print("For example, somebody new:")
    print(f"""  curl -s {telegram}/persons -d '{{"first_name": "Luc", "language_code": "fr"}}'""")
    print(f"""  curl -s {telegram}/persons/USER_ID/say -d '{{"text": "/start"}}'""")
    print(f"  curl -s '{telegram}/chats/USER_ID/transcript'")


async def _until_told(ended: "asyncio.Task[str]") -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(sign, stop.set)
    told = asyncio.create_task(stop.wait())
    await asyncio.wait({told, ended}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if ended.done():
        raise StageError(ended.result())


if __name__ == "__main__":
    sys.exit(main())
