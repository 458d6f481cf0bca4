"""Turn `chain.toml` into pytest items and their verdicts into outcomes."""
