"""Queries about notices: the feed, the outbox and its retention, and what recipients chose to receive."""
