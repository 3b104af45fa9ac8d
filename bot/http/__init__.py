"""The HTTP server: the public and the admin endpoints, and the limits of both."""
