"""Saved answers of the portal: written after each change, and shown while the portal does not answer."""
