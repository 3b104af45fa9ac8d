"""The counters that are read from mappings: what each is called, and its labels."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from bot.bot_api import counted_request
from bot.http.admin.sources import Sources
from handlers.context import RELAY_OUTCOMES
from handlers.rich_support import OUTCOMES as RICH_OUTCOMES
from handlers.telegram.failures import FailureKind
from mail.counted import KINDS as MAIL_KINDS, OUTCOMES as MAIL_OUTCOMES
from portal.fields import unread_rows
from services.calendar import feeds
from services.notices.delivery.counters import OUTCOMES as DELIVERY_OUTCOMES
from services.notices.stop_mail_reader import OUTCOMES as STOP_MAILS
from services.saved_answers.store import OUTCOMES as SAVED_ANSWERS
from storage.notices import outbox_report
from storage.tables import Channel

_FREQUENT_METHODS = ("sendMessage", "editMessageText", "answerCallbackQuery", "sendDocument")
"""Methods of the Bot API whose outcomes are exported before they occur, so that ``increase`` sees the first one."""


class Counts(Collector):
    """Exports counts as one metric of type counter.

    Args:
        name: The metric's name without ``_total``.
        counts: By the value of the label, or of each label.
        expected: The values that are exported as 0 before they occur.
    """

    def __init__(
        self,
        name: str,
        text: str,
        labels: Sequence[str],
        counts: Callable[[], Mapping[Any, int]],
        expected: Iterable[str | tuple[str, ...]] = (),
    ) -> None:
        self._name = name
        self._text = text
        self._labels = labels
        self._counts = counts
        self._expected = tuple(expected)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the metric."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        counts: dict[Any, int] = {**dict.fromkeys(self._expected, 0), **self._counts()}
        for key, count in sorted(counts.items()):
            family.add_metric([key] if isinstance(key, str) else list(key), count)
        yield family


def counts_of(sources: Sources) -> tuple[Counts, ...]:
    """Return the counters of a process."""
    services = sources.services
    return (
        Counts(
            "odobot_answers_undelivered",
            "Answers that were not delivered in time, since the start.",
            ["kind"],
            lambda: services.undelivered,
            FailureKind,
        ),
        Counts("odobot_updates_failed", "Updates that failed.", ["error"], lambda: services.failed_updates),
        Counts(
            "odobot_support_messages",
            "Messages between people and the staff.",
            ["outcome"],
            lambda: services.support,
            RELAY_OUTCOMES,
        ),
        Counts(
            "odobot_telegram_calls",
            "Calls of the Bot API but getUpdates.",
            ["method", "outcome"],
            lambda: sources.telegram_calls,
            product(_FREQUENT_METHODS, counted_request.OUTCOMES),
        ),
        Counts(
            "odobot_rich_messages",
            "Lists and details for chats that chose tables.",
            ["outcome"],
            lambda: services.rich_support.outcomes,
            RICH_OUTCOMES,
        ),
        Counts("odobot_portal_calls", "Calls of the portal.", ["call", "outcome"], lambda: sources.portal_calls),
        Counts(
            "odobot_portal_rows_unread",
            "Rows of the portal's answers that could not be read.",
            ["row"],
            lambda: unread_rows,
            ("Account", "Contact", "Invoice", "Order", "OrderLine"),
        ),
        Counts(
            "odobot_saved_answers",
            "Saved answers of the portal.",
            ["outcome"],
            lambda: services.saved_answers.counts,
            SAVED_ANSWERS,
        ),
        Counts(
            "odobot_calendar_requests",
            "Calendars.",
            ["outcome"],
            lambda: services.calendar_feeds.counts,
            feeds.OUTCOMES,
        ),
        Counts(
            "odobot_operator_messages",
            "Messages to the operator's chat.",
            ["outcome"],
            lambda: sources.operator_messages,
            ("sent", "failed"),
        ),
        Counts("odobot_stop_mails", "Mails about copies.", ["outcome"], lambda: sources.stop_mails, STOP_MAILS),
        Counts(
            "odobot_mail",
            "Letters and sessions.",
            ["kind", "outcome"],
            lambda: sources.mail,
            product(MAIL_KINDS, MAIL_OUTCOMES),
        ),
        Counts("odobot_deliveries_settled", "Settled.", ["state"], lambda: sources.settled, outbox_report.FINAL),
        Counts(
            "odobot_delivery_outcomes",
            "Attempts at deliveries.",
            ["channel", "outcome"],
            lambda: sources.recorder.counters.outcomes,
            product(Channel, DELIVERY_OUTCOMES),
        ),
    )
