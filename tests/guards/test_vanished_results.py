"""Results of the live release that would be gone: too many block a run, and all of them are counted."""

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from flows.pipeline import run_pipeline
from flows.run_config import RunConfig
from pathstats.cli.render.run_summary import changes_in_words
from schemas.errors import RunBlocked
from schemas.home import Home
from tests.helpers.class_of_learners import FIRST, NEXT, earned_by, edited, run, write
from tests.helpers.one_run import latest, published
from tests.reference.rows import Tables

# Thresholds that other guards have do not come first here.
ALONE = {"allow_shrink": True, "allow_missing_columns": True}


def without_enrollments(count: int) -> Callable[[Tables], Tables]:
    return lambda tables: {**tables, "enrollments": tables["enrollments"][count:]}


def not_completed(tables: Tables) -> Tables:
    return edited(tables, "step_activity", completed_at=None)


def failed(tables: Tables) -> Tables:
    return edited(tables, "step_activity", score=1)


def session_gone(tables: Tables) -> Tables:
    return edited(tables, "path_sessions", session_id="102")


@pytest.mark.parametrize(
    ("spoil", "vanished"),
    [(not_completed, 20), (failed, 20), (session_gone, 20), (without_enrollments(10), 10)],
)
def test_run_is_blocked_when_completion_dates_would_vanish(
    tmp_path: Path, spoil: Callable[[Tables], Tables], vanished: int
) -> None:
    run(write(tmp_path / "in", earned_by(20)), tmp_path / "home")
    before = latest(tmp_path / "home")
    spoiled = write(tmp_path / "next", spoil(earned_by(20)))
    with pytest.raises(RunBlocked, match=f"{vanished} of 20 completion dates of company acme") as blocked:
        run(spoiled, tmp_path / "home", NEXT, **ALONE)
    assert blocked.value.exit_code == 5
    assert "--allow-vanished" in str(blocked.value)
    assert latest(tmp_path / "home") == before
    run(spoiled, tmp_path / "home", NEXT, **ALONE, allow_vanished=True)
    # A loss that was allowed once doesn't count again in the next run.
    run(spoiled, tmp_path / "home", NEXT, **ALONE)


def test_sound_delivery_after_a_blocked_run_is_published_without_any_loss(tmp_path: Path) -> None:
    sound = write(tmp_path / "in", earned_by(20))
    run(sound, tmp_path / "home")
    with pytest.raises(RunBlocked):
        run(write(tmp_path / "next", not_completed(earned_by(20))), tmp_path / "home", NEXT, **ALONE)
    manifest = run(sound, tmp_path / "home", NEXT)
    assert not any(manifest.transitions.values())
    assert published(tmp_path / "home", "path_session_stats")["completed_at"].null_count() == 0


@pytest.mark.parametrize(("share", "is_blocked"), [(0.24, True), (0.25, False)])
def test_exactly_the_share_may_vanish(tmp_path: Path, share: float, is_blocked: bool) -> None:
    run(write(tmp_path / "in", earned_by(40)), tmp_path / "home")
    fewer = write(tmp_path / "next", without_enrollments(10)(earned_by(40)))
    limits = {**ALONE, "max_vanished": share}
    if is_blocked:
        with pytest.raises(RunBlocked, match="10 of 40 completion dates"):
            run(fewer, tmp_path / "home", NEXT, **limits)
    else:
        run(fewer, tmp_path / "home", NEXT, **limits)


def test_fewer_than_ten_dates_never_block_but_are_counted_with_their_enrollments(tmp_path: Path) -> None:
    run(write(tmp_path / "in", earned_by(40)), tmp_path / "home")
    manifest = run(write(tmp_path / "next", without_enrollments(7)(earned_by(40))), tmp_path / "home", NEXT)
    assert manifest.transitions["enrollment gone"] == 7
    assert manifest.transitions["enrollment gone with its completion date"] == 7
    assert manifest.transitions["completion date vanished"] == 0
    assert "enrollment gone: 7; enrollment gone with its completion date: 7" in changes_in_words(manifest)
    changes = published(tmp_path / "home", "status_changes")
    assert changes.filter(pl.col("field") == "completed_at")["new_value"].to_list() == [None] * 7


def test_dates_that_edited_steps_take_away_block_the_run_and_are_counted(tmp_path: Path) -> None:
    lenient = write(tmp_path / "in", earned_by(20))
    stricter = write(tmp_path / "next", edited(earned_by(20), "path_steps", min_score=95))
    # A definition is valid from when its file was written.
    for folder, moment in ((lenient, FIRST), (stricter, NEXT)):
        os.utime(folder / "path_steps.csv", (moment.timestamp(), moment.timestamp()))
    run(lenient, tmp_path / "home")
    with pytest.raises(RunBlocked, match=r"would vanish \(20 of them because sessions, paths or steps were"):
        run(stricter, tmp_path / "home", NEXT, **ALONE)
    manifest = run(stricter, tmp_path / "home", NEXT, **ALONE, allow_vanished=True)
    assert manifest.transitions["completion date vanished"] == 20


def test_activity_under_the_ids_of_other_known_sessions_blocks_the_run(tmp_path: Path) -> None:
    """Each row names a known session, but not its own; the path must be replayed, so none is carried over."""
    tables = edited(earned_by(20), "paths", mandatory_replay=True)
    (session,) = tables["path_sessions"]
    tables["path_sessions"].append({**session, "session_id": "102"})
    run(write(tmp_path / "in", tables), tmp_path / "home")
    rotated = write(tmp_path / "next", edited(tables, "step_activity", session_id="102"))
    with pytest.raises(RunBlocked, match="20 of 20 completion dates"):
        run(rotated, tmp_path / "home", NEXT, **ALONE)


def test_run_for_an_earlier_as_of_is_not_blocked_by_dates_that_were_not_yet_earned(tmp_path: Path) -> None:
    source = write(tmp_path / "in", earned_by(20))
    run(source, tmp_path / "home", NEXT)
    earlier = FIRST.replace(day=2)
    manifest = run(source, tmp_path / "home", earlier)
    assert manifest.transitions["completion date vanished"] == 20


def test_dates_that_a_broken_column_takes_away_block_the_run_though_a_session_was_edited(
    tmp_path: Path,
) -> None:
    run(write(tmp_path / "in", earned_by(20)), tmp_path / "home")
    broken = edited(not_completed(earned_by(20)), "path_sessions", name="Another name")
    with pytest.raises(RunBlocked, match="20 of 20 completion dates"):
        run(write(tmp_path / "next", broken), tmp_path / "home", NEXT, **ALONE)


def test_run_for_a_slightly_earlier_as_of_is_blocked_by_dates_that_are_gone(tmp_path: Path) -> None:
    run(write(tmp_path / "in", earned_by(20)), tmp_path / "home", NEXT)
    broken = write(tmp_path / "next", not_completed(earned_by(20)))
    with pytest.raises(RunBlocked, match="20 of 20 completion dates"):
        run(broken, tmp_path / "home", FIRST, **ALONE)


def test_blocked_run_leaves_the_warehouse_as_it_was(tmp_path: Path) -> None:
    sound = write(tmp_path / "in", earned_by(20))
    run(sound, tmp_path / "home")
    with pytest.raises(RunBlocked):
        run(write(tmp_path / "next", not_completed(earned_by(20))), tmp_path / "home", NEXT, **ALONE)
    manifest = run_pipeline(RunConfig(source=None, home=Home(tmp_path / "home"), as_of=NEXT))
    assert not any(manifest.transitions.values())
    assert manifest.matched["acme"].rows == 40
