"""Sends what is queued: claims, breakers, the rate limiter, and the record of each outcome."""
