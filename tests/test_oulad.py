"""The real data set, 32,593 registrations: the expected counts, and the reference on every row."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from flows.sources.base import EMPTY_WAREHOUSE
from flows.sources.oulad import Oulad
from schemas.home import Home
from schemas.manifest import Manifest
from tests.reference.comparing import differences
from tests.reference.rules import Answer, reference

_OULAD = Path(__file__).parent.parent.parent / "shared" / "data" / "oulad"
NEW_YEAR = datetime(2015, 1, 1, tzinfo=UTC)

# What is read and published once serves all of them.
pytestmark = pytest.mark.xdist_group("oulad")


@pytest.fixture(scope="module", autouse=True)
def _without_collecting() -> Iterator[None]:
    """Of millions of values none is garbage; looking for it takes a third of the reference's time."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, object]]]:
    """The six tables as the source lands them, without the rows that are to be rejected."""
    landing = tmp_path_factory.mktemp("landing")
    read = {
        item.table: pl.read_parquet(item.file)
        for item in Oulad(_OULAD).extract(landing, NEW_YEAR, EMPTY_WAREHOUSE)
    }
    sound = (pl.col("archived_at") >= pl.col("enrolled_at")).fill_null(True)
    read["enrollments"] = read["enrollments"].filter(sound)
    # Scores are landed unchanged, as text.
    read["step_activity"] = read["step_activity"].with_columns(pl.col("score").cast(pl.Int32))
    return {table: frame.to_dicts() for table, frame in read.items()}


def publish(home: Home, as_of: datetime) -> None:
    """Publish by the command, with all the threads that a run has outside of tests."""
    command = [str(Path(sys.executable).with_name("pathstats")), "run", "--direct", "--json"]
    env = {name: value for name, value in os.environ.items() if name != "POLARS_MAX_THREADS"}
    options = ["--source", f"oulad:{_OULAD}", "--as-of", as_of.isoformat(), "--home", str(home.root)]
    subprocess.run([*command, *options], env=env, check=True, stdout=subprocess.DEVNULL)


def published(home: Home, wanted: pl.Expr | None = None) -> Answer:
    """All rows of the latest release, or the requested ones."""
    scans = (
        pl.scan_parquet(home.latest / f"{table}.parquet")
        for table in ("path_session_stats", "step_stats", "session_summary")
    )
    return Answer(*((scan if wanted is None else scan.filter(wanted)).collect().to_dicts() for scan in scans))


@pytest.fixture(scope="module")
def at_new_year(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which 1 January 2015 is published."""
    home = Home(tmp_path_factory.mktemp("home"))
    publish(home, NEW_YEAR)
    return home


def test_new_year_2015_has_the_rows_that_the_contract_counts(at_new_year: Home) -> None:
    manifest = Manifest.read(at_new_year.latest / "manifest.json")
    enrollments = manifest.tables_in["enrollments"]
    assert (enrollments.read, enrollments.rejected, enrollments.reasons) == (32_593, 35, {"time_order": 35})
    assert manifest.files["path_session_stats.parquet"].rows == 32_557


def test_every_value_is_the_reference_s(
    tables: dict[str, list[dict[str, object]]], at_new_year: Home
) -> None:
    assert not differences(published(at_new_year), reference(tables, NEW_YEAR))


def test_while_the_courses_run_a_quarter_of_the_sessions_is_the_reference_s(
    tables: dict[str, list[dict[str, object]]], tmp_path: Path
) -> None:
    as_of = datetime(2014, 3, 15, 12, tzinfo=UTC)
    home = Home(tmp_path)
    publish(home, as_of)
    asked = {row["session_id"] for row in tables["path_sessions"][::4]}
    # Here all attempts at a step are in one session or outside any: other sessions' rows don't matter.
    of_these = {
        table: [row for row in rows if row.get("session_id") in {None, *asked}]
        for table, rows in tables.items()
    }
    assert not differences(published(home, pl.col("session_id").is_in(asked)), reference(of_these, as_of))
