"""A Tryton 8 server as a portal, over its REST API."""
