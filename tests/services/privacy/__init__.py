"""The privacy policy."""
