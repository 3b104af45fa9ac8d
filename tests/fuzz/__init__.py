"""Generated input, at the real entrances. What was found stays as an explicit example of its test."""
