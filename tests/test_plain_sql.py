"""The benchmark's plain SQL answers as the reference does: an opponent that errs would prove nothing."""

import json
import os
import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings

from benchmarks import plain_sql
from benchmarks.table_equality import differing, published
from flows.sources.demo import Demo
from tests.helpers.one_run import AS_OF, as_parquet, latest, run
from tests.helpers.random_worlds import World, large_worlds, small_worlds
from tests.reference.comparing import differences
from tests.reference.rows import Tables
from tests.reference.rules import Answer, reference

a_handful = settings(
    max_examples=10,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def scripted(tables: Tables, as_of: datetime) -> Answer:
    """The script's result for the rows; it computes no step statistics."""
    with tempfile.TemporaryDirectory() as folder:
        world = as_parquet(Path(folder) / "world", tables)
        steps = [json.dumps(row, default=datetime.isoformat) + "\n" for row in tables["path_steps"]]
        (world / "path_steps.ndjson").write_text("".join(steps), "utf-8")
        plain_sql.run(world, Path(folder), as_of)
        stats, summary = (
            pl.read_parquet(Path(folder) / f"{table}.parquet").to_dicts() for table in plain_sql.WRITES
        )
    return Answer(path_session_stats=stats, step_stats=[], session_summary=summary)


def expected(tables: Tables, as_of: datetime) -> Answer:
    return replace(reference(tables, as_of), step_stats=[])


@a_handful
@given(small_worlds())
def test_in_small_worlds(world: World) -> None:
    assert not differences(scripted(*world), expected(*world))


@a_handful
@given(large_worlds())
def test_in_large_worlds(world: World) -> None:
    assert not differences(scripted(*world), expected(*world))


def test_on_the_demo_with_its_broken_rows(tmp_path: Path) -> None:
    Demo(learners=1_000).write(tmp_path / "world", AS_OF)
    assert run(tmp_path / "world", tmp_path / "home", AS_OF).tables_in["step_activity"].rejected > 0
    plain_sql.run(tmp_path / "world", tmp_path, AS_OF)
    release = latest(tmp_path / "home")
    for table in plain_sql.WRITES:
        found = pl.read_parquet(tmp_path / f"{table}.parquet")
        assert found.height > 0
        assert differing(found, published(release, table)) == []


def test_differences_are_named() -> None:
    table = pl.DataFrame({"id": ["a", "b", "c"], "score": [1, None, 3]})
    other_scores = table.with_columns(score=pl.Series([None, None, 4]))
    assert differing(table, table) == []
    assert differing(other_scores, table) == ["score differs in 2 rows"]
    assert differing(table.head(2), table) == ["2 rows, not 3"]
    assert differing(table.cast({"score": pl.Int32}), table) == ["columns differ: score"]
    assert differing(table.select("score", "id"), table) == ["columns differ: their order"]
