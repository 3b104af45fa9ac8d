"""``python -m sandbox``: runs the simulated Telegram, portal and mailbox with the bot, on loopback."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import webbrowser
from pathlib import Path

from sandbox.script import play
from sandbox.stage import Stage, StageError, set_stage
from sandbox.telegram.errors import SandboxMisuse


def main() -> int:
    """Play the main conversation, then keep running. With ``--script``, exit after the conversation."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--script", action="store_true", help="end after the conversation: 0, or the reason")
    parser.add_argument("--folder", type=Path, default=Path("demo"), help="where database, log and PDFs go")
    parser.add_argument("--port", type=int, default=0, help="where the page is served; 0 takes a free port")
    chosen = parser.parse_args()
    try:
        asyncio.run(_run(chosen.folder.resolve(), chosen.port, stay=not chosen.script))
    except (StageError, SandboxMisuse, TimeoutError, AssertionError) as error:
        print(f"The demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


async def _run(folder: Path, port: int, *, stay: bool) -> None:
    async with set_stage(folder, port, has_movable_clock=True) as stage:
        if stay:
            print(f"Chat, mailbox and portal on one page: {stage.page_url}")
        ended = asyncio.create_task(stage.bot.ended())
        played = asyncio.create_task(play(stage))
        await asyncio.wait({ended, played}, return_when=asyncio.FIRST_COMPLETED)
        if not played.done():
            played.cancel()
            raise StageError(ended.result())
        pdfs = played.result()
        print("The files that arrived:")
        for pdf in pdfs:
            print(f"  {pdf}")
        if stay:
            _say_how_to_go_on(stage)
            await _until_stopped(ended)
        ended.cancel()


def _say_how_to_go_on(stage: Stage) -> None:
    telegram = f"{stage.telegram.url}/control"
    print("\nIt stays up; Ctrl-C ends it. Go on in the browser, as these people or as somebody new:")
    print(f"\n  {stage.page_url}\n")
    if _has_a_screen():
        webbrowser.open(stage.page_url)
    print(f"The bot's log is {stage.bot.log}")
    print("For programs there is a control API (JSON over HTTP; see the README.md beside each part of sandbox/):")
    print(f"  Telegram  {telegram}")
    print(f"  portal    {stage.portal.url}/control")
    print(f"  mailbox   {stage.mail_url}/messages")


def _has_a_screen() -> bool:
    """Whether a graphical browser can open. A text browser would take over this terminal."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


async def _until_stopped(ended: "asyncio.Task[str]") -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(sign, stop.set)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({stopped, ended}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if ended.done():
        raise StageError(ended.result())


if __name__ == "__main__":
    sys.exit(main())
