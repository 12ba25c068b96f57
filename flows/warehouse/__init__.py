"""The DuckDB warehouse: files in, typed and keyed tables, refused rows in quarantine."""
