"""Compares email addresses as the contract says."""

from collections.abc import Sequence

from portal.fields import email_key


def found_by(addresses: Sequence[str], email: str | None = None) -> tuple[str, tuple[str, ...]] | None:
    """Choose the address by which a contact was found.

    Args:
        addresses: Every address of the contact, the main one first.
        email: The address that was looked for; None for the main one.

    Returns:
        The address as the system writes it, and the others, each once; None where the contact does not have it.
    """
    written = [address.strip() for address in addresses if address.strip()]
    fitting = [address for address in written if email is None or email_key(address) == email_key(email)]
    if not fitting:
        return None
    others = (address for address in written if email_key(address) != email_key(fitting[0]))
    return fitting[0], tuple(dict.fromkeys(others))
