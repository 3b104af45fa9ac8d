"""Linking a chat by a mailed code, and the limits of codes."""
