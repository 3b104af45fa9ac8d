"""The security log: who was let in, refused or put out, with keyed hashes instead of persons, and a count of each."""

from collections import Counter
from enum import StrEnum

import structlog

from storage.vault import Vault

_HASH_LENGTH = 16


class SecurityEvent(StrEnum):
    """What is logged, as ``security.<value>``; docs/operating.md says what each means and what to do."""

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
    COPY_SET = "copy_set"
    COPY_STOPPED = "copy_stopped"
    ACCESS_ENDED = "access_ended"
    FORGED_BUTTON = "forged_button"
    FOREIGN_CONTEXT = "foreign_context"


class SecurityLog:
    """Writes the events and counts them. No line holds a chat id, an address or a name: equal hashes are the same."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._log = structlog.get_logger("security")
        self.counts: Counter[tuple[str, str]] = Counter()
        """How often each event happened in this process, by event and cause."""

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
        """Writes one line.

        Args:
            cause: a fixed word; it becomes a label of the metric.
            other_chat_id: the chat that is acted on, where it is not the one that acts.
            count: of how many links, where it is more than one.
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
        """Of its own purpose: what stands in a log must not be found in the database."""
        return self._vault.hash(f"log-{purpose}", text)[:_HASH_LENGTH]
