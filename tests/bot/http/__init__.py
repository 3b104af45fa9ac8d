"""The public and admin endpoints."""
