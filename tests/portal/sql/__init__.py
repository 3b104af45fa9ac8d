"""The portal of SQL views, on real databases: SQLite, and PostgreSQL and MariaDB with ``--engine``."""
