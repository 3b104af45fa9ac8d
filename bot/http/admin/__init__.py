"""The admin port: readiness, metrics, and what they look at."""
