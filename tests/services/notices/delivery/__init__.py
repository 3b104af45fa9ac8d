"""Claims, breakers, the rate limiter, and the record of each outcome."""
