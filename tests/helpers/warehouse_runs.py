"""Nights on one warehouse in memory: what a source delivers, and the release that comes of it."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from flows.compute import run_parts
from flows.database.connection import Duck
from flows.release import catalog, integrity
from flows.release import publish as publish_module
from flows.sources.base import Extract
from flows.staging import load
from flows.staging.load import Counts
from flows.staging.surrogate_keys import by_id
from flows.warehouse import merge, release_base
from flows.warehouse.merge import Arrival
from flows.warehouse.thresholds import NO_LIMITS, Limits
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
        for module in (load, merge):
            module.start(self.duck)
        arrivals = []
        for delivery in deliveries:
            model = model_of(delivery.table)
            # DuckDB may take a file of the same name and time for the one it has read before.
            file = self.folder / f"{next(self._numbers)}.parquet"
            pl.DataFrame(delivery.rows, schema=polars_schema(model)).write_parquet(file)
            extract = Extract(delivery.table, file, delivery.taken_at, delivery.is_full)
            arrivals.append(Arrival(extract, load.load(self.duck, model, extract)))
        accepted = merge.accept(self.duck, arrivals, limits=limits, run_id=run_id(as_of), as_of=as_of)
        self.warnings = accepted.warnings
        return accepted.counts

    def publish(self, as_of: datetime, *, is_killed: bool = False) -> None:
        """Publish a release, or be killed right before it appears."""
        building = publish_module.start_building(self.home)
        computed = run_parts.transform(
            self.duck, self.home, integrity.intact(self.home), building, as_of, anew=False, limits=NO_LIMITS
        )
        release_id = publish_module.next_release_id(self.home, run_id(as_of))
        release_base.settle(self.duck, release_id, catalog.names(self.home))
        if not is_killed:
            publish_module.publish(
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
