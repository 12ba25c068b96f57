"""A release has the same bytes for the same input, and a true manifest."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from schemas.columns import key, table_name
from schemas.home import PARQUET_TABLES
from schemas.manifest import as_of_in
from schemas.outputs import OUTPUTS
from tests.helpers.one_run import AS_OF, as_parquet, assert_complete, latest, run, sha256, small_world

DEMO = "demo:learners=200"


def digests(home: Path) -> dict[str, str]:
    return {table: sha256(latest(home).table(table)) for table in PARQUET_TABLES}


def test_the_same_input_and_as_of_give_the_same_parquet(tmp_path: Path) -> None:
    for home in ("one", "other"):
        run(DEMO, tmp_path / home)
    first = digests(tmp_path / "one")
    assert first == digests(tmp_path / "other")
    run(DEMO, tmp_path / "one")
    assert first == digests(tmp_path / "one")


def test_another_as_of_gives_another_release(tmp_path: Path) -> None:
    source = as_parquet(tmp_path / "source", small_world())
    first = run(source, tmp_path / "home")
    second = run(source, tmp_path / "home", AS_OF + timedelta(days=30))
    assert (
        first.files["path_session_stats.parquet"].sha256 != second.files["path_session_stats.parquet"].sha256
    )


def test_the_order_of_the_rows_that_come_in_changes_nothing(tmp_path: Path) -> None:
    tables = small_world()
    run(as_parquet(tmp_path / "in order", tables), tmp_path / "one")
    shuffled = {name: random.Random(1).sample(rows, len(rows)) for name, rows in tables.items()}
    run(as_parquet(tmp_path / "shuffled", shuffled), tmp_path / "other")
    assert digests(tmp_path / "one") == digests(tmp_path / "other")


def test_the_manifest_is_true(tmp_path: Path) -> None:
    run(DEMO, tmp_path)
    release = latest(tmp_path)
    manifest = assert_complete(release)
    for table in PARQUET_TABLES:
        out = manifest.files[f"{table}.parquet"]
        assert out.rows == pl.read_parquet(release.table(table)).height
        assert out.bytes == release.table(table).stat().st_size
    for count in manifest.tables_in.values():
        assert count.read == count.stored + count.deduplicated + count.rejected
        assert count.rejected == sum(count.reasons.values())
    listed = pl.read_parquet(release.table("quarantine")).height
    assert listed == sum(count.rejected + count.pending for count in manifest.tables_in.values())
    published = manifest.files["path_session_stats.parquet"].rows
    assert sum(manifest.enrollments_by_detailed_status.values()) == published


@pytest.mark.parametrize("model", OUTPUTS, ids=table_name)
def test_columns_have_their_meaning_and_rows_are_sorted(
    model: type, tmp_path_factory: pytest.TempPathFactory, demo_home: Path
) -> None:
    file = latest(demo_home).table(table_name(model))
    declared = model.to_schema().columns  # type: ignore[attr-defined]
    schema = pq.read_schema(file)
    assert schema.names == list(declared)
    in_file = json.loads(pq.read_metadata(file).metadata[b"columns"])
    for field in schema:
        meaning = declared[field.name].description
        assert field.metadata[b"description"].decode() == meaning
        assert in_file[field.name]["description"] == meaning
    frame = pl.read_parquet(file)
    assert frame.equals(frame.sort(key(model), maintain_order=True))


@pytest.fixture(scope="module")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("demo")
    run(DEMO, home)
    return home


def test_runs_for_any_year_follow_each_other(tmp_path: Path) -> None:
    source = as_parquet(tmp_path / "in", small_world())
    years = [500, 501, 2026, 9999]
    ids = [
        run(source, tmp_path / "home", datetime(year, 12, 31, 23, tzinfo=UTC)).release_id for year in years
    ]
    assert ids == [f"{year:04}1231T230000Z-1" for year in years]
    assert [as_of_in(it).year for it in ids] == years
