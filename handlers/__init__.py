"""Handlers of Telegram's updates, and everything that is sent to Telegram.

More than a dozen files: the ways in (commands, texts, questions, buttons), and what all views share.
"""
