"""Hostile answers of the portal, hostile document numbers, and reverse proxies before the portal."""
