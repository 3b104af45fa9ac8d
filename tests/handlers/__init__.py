"""Screens, rendering and callback data."""
