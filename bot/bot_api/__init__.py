"""The HTTP client for the Bot API: request, body and answer."""
