"""Compare a release with a full recomputation from the same warehouse."""

import sqlite3
from datetime import datetime
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from flows.compute import run_parts
from flows.release import publish
from flows.warehouse.thresholds import NO_THRESHOLDS
from schemas.home import PARQUET_TABLES, Home, Release
from tests.helpers.warehouse_runs import Runs

TABLES = tuple(table for table in PARQUET_TABLES if table != "status_changes")
INDEX = ("companies", "sessions", "users", "emails", "answers")


def assert_like_recomputed(runs: Runs, as_of: datetime) -> None:
    """The live release equals a full refresh of every row, look-ups included."""
    elsewhere = Home(runs.folder / "full_refresh")
    elsewhere.published.mkdir(parents=True, exist_ok=True)
    recomputed = publish.start_building(elsewhere)
    run_parts.transform(
        runs.connection, elsewhere, None, recomputed, as_of, full_refresh=True, thresholds=NO_THRESHOLDS
    )
    published = Release(runs.home.latest.resolve(strict=True))
    for table in TABLES:
        found, expected = (pl.read_parquet(it.table(table)) for it in (published, recomputed))
        assert_frame_equal(found, expected, check_exact=True)
    for table in INDEX:
        assert index_rows(published, table) == index_rows(recomputed, table)


def index_rows(of: Release, table: str) -> list[tuple[Any, ...]]:
    """The rows that look-ups answer from."""
    connection = sqlite3.connect(of.lookup_index)
    try:
        return sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
    finally:
        connection.close()
