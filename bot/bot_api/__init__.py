"""The HTTP client of the Bot API: requests, their bodies, and answers."""
