"""Each check of the published tables, failed by one row, blocks the release."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from flows.release.schema_gate import check, check_summary
from schemas.columns import Table, table_name
from schemas.errors import RunBlocked
from schemas.outputs import Attempts, PathSessionStats, SessionSummary, StepStats
from tests.helpers.one_run import AS_OF, published, run

Frames = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Frames:
    home = tmp_path_factory.mktemp("home")
    run("demo:learners=200", home)
    models = (PathSessionStats, StepStats, Attempts, SessionSummary)
    return {table_name(model): published(home, table_name(model)) for model in models}


def in_first(where: pl.Expr, **values: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Change the values in the first row that passes the test."""

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        row = frame.with_row_index().filter(where)["index"][0]
        here = pl.int_range(pl.len()) == row
        return frame.with_columns(
            **{
                name: pl.when(here).then(value).otherwise(pl.col(name)).cast(frame.schema[name])
                for name, value in values.items()
            }
        )

    return change


DETAIL = pl.col("detailed_status_type")
A_TIME = pl.col("enrolled_at")
NOTHING = pl.lit(None)

CASES: list[tuple[str, type[Table], Callable[[pl.DataFrame], pl.DataFrame]]] = [
    ("sorted_by_key_without_duplicates", PathSessionStats, lambda frame: frame.reverse()),
    ("sorted_by_key_without_duplicates", PathSessionStats, lambda frame: pl.concat([frame, frame[-1:]])),
    (
        "progress_100_means_all_required_steps_finished",
        PathSessionStats,
        in_first(pl.col("progress") < 100, progress=pl.lit(100)),
    ),
    (
        "progress_100_means_all_required_steps_finished",
        PathSessionStats,
        in_first(pl.col("progress") == 100, progress=pl.lit(99)),
    ),
    (
        "completed_at_set_when_successful",
        PathSessionStats,
        in_first(DETAIL == "successful", completed_at=NOTHING),
    ),
    ("completed_at_set_when_successful", PathSessionStats, in_first(DETAIL == "late", completed_at=A_TIME)),
    (
        "reason_fits_detailed_status",
        PathSessionStats,
        in_first(DETAIL == "late", detailed_status_reason=pl.lit("sessionEnded")),
    ),
    (
        "reason_fits_detailed_status",
        PathSessionStats,
        in_first(DETAIL == "toRetake", detailed_status_reason=pl.lit("sessionEnded")),
    ),
    (
        "completed_has_progress_100",
        PathSessionStats,
        in_first((pl.col("progress") < 100) & (pl.col("required_steps") > 0), status=pl.lit("completed")),
    ),
    ("successful_has_a_result", PathSessionStats, in_first(DETAIL == "successful", result=NOTHING)),
    (
        "late_has_an_overdue_step_and_its_date",
        PathSessionStats,
        in_first(pl.col("is_late"), late_since=NOTHING),
    ),
    (
        "late_has_an_overdue_step_and_its_date",
        PathSessionStats,
        in_first(pl.col("is_late"), overdue_steps=pl.lit(0, pl.Int32)),
    ),
    (
        "late_has_an_overdue_step_and_its_date",
        PathSessionStats,
        in_first(~pl.col("is_late"), is_late=pl.lit(True)),
    ),
    (
        "one_current_enrollment_per_learner_and_session",
        PathSessionStats,
        in_first(pl.col("is_current"), is_current=pl.lit(False)),
    ),
    (
        "one_current_enrollment_per_learner_and_session",
        PathSessionStats,
        in_first(~pl.col("is_current"), is_current=pl.lit(True)),
    ),
    ("isin", PathSessionStats, in_first(DETAIL == "late", detailed_status_type=pl.lit("tardy"))),
    ("less_than_or_equal_to", PathSessionStats, in_first(pl.col("score") > 0, score=pl.lit(101))),
    ("not_nullable", PathSessionStats, in_first(DETAIL == "late", status=NOTHING)),
    ("finished_at_set_when_finished", StepStats, in_first(pl.col("finished"), finished_at=NOTHING)),
    ("successful_at_set_when_successful", StepStats, in_first(pl.col("successful"), successful_at=NOTHING)),
    (
        "finished_is_one_of_successful_exhausted_to_retake",
        StepStats,
        in_first(pl.col("successful"), to_retake=pl.lit(True)),
    ),
    (
        "only_an_attempt_that_fails_a_condition_has_a_missed_one",
        Attempts,
        in_first(pl.col("account") == "open", missed_min_score=pl.lit(80.0)),
    ),
    (
        "only_an_attempt_that_fails_a_condition_has_a_missed_one",
        Attempts,
        in_first(pl.col("account") == "fails_condition", account=pl.lit("open")),
    ),
    ("progress_100_means_finished", StepStats, in_first(~pl.col("finished"), progress=pl.lit(100))),
    ("sorted_by_key_without_duplicates", SessionSummary, lambda frame: frame.reverse()),
    ("counts_add_up_to_enrolled", SessionSummary, in_first(pl.col("late") > 0, late=pl.col("late") + 1)),
]


@pytest.mark.parametrize(("broken", "model", "change"), CASES)
def test_one_bad_row_blocks_the_release(
    broken: str, model: type[Table], change: Callable[[pl.DataFrame], pl.DataFrame], good: Frames
) -> None:
    frame = good[table_name(model)]
    assert check(model, frame) is frame
    with pytest.raises(RunBlocked, match=broken) as stored:
        check(model, change(frame))
    assert frame["session_id"][0] not in str(stored.value)


def test_the_run_ends_without_a_new_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transforms import evaluate as rules

    first = run("demo:learners=200", tmp_path)
    wrong = tuple(
        pl.lit(100, pl.Int32).alias("progress") if rule.meta.output_name() == "progress" else rule
        for rule in rules.PATH_SESSION_STATS
    )
    monkeypatch.setattr(rules, "PATH_SESSION_STATS", wrong)
    with pytest.raises(RunBlocked, match="progress_100"):
        run("demo:learners=200", tmp_path, AS_OF + timedelta(days=1))
    assert published(tmp_path, "path_session_stats").height == first.files["path_session_stats.parquet"].rows


def test_summary_with_other_counts_than_the_enrollments_blocks_the_release(good: Frames) -> None:
    stats, summary = good["path_session_stats"], good["session_summary"]
    check_summary(stats, summary)
    moved = in_first((pl.col("late") > 0), late=pl.col("late") - 1, on_time=pl.col("on_time") + 1)(summary)
    check(SessionSummary, moved)
    with pytest.raises(RunBlocked, match="session_summary"):
        check_summary(stats, moved)
