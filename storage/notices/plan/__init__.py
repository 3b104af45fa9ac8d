"""Queries about the plan of reminders and order endings: its rows, their hand-over to the outbox, and the sweeps."""
