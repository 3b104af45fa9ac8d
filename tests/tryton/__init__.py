"""A real Tryton 8 server, and Odobot in front of it: `make test-tryton`."""
