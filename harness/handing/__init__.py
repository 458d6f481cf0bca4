"""Hand in: sign the report, pack it for the archive, and let anybody verify that nothing changed."""
