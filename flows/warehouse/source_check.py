"""Check a source without storing or publishing anything: which rows would be rejected, and why."""

import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from flows.sources.base import EMPTY_WAREHOUSE, WarehouseState
from flows.sources.delivery import delivered
from flows.staging.load import Counts
from flows.staging.plausibility import loaded_with_warnings
from flows.warehouse.merge import StagedExtract, merge, warnings_of
from flows.warehouse.quarantine import PendingRows, pending_rows
from flows.warehouse.table_counts import delivery
from flows.warehouse.thresholds import NO_THRESHOLDS
from flows.warehouse.warehouse import Warehouse
from schemas.columns import table_name
from schemas.inputs import INPUTS, OPTIONAL
from schemas.manifest import Matched, run_id

# As if every table had been extracted long ago, so that the delivery changes it.
_ALL_STORED = WarehouseState({table_name(model): datetime(1, 1, 1, tzinfo=UTC) for model in INPUTS})


@dataclass(frozen=True)
class Checked:
    """What would become of the source's rows.

    are_changes: only changes, each checked alone: pending rows depend on the warehouse.
    warnings:    sentences about the data that a person should know, as a run's manifest has them.
    matched:     how much activity refers to something known, by company; empty of changes.
    """

    arrivals: list[StagedExtract]
    counts: dict[str, Counts]
    are_changes: bool
    pending: list[PendingRows] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    matched: dict[str, Matched] = field(default_factory=dict)

    @property
    def implausible(self) -> list[str]:
        """The warnings that block a strict run."""
        return [it for arrival in self.arrivals for it in arrival.counts.implausible]

    @property
    def deliveries(self) -> dict[str, str]:
        """How each table came: as `schemas.manifest.TableIn.delivery`."""
        return {table: delivery(self.arrivals, table) for table in self.counts}

    @property
    def all_pending(self) -> bool:
        """Whether every enrollment is pending: a first run would publish no statistics."""
        enrollments = self.counts.get("enrollments")
        return bool(enrollments and enrollments.stored and enrollments.pending == enrollments.stored)

    def blocked_by(self, limit: float) -> list[str]:
        """The tables of which more was rejected than a run allows."""
        above = [arrival for arrival in self.arrivals if arrival.counts.rejected_share > limit]
        return list(dict.fromkeys(arrival.extract.table for arrival in above))


def check_source(source: str, as_of: datetime, min_matched: float = NO_THRESHOLDS.min_matched) -> Checked:
    """Read and check what the source delivers to a warehouse that is empty; `changes:` to one that is not.

    min_matched: below this share of matched activity there is a warning.
    Raises: SourceError if a table can't be read.
    """
    are_changes = source.partition(":")[0] == "changes"
    with tempfile.TemporaryDirectory(prefix="pathstats-") as folder:
        landing = Path(folder) / "landing"
        landing.mkdir()
        delivery = delivered(source, landing, as_of, _ALL_STORED if are_changes else EMPTY_WAREHOUSE)
        extracts, warned = delivery.extracts, delivery.warnings
        with Warehouse.open(Path(folder) / "check.duckdb") as connection:
            arrivals = [
                StagedExtract(item, loaded_with_warnings(connection, item, as_of)) for item in extracts
            ]
            warned += warnings_of(arrivals)
            if are_changes:
                counts = {arrival.extract.table: arrival.counts for arrival in arrivals}
                nothing = {table_name(it): Counts(0, 0, 0, 0) for it in INPUTS if it not in OPTIONAL}
                return Checked(arrivals, nothing | counts, are_changes, warnings=warned)
            merged = merge(
                connection,
                arrivals,
                thresholds=NO_THRESHOLDS.model_copy(update={"min_matched": min_matched}),
                run_id=run_id(as_of),
                as_of=as_of,
            )
            return Checked(
                arrivals,
                merged.counts,
                are_changes,
                pending_rows(connection),
                [*warned, *merged.warnings],
                merged.matched,
            )
