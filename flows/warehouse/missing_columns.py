"""Columns that were delivered before and are missing now: a warning, or an error where rules read them."""

from collections.abc import Sequence

from flows.database.connection import Connection, identifier
from flows.files.file_scan import is_ndjson
from flows.sources.base import DataWarning, Extract
from flows.staging.load import staging_table
from flows.staging.surrogate_keys import stored_name
from schemas.errors import SourceError
from schemas.inputs import model_of

# Columns that only describe; every other one is read by some rule.
_DESCRIPTIVE = ("email", "first_name", "last_name", "name", "title", "linear_progression")
# The warehouse dates versions itself if the source does not.
_OWN_DATES = ("valid_from", "valid_to")
# A column without any value counts as missing if so many stored rows have a value.
_FEWEST_VALUES = 10


def missing_columns(
    connection: Connection,
    extract: Extract,
    columns: Sequence[str],
    before: Sequence[str],
    *,
    are_allowed: bool,
) -> list[str]:
    """The warnings about columns that the delivery lacks.

    columns, before: the contract's columns in this delivery, and in the one that the live release is from.
    are_allowed:     whether even a column that rules read may be missing.
    Raises: SourceError for a column that rules read.
    """
    if is_ndjson(extract.file) and not extract.is_full:
        return []
    missing = [name for name in before if name not in columns]
    empty = _emptied(connection, extract, before) if extract.is_full else []
    gone = [name for name in missing if not is_ndjson(extract.file)]
    needed = [name for name in before if name not in _DESCRIPTIVE and name in {*gone, *empty}]
    if needed and not are_allowed:
        raise SourceError(
            f"{extract.file}: table {extract.table} has no column {', '.join(needed)} or no value in it, "
            "which earlier deliveries had and rules read. Add it to the source, or publish once without it "
            "with --allow-missing-columns."
        )
    return [
        str(DataWarning(extract.name, f"column {name}, which earlier deliveries had, is missing or empty."))
        for name in dict.fromkeys([*missing, *empty])
    ]


def delivered_columns(
    deliveries: Sequence[tuple[Extract, Sequence[str]]], before: Sequence[str]
) -> list[str]:
    """The columns of a table after these deliveries, in the order in which they first appeared."""
    # Keys that no changed row has are not missing: the unchanged rows may have them.
    is_partial = all(is_ndjson(extract.file) and not extract.is_full for extract, _ in deliveries)
    delivered = [name for _, columns in deliveries for name in columns]
    return list(dict.fromkeys([*(before if is_partial else ()), *delivered]))


def _emptied(connection: Connection, extract: Extract, columns: Sequence[str]) -> list[str]:
    """The columns without any value in the whole table, though many stored rows have one."""
    fresh = staging_table(model_of(extract.table), is_full=True)
    names = [name for name in columns if name not in _OWN_DATES]
    if not names or extract.table not in connection.tables():
        return []
    counts = ", ".join(f"count({identifier(stored_name(name))})" for name in names)
    stored, delivered = (
        connection.rows(f"SELECT {counts} FROM {table}")[0] for table in (extract.table, fresh)
    )
    return [
        name
        for name, before, now in zip(names, stored, delivered, strict=True)
        if before >= _FEWEST_VALUES and not now
    ]
