"""R17: edits of a path without enrollments can decide whether a sub-path has a child."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from flows.warehouse.warehouse import Warehouse
from schemas.home import Release
from tests.helpers.full_recompute import assert_like_recomputed
from tests.helpers.warehouse_runs import Delivery, Runs
from tests.reference.rows import Tables
from tests.reference.tables import at, world

# P has sub-path Q, with session C, the child of S. Over R and R2, Q leads back to P; then it has no child.
WHOLE = world(
    paths="path \n P \n Q \n R \n R2",
    steps="""
    path | step | type   | optional
    P    | Q    | path   |
    Q    | D    | course |
    Q    | R    | path   | yes
    R    | R2   | path   |
    R2   | P    | path   |
    """,
    sessions="session | path \n S | P \n C | Q",
    children="session \n C",
    enrollments="enrollment | session | user \n e1 | S | u1 \n c1 | C | u1",
    activity="user | session | step | completed \n u1 | C | D | 3 Mar",
)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    with Warehouse.open() as connection:
        yield Runs(tmp_path, connection)


def without(table: str, path: str) -> Tables:
    return {**WHOLE, table: [row for row in WHOLE[table] if row["path_id"] != path]}


def as_course() -> Tables:
    steps = [{**row, "type": "course"} if row["path_id"] == "R2" else row for row in WHOLE["path_steps"]]
    return {**WHOLE, "path_steps": steps}


def run(runs: Runs, tables: Tables, day: str, *, only: str | None = None, is_full: bool = True) -> bool:
    """Whether the learner has finished Q after a run on which the tables came, or changes of only one."""
    moment = at(day)
    wanted = {table: rows for table, rows in tables.items() if only in (None, table)}
    runs.accept([Delivery(table, rows, moment, is_full) for table, rows in wanted.items()], moment)
    runs.publish(moment)
    assert_like_recomputed(runs, moment)
    steps = pl.read_parquet(Release(runs.home.latest).table("step_stats"))
    (finished,) = steps.filter(step_id="Q")["finished"]
    return bool(finished)


@pytest.mark.parametrize("path", ["R", "R2"])
def test_a_loop_over_a_path_that_arrives_takes_the_child_until_it_is_gone(runs: Runs, path: str) -> None:
    assert run(runs, without("paths", path), "10 Mar")
    assert not run(runs, WHOLE, "10 Mar")
    assert run(runs, without("paths", path), "11 Mar")


@pytest.mark.parametrize("loose", [without("path_steps", "R2"), as_course()], ids=["no step", "a course"])
def test_a_loop_over_a_step_takes_the_child_for_good(runs: Runs, loose: Tables) -> None:
    """At any time it leads back: the version that did stays in the history."""
    assert run(runs, loose, "10 Mar")
    assert not run(runs, WHOLE, "10 Mar")
    assert not run(runs, loose, "11 Mar")


@pytest.mark.parametrize("table", ["paths", "path_steps"])
def test_loop_is_closed_by_changes_too(runs: Runs, table: str) -> None:
    assert run(runs, without(table, "R2"), "10 Mar")
    assert not run(runs, WHOLE, "10 Mar", only=table, is_full=False)
