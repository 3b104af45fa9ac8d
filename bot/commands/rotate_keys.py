"""``odobot rotate-keys``: bring everything stored under the newest key, so that the older ones can be taken away."""

from bot.commands.common import record_change
from services.security import SecurityEvent
from storage.database import Database
from storage.rotation import remaining, rotate


async def rotate_keys(database: Database) -> str:
    """Seal and hash anew under the first key what the others sealed and hashed. Returns the lines to print."""
    done = await rotate(database)
    if changed := done.resealed + done.rehashed:
        record_change(database, SecurityEvent.KEYS_ROTATED, changed)
    left = await remaining(database)
    lines = [f"Sealed anew: {done.resealed}; hashed anew: {done.rehashed}; no key opens: {done.unreadable}"]
    if left:
        lines.append(
            f"Perhaps under an older key: {left} codes (deleted after a day), and counters and proofs of addresses that"
            " nobody is linked to (after 400 days). Without that key they begin anew."
        )
    return "\n".join(lines)
