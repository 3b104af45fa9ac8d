"""Handlers of Telegram's updates, and everything that is sent to Telegram."""
