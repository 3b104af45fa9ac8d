"""The base class of adapters for small systems, on a system that is kept in memory."""
