"""`python -m sandbox.portal`: runs the portal alone, until Ctrl+C."""

import argparse
import asyncio
import signal

from sandbox.portal.server import PortalServer


async def serve(options: argparse.Namespace) -> None:
    server = PortalServer(options.token, port=options.port, database=options.database)
    if options.accounts:
        server.portal.generate(options.accounts)
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with server:
        print(f"portal on {server.url}, control on {server.url}/control/accounts", flush=True)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.portal", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="a free one by default")
    parser.add_argument("--token", default="sandbox")
    parser.add_argument("--database", help="a file; in memory by default")
    parser.add_argument("--accounts", type=int, default=0, help="how many to generate")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
