"""Writes and sends the mails: codes, alerts to mailbox owners, bookkeepers' copies."""
