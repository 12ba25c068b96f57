"""Nights on one warehouse in memory: what a source delivers, and the release that comes of it."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from flows import transforming
from flows.publishing import history, release, verifying
from flows.sources.base import Extract
from flows.warehouse import accepting, loading, since_release
from flows.warehouse.accepting import Arrival
from flows.warehouse.duck import Duck
from flows.warehouse.keying import by_id
from flows.warehouse.limits import NO_LIMITS, Limits
from flows.warehouse.loading import Counts
from schemas.columns import polars_schema, table_name
from schemas.home import Home
from schemas.inputs import INPUTS, model_of
from schemas.manifest import Manifest, run_id
from tests.reference.rows import Tables

Row = dict[str, Any]


@dataclass(frozen=True)
class Delivery:
    """Rows of a table: all of them, or changes."""

    table: str
    rows: list[Row]
    taken_at: datetime
    is_full: bool = True


@dataclass
class Nights:
    """A warehouse and a home, night after night."""

    folder: Path
    duck: Duck

    def __post_init__(self) -> None:
        self.home = Home(self.folder / "home")
        self._numbers = itertools.count()
        self.warnings: list[str] = []
        self.home.published.mkdir(parents=True)

    def accept(
        self, deliveries: Iterable[Delivery], as_of: datetime, limits: Limits = NO_LIMITS
    ) -> dict[str, Counts]:
        """Load and accept what is delivered."""
        for module in (loading, accepting):
            module.start(self.duck)
        arrivals = []
        for delivery in deliveries:
            model = model_of(delivery.table)
            # DuckDB may take a file of the same name and time for the one it has read before.
            file = self.folder / f"{next(self._numbers)}.parquet"
            pl.DataFrame(delivery.rows, schema=polars_schema(model)).write_parquet(file)
            extract = Extract(delivery.table, file, delivery.taken_at, delivery.is_full)
            arrivals.append(Arrival(extract, loading.load(self.duck, model, extract)))
        accepted = accepting.accept(self.duck, arrivals, limits=limits, run_id=run_id(as_of), as_of=as_of)
        self.warnings = accepted.warnings
        return accepted.counts

    def publish(self, as_of: datetime, *, is_killed: bool = False) -> None:
        """Publish a release, or be killed right before it appears."""
        building = release.start_building(self.home)
        computed = transforming.transform(
            self.duck, self.home, verifying.intact(self.home), building, as_of, anew=False, limits=NO_LIMITS
        )
        release_id = release.next_release_id(self.home, run_id(as_of))
        since_release.settle(self.duck, release_id, history.names(self.home))
        if not is_killed:
            release.publish(
                self.home,
                release_id=release_id,
                run_id=run_id(as_of),
                as_of=as_of,
                source="test",
                tables_in={},
                computed=computed.computed,
                carried=computed.carried,
                since=computed.since,
                transitions=computed.transitions,
                companies={},
                seconds={},
            )

    @property
    def latest(self) -> Manifest:
        return Manifest.read(self.home.latest / "manifest.json")

    def stored(self) -> Tables:
        """The warehouse's six tables as the contract has them."""
        tables = {}
        for model in INPUTS:
            names = ", ".join(model.to_schema().columns)
            tables[table_name(model)] = self.duck.frame(
                f"SELECT {names} FROM ({by_id(model, table_name(model))}) ORDER BY ALL"
            ).to_dicts()
        return tables
