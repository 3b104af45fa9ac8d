"""Single outages, each with its figures in one line, on either engine.

``python -m tests.chaos.scenarios`` lists them; with names, or ``all``, it runs them. They measure and assert nothing:
what must hold is in ``tests.chaos.invariants``, and a scenario says how many times it does not.
"""
