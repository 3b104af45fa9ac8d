"""The order of updates."""
