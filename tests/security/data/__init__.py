"""Private files and a security log without personal data."""
