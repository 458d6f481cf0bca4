"""The judges: pure functions from a document to findings, used by `check`, by the probes and by the lab."""
