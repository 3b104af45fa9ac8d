"""A real PostgreSQL server, and what only it can show."""
