"""The first rows of a new portal, and the generator of further accounts."""
