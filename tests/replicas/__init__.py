"""Several processes on one PostgreSQL, behind nginx, killed at any moment. Run by ``make test-replicas``."""
