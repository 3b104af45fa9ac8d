"""Linking a chat to accounts: codes, their limits, their delivery."""
