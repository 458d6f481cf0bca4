"""Turn a run file into the report that its reader hands in, reviews or works from."""
