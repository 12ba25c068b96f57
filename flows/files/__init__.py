"""Read files of input tables (CSV, NDJSON, parquet) and report where a damaged file is wrong."""
