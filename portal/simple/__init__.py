"""A base class that makes a whole portal of five reads, and the HTTP helper for adapters of JSON APIs."""
