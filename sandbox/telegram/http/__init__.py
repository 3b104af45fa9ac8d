"""The Bot API over HTTP: transport, faults, parameter checks and the call of the method."""
