"""Runs on one warehouse in memory: what a source delivers, and the release that comes of it."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from flows.compute import run_parts
from flows.database.connection import Connection
from flows.release import catalog, integrity
from flows.release import publish as publish_module
from flows.sources.base import Extract
from flows.staging import load
from flows.staging.load import Counts
from flows.staging.surrogate_keys import by_id
from flows.warehouse import merge, release_base
from flows.warehouse.merge import StagedExtract
from flows.warehouse.thresholds import NO_THRESHOLDS, Thresholds
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
class Runs:
    """A warehouse and a home, run after run."""

    folder: Path
    connection: Connection

    def __post_init__(self) -> None:
        self.home = Home(self.folder / "home")
        self._numbers = itertools.count()
        self.warnings: list[str] = []
        self.home.published.mkdir(parents=True)

    def accept(
        self, deliveries: Iterable[Delivery], as_of: datetime, limits: Thresholds = NO_THRESHOLDS
    ) -> dict[str, Counts]:
        """Load and accept what is delivered."""
        load.discard_staging_tables(self.connection)
        arrivals = []
        for delivery in deliveries:
            model = model_of(delivery.table)
            # DuckDB may take a file of the same name and time for the one it has read before.
            file = self.folder / f"{next(self._numbers)}.parquet"
            pl.DataFrame(delivery.rows, schema=polars_schema(model)).write_parquet(file)
            extract = Extract(delivery.table, file, delivery.taken_at, delivery.is_full)
            arrivals.append(StagedExtract(extract, load.load(self.connection, model, extract)))
        accepted = merge.merge(
            self.connection, arrivals, thresholds=limits, run_id=run_id(as_of), as_of=as_of
        )
        self.warnings = accepted.warnings
        return accepted.counts

    def publish(self, as_of: datetime, *, is_killed: bool = False) -> None:
        """Publish a release, or be killed right before it appears."""
        building = publish_module.start_building(self.home)
        computed = run_parts.transform(
            self.connection,
            self.home,
            integrity.intact(self.home),
            building,
            as_of,
            full_refresh=False,
            thresholds=NO_THRESHOLDS,
        )
        release_id = publish_module.next_release_id(self.home, run_id(as_of))
        release_base.record_release(self.connection, release_id, catalog.names(self.home))
        if not is_killed:
            publish_module.publish(
                self.home,
                release_id=release_id,
                run_id=run_id(as_of),
                as_of=as_of,
                source="test",
                tables_in={},
                computed=computed.computed,
                reused=computed.reused,
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
            tables[table_name(model)] = self.connection.frame(
                f"SELECT {names} FROM ({by_id(model, table_name(model))}) ORDER BY ALL"
            ).to_dicts()
        return tables
