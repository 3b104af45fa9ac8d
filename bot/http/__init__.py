"""What is served over HTTP: the public and the admin endpoints, and their limits."""
