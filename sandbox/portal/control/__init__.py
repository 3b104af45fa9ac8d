"""The control API: the company's staff, faults and clock over HTTP."""
