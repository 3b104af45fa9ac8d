"""``odobot rotate-keys``: bring everything stored under the newest key, so that the older ones can be taken away."""

from collections.abc import Sequence

from storage.database import Database
from storage.rotation import remaining, rotate
from storage.vault import Vault


async def rotate_keys(database_url: str, keys: Sequence[str]) -> str:
    """Seal and hash anew under the first key what the others sealed and hashed. Returns the lines to print."""
    database = Database(database_url, Vault(keys))
    try:
        done = await rotate(database)
        left = await remaining(database)
    finally:
        await database.close()
    lines = [f"Sealed anew: {done.resealed}; hashed anew: {done.rehashed}; no key opens: {done.unreadable}"]
    if left:
        lines.append(
            f"Perhaps under an older key: {left} codes (deleted after a day), and counters and proofs of addresses that"
            " nobody is linked to (after 400 days). Without that key they begin anew."
        )
    return "\n".join(lines)
