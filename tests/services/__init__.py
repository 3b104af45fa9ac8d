"""Linking input, mails, notices."""
