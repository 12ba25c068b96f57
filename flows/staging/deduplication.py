"""Deduplicate rows with the same key where no information is lost; otherwise reject them.

This module only builds SQL text; `load` executes it.
"""

from flows.database.connection import identifier
from flows.staging.surrogate_keys import stored_columns, stored_key
from schemas.columns import Table, facts


def hashes_of_keys(model: type[Table], table: str) -> str:
    """(row_in_file, hash): the hashes of the valid rows' keys. If no hash repeats, no key does."""
    keys = ", ".join(map(identifier, stored_key(model)))
    return f"SELECT row_in_file, hash({keys}) AS hash FROM {table} WHERE rejection IS NULL"


def surplus_rows(model: type[Table], table: str, suspects: str) -> str:
    """(row_id, is_duplicate) of each valid row with a repeated key that is not kept; the others are rejected.

    Of exact copies the first one is kept. Of several versions the only latest one is kept, where the table
    has versions; otherwise all of them are rejected.

    suspects: the relation of valid rows, by row_in_file, that share their key's hash with another row.
    """
    keys = ", ".join(map(identifier, stored_key(model)))
    content = ", ".join(map(identifier, stored_columns(model)))
    version = facts(model).get("version")
    latest = f"{identifier(version)} = max({identifier(version)}) OVER same_key" if version else "false"
    return f"""
    WITH repeated AS (
      SELECT row_in_file AS row_id, {content} FROM {table}
      WHERE row_in_file IN (SELECT row_in_file FROM {suspects})),
    copies AS (
      SELECT *, row_number() OVER (PARTITION BY {content} ORDER BY row_id) > 1 AS is_copy FROM repeated),
    versions AS (
      SELECT *, count(*) OVER same_key AS versions, {latest} AS is_latest FROM copies WHERE NOT is_copy
      WINDOW same_key AS (PARTITION BY {keys})),
    compared AS (
      SELECT row_id, versions, is_latest,
        count(*) FILTER (is_latest) OVER (PARTITION BY {keys}) = 1 AS has_one_latest FROM versions)
    SELECT row_id, true AS is_duplicate FROM copies WHERE is_copy
    UNION ALL
    SELECT row_id, has_one_latest FROM compared
    WHERE versions > 1 AND NOT (has_one_latest AND is_latest)
    """
