"""Compare our results with the platform's, field by field."""

from collections import Counter, defaultdict
from collections.abc import Iterator

import polars as pl

from flows.reconciliation.difference_categories import difference_category
from schemas.columns import polars_schema
from schemas.enums import COMPARED, PARITY_FIELDS
from schemas.manifest import Agreement
from schemas.outputs import Parity

_KEYS = ("company_id", "session_id", "user_id", "enrollment_id")
# Enrollments compared at a time, with five rows each.
_BATCH = 100_000


def compared(both: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The rows of parity in key order, a batch of enrollments at a time.

    both: as returned by `evidence`.
    """
    fields = pl.DataFrame({"field": sorted(COMPARED)})
    for batch in both.iter_slices(_BATCH):
        yield (
            batch.join(fields, how="cross", maintain_order="left_right")
            .with_columns(ours=_value("ours"), theirs=_value("theirs"))
            .filter(_is_compared())
            .with_columns(same=pl.col("ours").eq_missing(pl.col("theirs")))
            .with_columns(difference=pl.when(~pl.col("same")).then(difference_category()))
            .select(*_KEYS, "field", "ours", "theirs", "same", "difference")
            .cast(pl.Schema(polars_schema(Parity)))
        )


def _is_compared() -> pl.Expr:
    """Whether a row belongs in parity: value fields if both sides have the enrollment, else `enrollment`."""
    is_on_both_sides = pl.col("ours_type").is_not_null() & pl.col("theirs_type").is_not_null()
    return (pl.col("field") == "enrollment") != is_on_both_sides


def _value(side: str) -> pl.Expr:
    """The field's value as text."""
    kind = pl.concat_str(f"{side}_type", f"{side}_reason", separator=", ", ignore_nulls=True)
    values = {
        "detailed_status": kind,
        "progress": pl.col(f"{side}_progress").cast(pl.String),
        "score": pl.col(f"{side}_score").cast(pl.String),
        "global_time_ms": pl.col(f"{side}_time_ms").cast(pl.String),
        "completed_at": pl.col(f"{side}_completed_at").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"),
        "enrollment": pl.when(pl.col(f"{side}_type").is_not_null()).then(pl.lit("enrolled")),
    }
    return pl.coalesce(pl.when(pl.col("field") == field).then(values[field]) for field in COMPARED)


class Counting:
    """Count the agreement, batch by batch."""

    def __init__(self) -> None:
        self._compared = 0
        self._same: Counter[str] = Counter()
        self._differences: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, rows: pl.DataFrame) -> None:
        self._compared += rows.filter(pl.col("field") == PARITY_FIELDS[0]).height
        for field, difference, count in rows.group_by("field", "difference").len().iter_rows():
            if difference is None:
                self._same[field] += count
            else:
                self._differences[difference][field] += count

    def agreement(self) -> Agreement:
        same = {field: self._same[field] for field in PARITY_FIELDS}
        differences = {
            name: {field: found[field] for field in COMPARED if found[field]}
            for name, found in sorted(self._differences.items(), key=lambda it: (-it[1].total(), it[0]))
        }
        return Agreement(self._compared, same, differences)
