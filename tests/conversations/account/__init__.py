"""Linked accounts, settings, languages and personal data."""
