"""Rendering and callback data."""
