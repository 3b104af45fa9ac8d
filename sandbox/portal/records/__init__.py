"""Reads and changes of the portal's rows, and the event feed."""
