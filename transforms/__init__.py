"""The rules R1 to R17 as polars expressions and frames: no clock, no input, no output."""
