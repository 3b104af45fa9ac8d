"""Notices, reminders, subscriptions and the bookkeeper's copies."""
