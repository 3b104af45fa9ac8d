"""Hostile names in mails, and unsubscribe links."""
