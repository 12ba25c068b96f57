"""R17: a step of type path takes its outcome from the learner's child session, evaluated bottom-up."""

from collections.abc import Iterator, Sequence

import polars as pl

from transforms.rule_inputs import Evaluation

# The columns of a level's stats that the levels above need, in addition to the published ones.
FACTS = (
    "number",
    "is_requested",
    "is_child",
    "root_key",
    "path_key",
    "required_steps_replay_pending",
)
# The columns of a child enrollment as a step of the parent path.
_AS_A_STEP = (
    "child_finished_at",
    "child_successful_at",
    "child_exhausted",
    "child_awaiting",
    "child_replay_pending",
    "child_progress",
    "child_score",
    "child_time_ms",
    "child_started_at",
)


def by_level(enrollments: pl.DataFrame, levels: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The enrollments in paths without sub-paths, then those above them, and so on; each numbered from 0.

    Adds number: the enrollment's among all. levels: as PathVersions.levels.
    """
    level = pl.col("level").fill_null(0)
    placed = enrollments.rename({"enrollment": "number"}).join(
        levels, on="path_key", how="left", maintain_order="left"
    )
    for number in placed.select(level.unique().sort()).to_series():
        yield placed.filter(level == number).drop("level").with_row_index("enrollment")


def children(stats: pl.DataFrame) -> pl.DataFrame:
    """The outcomes of child enrollments as steps of the parent, with the columns to find and choose them.

    stats: as Evaluation.stats, with FACTS.
    """
    rule = pl.col("deciding_rule")
    return stats.filter("is_child").select(
        "root_key",
        "path_key",
        "user_key",
        "as_of",
        "enrollment_id",
        still_enrolled=pl.col("archived_at").is_null(),
        latest=pl.coalesce("archived_at", "enrolled_at"),
        child_finished_at="all_required_finished_at",
        child_successful_at="completed_at",
        child_exhausted=rule == "3",
        child_awaiting=rule == "4",
        child_replay_pending=(rule == "5a") & (pl.col("required_steps_replay_pending") > 0),
        child_progress="progress",
        child_score="score",
        child_time_ms="global_time_ms",
        child_started_at="started_at",
    )


def steps_decided_by_children(
    enrollments: pl.DataFrame, steps: pl.DataFrame, found: pl.DataFrame
) -> pl.DataFrame:
    """R17: the enrollment steps that a child enrollment decides: enrollment_step and the child's outcome.

    The learner's current enrollment (R15) in all child sessions of the step.

    enrollments: with first_enrollment_step. found: `children` of all enrollments below.
    """
    enrollment_steps = (
        enrollments.lazy()
        .select("path_version_key", "first_enrollment_step", "root_key", "user_key", "evaluated_at")
        .join(steps.lazy().drop_nulls("child_path_key"), on="path_version_key")
        .select(
            "root_key",
            "user_key",
            enrollment_step=pl.col("first_enrollment_step") + pl.col("ordinal"),
            path_key="child_path_key",
            as_of="evaluated_at",
        )
    )
    return (
        enrollment_steps.join(found.lazy(), on=["root_key", "path_key", "user_key", "as_of"])
        .sort("enrollment_step", "still_enrolled", "latest", "enrollment_id")
        .unique("enrollment_step", keep="last", maintain_order=True)
        .select("enrollment_step", *_AS_A_STEP)
        .collect()
    )


def outcome_of_child() -> dict[str, pl.Expr]:
    """R17: the outcome of an enrollment step that a child enrollment decides, whatever the attempts at it.

    Reads the columns of `steps_decided_by_children`, null for other steps. Such a step may be overdue.
    """
    values = {
        "finished": pl.col("child_finished_at").is_not_null(),
        "finished_at": pl.col("child_finished_at"),
        "successful": pl.col("child_successful_at").is_not_null(),
        "successful_at": pl.col("child_successful_at"),
        "exhausted": pl.col("child_exhausted"),
        "replay_pending": pl.col("child_replay_pending"),
        "carried_over": pl.lit(False),
        "score": pl.col("child_score").cast(pl.Float64),
        "progress": pl.col("child_progress"),
        "time_ms": pl.col("child_time_ms"),
        "attempts_used": pl.lit(0, pl.Int32),
        "started_at": pl.col("child_started_at"),
    }
    is_decided = pl.col("child_progress").is_not_null()
    return {name: pl.when(is_decided).then(value).otherwise(name) for name, value in values.items()}


def requested_only(levels: Sequence[Evaluation]) -> Evaluation:
    """The evaluations of all levels as one, without enrollments that only parents need."""
    stats, steps, attempts = [], [], []
    for level in levels:
        number, is_requested = level.stats["number"], level.stats["is_requested"]

        def requested(
            rows: pl.DataFrame, number: pl.Series = number, is_requested: pl.Series = is_requested
        ) -> pl.DataFrame:
            own = rows["enrollment"]
            return rows.with_columns(enrollment=number.gather(own)).filter(is_requested.gather(own))

        stats.append(level.stats.with_columns(enrollment=number).filter(is_requested).drop(FACTS))
        steps.append(requested(level.steps))
        attempts.append(requested(level.attempts) if level.attempts.width else level.attempts)
    return Evaluation(
        pl.concat(stats).sort("enrollment"),
        pl.concat(steps).sort("enrollment", maintain_order=True),
        pl.concat(attempts).sort("enrollment", maintain_order=True) if attempts[0].width else pl.DataFrame(),
    )
