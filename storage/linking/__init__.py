"""Queries about linking: codes and their limits, links, the chats that share an address, access."""
