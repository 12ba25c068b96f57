"""Reading files of input tables: text and parquet formats, and where a broken file breaks."""
