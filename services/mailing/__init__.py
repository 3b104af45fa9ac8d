"""Mails to people who are not waiting in a chat: their text and their sending."""
