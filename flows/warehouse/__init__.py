"""The DuckDB warehouse: files in, typed and keyed tables, rejected rows in quarantine."""
