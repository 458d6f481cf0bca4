"""Build, parse, sign and verify what goes over the line; shared by judges, probes and lab."""
