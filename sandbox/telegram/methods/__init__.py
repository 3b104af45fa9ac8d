"""The Bot API's methods, each registered under its documented name."""
