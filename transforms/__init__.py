"""The rules R1 to R15 as polars expressions and frames: no clock, no input, no output."""
