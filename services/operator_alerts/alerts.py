"""The alerts of the operator's chat, and when each is told."""

import datetime
from enum import StrEnum

from msgspec import Struct

UNCERTAIN_DELIVERIES = 20
"""So many deliveries may be uncertain."""
ERRORS_A_MINUTE = 5
"""So many updates that fail in a minute, in one process, are an alert."""


class Alert(StrEnum):
    """What the operator is alerted of. Operators see these words in the log."""

    PORTAL = "portal"
    FEED = "feed"
    WEBHOOK = "webhook"
    POLLING = "polling"
    MAIL = "mail"
    UNCERTAIN = "uncertain"
    ERRORS = "errors"
    KEYS = "keys"
    LOOPS = "loops"


class Rule(Struct, frozen=True):
    """When an alert is told: after it has held for ``tell_after``, and when nobody has seen it for ``over_after``."""

    tell_after: datetime.timedelta
    over_after: datetime.timedelta


_NOW, _MINUTE = datetime.timedelta(), datetime.timedelta(minutes=1)
_USUAL = Rule(_NOW, 2 * _MINUTE)
RULES = {
    Alert.PORTAL: Rule(5 * _MINUTE, _MINUTE),
    # After an outage of the portal the reader may pause for five minutes.
    Alert.FEED: Rule(5 * _MINUTE, 2 * _MINUTE),
    Alert.WEBHOOK: Rule(_MINUTE, 3 * _MINUTE),
    Alert.POLLING: Rule(_NOW, 5 * _MINUTE),
    Alert.MAIL: Rule(2 * _MINUTE, 5 * _MINUTE),
    # Most are repeated after 15 minutes by themselves.
    Alert.UNCERTAIN: Rule(20 * _MINUTE, _MINUTE),
    Alert.ERRORS: Rule(_NOW, 10 * _MINUTE),
    Alert.KEYS: _USUAL,
    Alert.LOOPS: Rule(2 * _MINUTE, 2 * _MINUTE),
}


class Change(Struct, frozen=True):
    """What is to be told: that an alert began (``is_held``), or that it is over, after it held for ``lasted``."""

    alert: Alert
    is_held: bool
    lasted: datetime.timedelta
