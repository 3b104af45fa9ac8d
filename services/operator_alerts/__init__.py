"""The alerts of the operator's chat: which there are, and which process tells what."""
