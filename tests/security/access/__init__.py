"""Access after unlinking, revocation or a change at the portal, and updates of other people."""
