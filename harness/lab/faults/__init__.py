"""The faults that the lab can show, by name."""
