"""The chain test itself: test persons, prepared messages, what was sent, and what the user's own adapter says."""
