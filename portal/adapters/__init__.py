"""Adapters of portals: what each one is, and how they are found by the scheme of ``ODOBOT_PORTAL_URL``."""
