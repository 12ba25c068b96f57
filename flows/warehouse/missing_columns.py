"""Columns that earlier deliveries had and this one lacks: a warning, or an error where rules read them."""

from collections.abc import Sequence
from pathlib import Path

from flows.sources.base import DataWarning, Extract
from flows.warehouse.duck import Duck, identifier, quoted
from flows.warehouse.keying import stored_name
from schemas.errors import SourceError

# Columns that only describe; every other one is read by some rule.
_DESCRIPTIVE = ("email", "first_name", "last_name", "name", "title", "linear_progression")
# NDJSON has no header: a key that no row has counts as a missing column if so many stored rows have a value.
_FEWEST_VALUES = 10


def missing_columns(
    duck: Duck, extract: Extract, columns: Sequence[str], before: Sequence[str], *, are_allowed: bool
) -> list[str]:
    """The warnings about columns that the delivery lacks.

    columns, before: the contract's columns in this delivery, and in the one that the live release is from.
    are_allowed:     whether even a column that rules read may be missing.
    Raises: SourceError for a column that rules read.
    """
    if _is_ndjson(extract.file) and not extract.is_full:
        return []
    missing = [name for name in before if name not in columns]
    needed = [name for name in missing if name not in _DESCRIPTIVE and _is_missed(duck, extract, name)]
    if needed and not are_allowed:
        raise SourceError(
            f"{extract.file}: table {extract.table} has no column {', '.join(needed)}, which earlier "
            "deliveries had and rules read. Add it to the source, or publish once without it with "
            "--allow-missing-columns."
        )
    return [
        str(DataWarning(extract.name, f"column {name}, which earlier deliveries had, is missing."))
        for name in missing
    ]


def delivered_columns(
    deliveries: Sequence[tuple[Extract, Sequence[str]]], before: Sequence[str]
) -> list[str]:
    """The columns of a table as of these deliveries, in the order in which they were first met."""
    # Keys that no changed row has are not missing: the rows that have not changed may have them.
    is_partial = all(_is_ndjson(extract.file) and not extract.is_full for extract, _ in deliveries)
    delivered = [name for _, columns in deliveries for name in columns]
    return list(dict.fromkeys([*(before if is_partial else ()), *delivered]))


def _is_missed(duck: Duck, extract: Extract, column: str) -> bool:
    if not _is_ndjson(extract.file):
        return True
    is_stored = f"SELECT count(*) FROM duckdb_tables() WHERE table_name = {quoted(extract.table)}"
    if not duck.value(is_stored):
        return False
    stored = identifier(stored_name(column))
    return bool(duck.value(f"SELECT count({stored}) >= {_FEWEST_VALUES} FROM {extract.table}"))


def _is_ndjson(file: Path) -> bool:
    return not {".ndjson", ".jsonl"}.isdisjoint(map(str.lower, file.suffixes))
