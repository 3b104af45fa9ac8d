"""What the settings are read from: variables of the environment and of ``.env``, and the URLs in their values."""
