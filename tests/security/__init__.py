"""Attacks on the bot, by subject; the modules beside the folders are shared helpers."""
