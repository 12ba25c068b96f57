"""The connection to DuckDB: the one place that executes SQL."""
