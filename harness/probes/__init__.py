"""The probes: each observes one thing on one connection and yields what it saw; the engine gives the verdict."""
