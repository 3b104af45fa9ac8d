"""Notices: delivery, rate, quiet hours."""
