"""Whole runs from files: a past as_of, definitions of their day, failures in between, rows carried over."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.pipeline import run_pipeline
from flows.release import publish
from flows.run_config import RunConfig
from flows.warehouse.thresholds import NO_THRESHOLDS
from schemas.errors import RunBlocked, RunFailed, UsageError
from schemas.home import Home
from schemas.manifest import Manifest
from tests.helpers.one_run import as_parquet, latest, published
from tests.reference.rows import Tables
from tests.reference.tables import at, expect, world

PLAIN = world(
    steps="step | min_score \n A | 50",
    enrollments="enrollment | user | archived \n e1 | u1 | 6 Mar \n e2 | u2 | - \n e3 | u3 | -",
    activity="""
    user | step | completed | score
    u1   | A    | 5 Mar     | 60
    u2   | A    | 5 Mar     | 60
    u3   | A    | 5 Mar     | 90
    """,
)
STRICTER = {**PLAIN, "path_steps": [{**PLAIN["path_steps"][0], "min_score": 80}]}


def spend(folder: Path, tables: Tables | None, as_of: datetime, **plan: Any) -> Manifest:
    """A run over the tables, written at its as_of; or over what the warehouse has."""
    if tables is not None:
        for file in as_parquet(folder / "in", tables).iterdir():
            os.utime(file, (as_of.timestamp(), as_of.timestamp()))
    source = None if tables is None else f"files:{folder / 'in'}"
    return run_pipeline(
        RunConfig(
            source=source,
            home=Home(folder / "home"),
            as_of=as_of,
            **plan.pop("limits", NO_THRESHOLDS).model_dump(),
            **plan,
        )
    )


def statuses(folder: Path, then: str) -> None:
    expect(published(folder / "home", "path_session_stats").to_dicts(), then)


def test_archived_learner_and_past_as_of_keep_the_definition_of_their_day(tmp_path: Path) -> None:
    spend(tmp_path, PLAIN, at("8 Mar"))
    all_learners = "user | detail \n u1 | successful \n u2 | successful \n u3 | successful"
    statuses(tmp_path, all_learners)
    manifest = spend(tmp_path, STRICTER, at("10 Mar"))
    statuses(tmp_path, "user | detail \n u1 | successful \n u2 | toRetake \n u3 | successful")
    assert manifest.transitions["to retake"] == manifest.transitions["completion date vanished"] == 1
    causes = published(tmp_path / "home", "status_changes").select("user_id", "cause").unique().rows()
    assert causes == [("u2", "definition")]
    spend(tmp_path, None, at("9 Mar"))
    statuses(tmp_path, all_learners)
    spend(tmp_path, None, at("5 Mar"))
    statuses(tmp_path, all_learners)
    assert published(tmp_path / "home", "path_session_stats")["archived_at"].null_count() == 3


def test_without_a_source_the_run_works_from_the_warehouse(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="contains no data yet; give --source"):
        spend(tmp_path, None, at("8 Mar"))
    spend(tmp_path, PLAIN, at("8 Mar"))
    manifest = spend(tmp_path, None, at("9 Mar"))
    assert (manifest.source, manifest.computed, manifest.reused) == ("warehouse", 0, 3)
    assert {(it.delivery, it.read, it.rows > 0) for it in manifest.tables_in.values()} == {("none", 0, True)}
    assert {it.data_as_of for it in manifest.tables_in.values()} == {"2026-03-08T00:00:00+00:00"}


def test_only_those_who_can_have_changed_are_computed_unless_all_are_wanted(tmp_path: Path) -> None:
    spend(tmp_path, PLAIN, at("8 Mar"))
    again = {**PLAIN["step_activity"][1], "score": 10}
    edited = {**PLAIN, "step_activity": [PLAIN["step_activity"][0], again, PLAIN["step_activity"][2]]}
    manifest = spend(tmp_path, edited, at("9 Mar"))
    assert (manifest.computed, manifest.reused) == (1, 2)
    causes = published(tmp_path / "home", "status_changes").select("user_id", "cause").unique().rows()
    assert causes == [("u2", "correction of earlier data")]
    rows = published(tmp_path / "home", "path_session_stats")
    manifest = spend(tmp_path, edited, at("9 Mar"), full_refresh=True)
    assert (manifest.computed, manifest.reused) == (3, 0)
    assert published(tmp_path / "home", "path_session_stats").equals(rows)
    assert published(tmp_path / "home", "status_changes").is_empty()


def test_a_new_title_recomputes_no_one(tmp_path: Path) -> None:
    step = PLAIN["path_steps"][0]
    spend(tmp_path, PLAIN, at("8 Mar"))
    titled = {**PLAIN, "path_steps": [{**step, "title": "First aid"}]}
    assert spend(tmp_path, titled, at("9 Mar")).computed == 0
    stricter = {**PLAIN, "path_steps": [{**step, "title": "First aid, revised", "min_score": 80}]}
    assert spend(tmp_path, stricter, at("10 Mar")).computed == 3


def test_an_attempt_that_moves_between_enrollments_changes_both(tmp_path: Path) -> None:
    tables = world(
        steps="step \n A",
        enrollments="enrollment | enrolled | archived \n e1 | 1 Mar | 7 Mar \n e2 | 2 Mar | -",
        activity="enrollment | step | completed \n e1 | A | 5 Mar",
    )
    spend(tmp_path, tables, at("8 Mar"))
    statuses(tmp_path, "enrollment | detail | valid_until \n e1 | successful | \n e2 | notYetStarted | 1 Apr")
    moved = {**tables, "step_activity": [{**tables["step_activity"][0], "enrollment_id": "e2"}]}
    assert spend(tmp_path, moved, at("9 Mar")).computed == 2
    statuses(tmp_path, "enrollment | detail | valid_until \n e1 | notYetStarted | \n e2 | successful | ")
    changed = published(tmp_path / "home", "status_changes").filter(field="detailed_status")
    expect(
        changed.to_dicts(),
        """
        enrollment | old_value     | new_value     | cause
        e1         | successful    | notYetStarted | correction of earlier data
        e2         | notYetStarted | successful    | correction of earlier data
        """,
    )


def test_attempt_that_names_another_enrollment_is_not_a_cause(tmp_path: Path) -> None:
    """Both become late on 8 March; only the first was active since the release before."""
    tables = world(
        steps="step | due \n A | 7 Mar \n B | ",
        enrollments="enrollment | enrolled \n e1 | 1 Mar \n e2 | 2 Mar",
        activity="enrollment | step | started \n e1 | B | 7 Mar",
    )
    spend(tmp_path, tables, at("6 Mar"))
    spend(tmp_path, tables, at("8 Mar"))
    changed = published(tmp_path / "home", "status_changes").filter(field="status")
    expect(
        changed.to_dicts(),
        """
        enrollment | old_value | new_value | cause
        e1         | onTime    | late      | activity
        e2         | onTime    | late      | time
        """,
    )


@pytest.mark.parametrize("is_published", [False, True])
def test_a_run_that_dies_while_it_publishes_costs_the_next_one_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_published: bool
) -> None:
    spend(tmp_path, PLAIN, at("8 Mar"))

    def dying(home: Home, release_id: str) -> None:
        if is_published:
            switching(home, release_id)
        raise RuntimeError

    switching = publish.switch_latest
    monkeypatch.setattr(publish, "switch_latest", dying)
    with pytest.raises(RunFailed):
        spend(tmp_path, STRICTER, at("10 Mar"))
    monkeypatch.undo()
    manifest = spend(tmp_path, STRICTER, at("10 Mar"))
    statuses(tmp_path, "user | detail \n u1 | successful \n u2 | toRetake \n u3 | successful")
    assert (manifest.computed, manifest.reused) == ((0, 3) if is_published else (3, 0))
    changed = published(tmp_path / "home", "status_changes").filter(pl.col("field") == "detailed_status")
    assert changed["cause"].to_list() == ([] if is_published else ["definition"])


def test_a_table_that_shrank_leaves_all_as_it_was_until_that_is_accepted(tmp_path: Path) -> None:
    guarded = NO_THRESHOLDS.model_copy(update={"allow_shrink": False})
    spend(tmp_path, PLAIN, at("8 Mar"), limits=guarded)
    fewer = {**PLAIN, "users": PLAIN["users"][:2], "enrollments": PLAIN["enrollments"][:2]}
    before = latest(tmp_path / "home")
    with pytest.raises(RunBlocked, match="Table users: 2 rows where the warehouse has 3") as error:
        spend(tmp_path, fewer, at("9 Mar"), limits=guarded)
    assert error.value.exit_code == 5
    assert latest(tmp_path / "home") == before
    assert spend(tmp_path, None, at("9 Mar"), limits=guarded).reused == 3
    spend(tmp_path, fewer, at("10 Mar"))
    statuses(tmp_path, "user | detail \n u1 | successful \n u2 | successful")
    changed = published(tmp_path / "home", "status_changes").select("user_id", "field", "cause").rows()
    assert changed == [("u3", "completed_at", "enrollment"), ("u3", "gone", "enrollment")]
    assert spend(tmp_path, fewer, at("11 Mar"), limits=guarded).reused == 2
