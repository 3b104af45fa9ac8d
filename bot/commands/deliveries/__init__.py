"""``odobot deliveries``: what was and will be sent to whom, and what an operator changes of it."""
