"""What the operator's chat is told: which alerts begin, and what to do, and which are over."""

from collections.abc import Sequence

from handlers.screens.screen import Screen
from services.operator_alerts.alerts import ERRORS_A_MINUTE, UNCERTAIN_DELIVERIES, Alert, Change
from texts.catalogue import Texts


def alerts_screen(t: Texts, company: str, changes: Sequence[Change]) -> Screen:
    """Tell changes of alerts, those that begin first."""
    begun = [_begun(t, change.alert) for change in changes if change.is_held]
    over = [_over(t, change) for change in changes if not change.is_held]
    facts = [*begun, t("operator.check")] if begun else []
    facts += over
    # An empty line between two facts: each has several sentences.
    return Screen(t("operator.title", company=company), facts=tuple(line for fact in facts for line in (fact, ""))[:-1])


def _begun(t: Texts, alert: Alert) -> str:
    match alert:
        case Alert.PORTAL:
            return t("operator.portal")
        case Alert.FEED:
            return t("operator.feed")
        case Alert.WEBHOOK:
            return t("operator.webhook")
        case Alert.POLLING:
            return t("operator.polling")
        case Alert.MAIL:
            return t("operator.mail")
        case Alert.UNCERTAIN:
            return t("operator.uncertain", limit=str(UNCERTAIN_DELIVERIES))
        case Alert.ERRORS:
            return t("operator.errors", limit=str(ERRORS_A_MINUTE))
        case Alert.KEYS:
            return t("operator.keys")
        case Alert.LOOPS:
            return t("operator.loops")


def _over(t: Texts, change: Change) -> str:
    minutes = str(max(1, round(change.lasted.total_seconds() / 60)))
    match change.alert:
        case Alert.PORTAL:
            return t("operator.portal_over", minutes=minutes)
        case Alert.FEED:
            return t("operator.feed_over", minutes=minutes)
        case Alert.WEBHOOK:
            return t("operator.webhook_over", minutes=minutes)
        case Alert.POLLING:
            return t("operator.polling_over", minutes=minutes)
        case Alert.MAIL:
            return t("operator.mail_over", minutes=minutes)
        case Alert.UNCERTAIN:
            return t("operator.uncertain_over", limit=str(UNCERTAIN_DELIVERIES))
        case Alert.ERRORS:
            return t("operator.errors_over")
        case Alert.KEYS:
            return t("operator.keys_over")
        case Alert.LOOPS:
            return t("operator.loops_over", minutes=minutes)
