"""The embedded lab: counterparties on loopback that behave, or misbehave as asked."""
