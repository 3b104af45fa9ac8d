"""Telegram and the portal as fast HTTP stubs."""
