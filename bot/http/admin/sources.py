"""What the metrics of a process are read from."""

from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping

from msgspec import Struct, field

from bot.database_check import DatabaseCheck
from bot.http.admin.key_check import KeyCheck
from bot.supervisor import Supervisor
from handlers.context import Services
from services.notices.delivery.breaker import ChannelBreaker
from services.notices.delivery.outcome_recorder import OutcomeRecorder
from services.notices.feed_reader import FeedCounters
from storage.tables import Channel, State


class Sources(Struct, frozen=True):
    """What the metrics of a process are read from, beside the database."""

    services: Services
    feed: FeedCounters
    settled: Mapping[State, int]
    """The dispatcher's counts of deliveries by final state."""
    recorder: OutcomeRecorder
    breakers: Mapping[Channel, ChannelBreaker]
    clock_steps: Mapping[str, int]
    """Steps of the system clock by direction, ``back`` or ``forward``."""
    supervisor: Supervisor
    database_check: DatabaseCheck
    is_portal_away: Callable[[], bool]
    """Returns whether the breaker of the portal is open."""
    telegram_calls: Mapping[tuple[str, str], int]
    """By method of the Bot API, and ``counted_request.OUTCOMES``."""
    portal_calls: Mapping[tuple[str, str], int]
    """By name and outcome."""
    mail: Mapping[tuple[str, str], int]
    """By kind and outcome."""
    keys: KeyCheck
    stop_mails: MutableMapping[str, int]
    """By ``services.notices.stop_mail_reader.OUTCOMES``."""
    operator_messages: Counter[str] = field(default_factory=Counter)
    """Messages to the operator's chat, ``sent`` or ``failed``."""
