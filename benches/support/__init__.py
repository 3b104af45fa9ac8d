"""Shared by the benches: bots as processes, simulated people, attackers, measurements."""
