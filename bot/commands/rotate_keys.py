"""``odobot rotate-keys``: bring everything stored under the newest key, so that the older ones can be taken away."""

from msgspec import Struct

from bot.commands.common import record_change
from services.security import SecurityEvent
from storage.database import Database
from storage.rotation import remaining, rotate


class Rotation(Struct, frozen=True):
    """What was sealed and hashed anew, what no key opens, and how many rows may still be under an older key."""

    resealed: int
    rehashed: int
    unreadable: int
    remaining: int

    def lines(self) -> list[str]:
        """Return the lines to print."""
        lines = [f"Sealed anew: {self.resealed}; hashed anew: {self.rehashed}; no key opens: {self.unreadable}"]
        if self.remaining:
            lines.append(
                f"Perhaps under an older key: {self.remaining} codes (deleted after a day), and counters and proofs of"
                " addresses that nobody is linked to (after 400 days). Without that key they begin anew."
            )
        return lines


async def rotate_keys(database: Database) -> Rotation:
    """Seal and hash anew under the first key what the others sealed and hashed."""
    done = await rotate(database)
    if changed := done.resealed + done.rehashed:
        record_change(database, SecurityEvent.KEYS_ROTATED, changed)
    return Rotation(done.resealed, done.rehashed, done.unreadable, await remaining(database))
