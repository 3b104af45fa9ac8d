"""The connections to a portal: aiohttp's, under the one httpx client, and what bounds their answers."""
