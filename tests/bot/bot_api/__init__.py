"""The HTTP client for the Bot API."""
