"""Failures of the portal and of Telegram, order of updates, stops, logs and backups."""
