"""Chaos as a test: the real program among neighbours that fail, killed and restarted, from a seed.

``python -m tests.chaos`` (``make test-chaos``) generates a plan from a seed, plays it against ``odobot run``, waits
until everything is settled, and checks what the people, the bookkeepers and the database then have. The plan follows
from the seed; the timing of the machine does not, so a violation may need several runs with its seed.

| file | |
|---|---|
| ``plan.py`` | the plan: which step happens when, from a seed |
| ``players.py`` | plays the steps: people, portal, faults, kills, clock |
| ``faults.py`` | the faults of Telegram, portal and mail server, by name |
| ``run.py`` | one run: start, plan, calm phase, check |
| ``history.py`` | what happened, as plain records; the invariants see nothing else |
| ``recorded.py`` | makes the history from the sandbox's chats, mailbox and calls |
| ``invariants.py`` | what must hold of a history |
| ``report.py`` | the line of figures; for a violation the time line around it |
| ``setup/`` | the sandbox with linked people, the program as a process, its databases and its clock |
| ``scenarios/`` | single outages with figures: ``python -m tests.chaos.scenarios`` lists them |

``test_invariants.py`` and ``test_plan.py`` are quick, and part of ``make test``.
"""
