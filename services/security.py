"""The security log: events about codes, links and limits, with keyed hashes in place of personal data."""

from collections import Counter
from enum import StrEnum

import structlog

from storage.vault import Vault

_HASH_LENGTH = 16


class SecurityEvent(StrEnum):
    """The events, logged as ``security.<value>``. docs/operating.md documents each one."""

    CODE_REQUESTED = "code_requested"
    CODE_NOT_SENT = "code_not_sent"
    CODE_WRONG = "code_wrong"
    CAP_REACHED = "cap_reached"
    CAP_LIFTED = "cap_lifted"
    OWNER_WARNED = "owner_warned"
    LINKED = "linked"
    UNLINKED = "unlinked"
    FORGOTTEN = "forgotten"
    REVOKED = "revoked"
    REVOCATION_NEEDS_CODE = "revocation_needs_code"
    INVITATION_MADE = "invitation_made"
    INVITATION_NOT_MADE = "invitation_not_made"
    INVITATION_OPENED = "invitation_opened"
    INVITATION_REFUSED = "invitation_refused"
    INLINE_OFFERED = "inline_offered"
    COPY_SET = "copy_set"
    COPY_STOPPED = "copy_stopped"
    CALENDAR_MADE = "calendar_made"
    CALENDAR_STOPPED = "calendar_stopped"
    ACCESS_ENDED = "access_ended"
    FORGED_BUTTON = "forged_button"
    FOREIGN_CONTEXT = "foreign_context"
    DELIVERIES_RETRIED = "deliveries_retried"
    DELIVERIES_CANCELLED = "deliveries_cancelled"
    DELIVERIES_REPEATED = "deliveries_repeated"
    COPY_PAUSED = "copy_paused"
    ANNOUNCEMENT_SENT = "announcement_sent"
    ANNOUNCEMENT_CANCELLED = "announcement_cancelled"
    INCIDENT_RECORDED = "incident_recorded"
    KEYS_ROTATED = "keys_rotated"


class SecurityLog:
    """Logs and counts security events. Chats and addresses appear as keyed hashes only, equal for equal values."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._log = structlog.get_logger("security")
        self.counts: Counter[tuple[str, str]] = Counter()
        """Number of events in this process, by event and cause."""

    def record(
        self,
        event: SecurityEvent,
        *,
        cause: str = "",
        chat_id: int | None = None,
        other_chat_id: int | None = None,
        email: str | None = None,
        count: int | None = None,
    ) -> None:
        """Log and count one event.

        Args:
            cause: One of a fixed set of words: it becomes a label of the metric.
            chat_id: The acting chat.
            other_chat_id: The chat that the action affects, if it is not the acting one.
            count: Number of affected links or copies.
        """
        self.counts[event, cause] += 1
        fields: dict[str, object] = {}
        if cause:
            fields["cause"] = cause
        if chat_id is not None:
            fields["chat"] = self._hash("chat", str(chat_id))
        if other_chat_id is not None:
            fields["other_chat"] = self._hash("chat", str(other_chat_id))
        if email is not None:
            fields["address"] = self._hash("email", email)
        if count is not None:
            fields["count"] = count
        self._log.info(f"security.{event}", **fields)

    def _hash(self, purpose: str, text: str) -> str:
        """Hash for a purpose that only logs use, so that log lines cannot be matched with database rows."""
        return self._vault.hash(f"log-{purpose}", text)[:_HASH_LENGTH]
