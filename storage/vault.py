"""Encryption at rest and keyed hashes, under keys that can be rotated."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class Vault:
    """Seals personal columns, and hashes what must be found again without being readable.

    Args:
        keys: Fernet keys (urlsafe base64 of 32 bytes), newest first. The newest seals and hashes; all open and look up.

    Raises:
        ValueError: a key is not one, or there is none.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise ValueError("at least one key is needed")
        self._sealer = MultiFernet([Fernet(key) for key in keys])
        self._roots = [base64.urlsafe_b64decode(key) for key in keys]

    def seal(self, text: str) -> str:
        """The text, encrypted and authenticated; another token every time."""
        return self._sealer.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """What was sealed under any of the keys."""
        return self._sealer.decrypt(sealed).decode()

    def open_or_none(self, sealed: str) -> str | None:
        """What was sealed under any of the keys.

        Returns:
            ``None`` where no key opens it: the key it was sealed under is no longer configured.
        """
        try:
            return self.open(sealed)
        except InvalidToken:
            return None

    def hash(self, purpose: str, text: str) -> str:
        """A keyed hash under the newest key, 64 hex digits; equal texts of different purposes hash differently."""
        return self._hash(self._roots[0], purpose, text)

    def hashes(self, purpose: str, text: str) -> list[str]:
        """The hash under every key, for a look-up of what an older key wrote."""
        return [self._hash(root, purpose, text) for root in self._roots]

    def matches(self, purpose: str, text: str, known: str) -> bool:
        """Whether ``known`` is a hash of the text, in constant time for each key."""
        found = False
        for candidate in self.hashes(purpose, text):
            found |= hmac.compare_digest(known.encode(), candidate.encode())
        return found

    @staticmethod
    def _hash(root: bytes, purpose: str, text: str) -> str:
        key = hmac.digest(root, f"odobot:{purpose}".encode(), hashlib.sha256)
        return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
