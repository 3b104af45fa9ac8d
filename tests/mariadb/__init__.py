"""A real MariaDB server for the tests."""
