"""Limits of HTTP: the public port's requests, and the answers of Telegram."""
