"""A run that works in parts gives the same results, however small the parts are."""

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from flows.compute import parts, rule_inputs, run_parts
from flows.release import dimension_tables, lookup_index
from tests.helpers.numbered_worlds import tables_of
from tests.helpers.one_run import AS_OF, latest, run

SMALL = [
    (parts, "ENROLLMENTS_PER_PART", 30),
    (rule_inputs, "_FETCHED", 3),
    (dimension_tables, "_ROWS_AT_ONCE", 40),
    (lookup_index, "_ROWS_AT_ONCE", 30),
]


def published(home: Path, day: datetime) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """The tables of a run, and its index as SQL."""
    run("demo:learners=200", home, day)
    release = latest(home)
    with closing(sqlite3.connect(release.lookup_index)) as connection:
        return tables_of(release.folder), list(connection.iterdump())


def test_in_small_parts_it_is_the_same_also_on_the_second_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [AS_OF, AS_OF + timedelta(days=1)]
    at_once = [published(tmp_path / "at once", day) for day in days]
    for module, name, size in SMALL:
        monkeypatch.setattr(module, name, size)
    buckets = []
    evaluate = run_parts.statistics
    monkeypatch.setattr(run_parts, "statistics", lambda world: buckets.append(world) or evaluate(world))
    in_parts = [published(tmp_path / "in parts", day) for day in days]
    assert len(buckets) > 8
    for (tables, index), (same_tables, same_index) in zip(at_once, in_parts, strict=True):
        assert same_tables.keys() == tables.keys()
        for table, rows in tables.items():
            assert_frame_equal(same_tables[table], rows)
        assert same_index == index
