"""Staging: load an extract into a staging table, typed, validated, keyed and deduplicated."""
