"""Encryption at rest and keyed hashes, under keys that can be rotated."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Vault:
    """Seals (encrypts) personal columns, and computes keyed hashes to look up sealed values.

    Args:
        keys: Fernet keys (urlsafe base64 of 32 bytes), newest first. The newest key encrypts and hashes; all keys
            decrypt and look up.

    Raises:
        ValueError: A key is malformed, or there is none.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("at least one key is needed")
        self._newest = Fernet(keys[0])
        self._sealer = MultiFernet([Fernet(key) for key in keys])
        self._roots = [base64.urlsafe_b64decode(key) for key in keys]

    def seal(self, text: str) -> str:
        """Encrypt and authenticate a text. Each call gives another token."""
        return self._sealer.encrypt(text.encode()).decode()

    def is_newest(self, sealed: str) -> bool:
        """Return whether the newest key sealed this."""
        try:
            self._newest.decrypt(sealed)
        except (InvalidToken, ValueError):
            return False
        return True

    def open_or_none(self, sealed: str) -> str | None:
        """Decrypt what any of the keys sealed.

        Returns:
            ``None`` where none did: the key is no longer configured. Nothing raises instead, so that a retired key is
            an answer that every caller has to handle.
        """
        try:
            return self._sealer.decrypt(sealed).decode()
        except (InvalidToken, ValueError):  # ValueError: damaged, such as by a character that is not ASCII
            return None

    def opens(self, sealed: str) -> bool:
        """Return whether one of the keys sealed this."""
        return self.open_or_none(sealed) is not None

    def hash(self, purpose: str, text: str) -> str:
        """Return the keyed hash of a text under the newest key: 64 hex digits. Each purpose has other hashes."""
        return self._hash(self._roots[0], purpose, text)

    def hashes(self, purpose: str, text: str) -> list[str]:
        """Return the hash under every key, to look up rows that an older key wrote."""
        return [self._hash(root, purpose, text) for root in self._roots]

    def matches(self, purpose: str, text: str, known: str) -> bool:
        """Return whether ``known`` is a hash of the text under any key, in constant time for each key."""
        found = False
        for candidate in self.hashes(purpose, text):
            found |= hmac.compare_digest(known.encode(), candidate.encode())
        return found

    @staticmethod
    def _hash(root: bytes, purpose: str, text: str) -> str:
        key = hmac.digest(root, f"odobot:{purpose}".encode(), hashlib.sha256)
        return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
