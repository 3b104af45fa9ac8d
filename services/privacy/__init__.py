"""The privacy policy: its text from the settings, its version, and the notice of a new version."""
