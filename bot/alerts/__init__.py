"""The alerts in the operator's chat: what is watched, and how it is sent."""
