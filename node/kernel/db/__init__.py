"""Postgres: exact column types, one metadata, the unit of work (commands) and the query pool (reads)."""
