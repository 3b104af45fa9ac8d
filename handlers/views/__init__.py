"""One module per subject: each view takes an action, asks services and portal, and returns a screen."""
