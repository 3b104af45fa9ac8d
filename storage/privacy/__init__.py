"""Consents, and the versions of the privacy policy."""
