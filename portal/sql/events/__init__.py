"""The event feed of a database: which rows changed since a cursor, and what of it is told."""
