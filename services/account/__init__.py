"""What the portal has of an account, beyond one call: what is owed, what changed, and filtered lists."""
