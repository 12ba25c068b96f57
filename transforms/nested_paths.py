"""R17: a step of type path takes its outcome from the learner's child session, evaluated bottom-up."""

from collections.abc import Iterator, Sequence

import polars as pl

from transforms.rule_inputs import Evaluation

# The columns of a level's stats that the levels above need, in addition to the published ones.
FACTS = (
    "number",
    "is_asked",
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


def decided_cells(enrollments: pl.DataFrame, steps: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """R17: the cells that a child enrollment decides, with its outcome: cell and the columns of a step.

    The learner's current enrollment (R15) in all child sessions of the step.

    enrollments: with first_cell. found: `children` of all that these may look into.
    """
    cells = (
        enrollments.lazy()
        .select("curriculum_key", "first_cell", "root_key", "user_key", "evaluated_at")
        .join(steps.lazy().drop_nulls("child_path_key"), on="curriculum_key")
        .select(
            "root_key",
            "user_key",
            cell=pl.col("first_cell") + pl.col("ordinal"),
            path_key="child_path_key",
            as_of="evaluated_at",
        )
    )
    return (
        cells.join(found.lazy(), on=["root_key", "path_key", "user_key", "as_of"])
        .sort("cell", "still_enrolled", "latest", "enrollment_id")
        .unique("cell", keep="last", maintain_order=True)
        .select("cell", *_AS_A_STEP)
        .collect()
    )


def as_the_child_says() -> dict[str, pl.Expr]:
    """R17: the outcome of a cell that a child enrollment decides; attempts at the step itself say nothing.

    Reads the columns of `decided_cells`, null for other cells. Such a step is overdue like any other.
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


def of_those_asked(levels: Sequence[Evaluation]) -> Evaluation:
    """The evaluations of all levels as one, without enrollments that only parents need."""
    stats, steps, attempts = [], [], []
    for level in levels:
        number, is_asked = level.stats["number"], level.stats["is_asked"]

        def of_asked(
            rows: pl.DataFrame, number: pl.Series = number, is_asked: pl.Series = is_asked
        ) -> pl.DataFrame:
            own = rows["enrollment"]
            return rows.with_columns(enrollment=number.gather(own)).filter(is_asked.gather(own))

        stats.append(level.stats.with_columns(enrollment=number).filter(is_asked).drop(FACTS))
        steps.append(of_asked(level.steps))
        attempts.append(of_asked(level.attempts) if level.attempts.width else level.attempts)
    return Evaluation(
        pl.concat(stats).sort("enrollment"),
        pl.concat(steps).sort("enrollment", maintain_order=True),
        pl.concat(attempts).sort("enrollment", maintain_order=True) if attempts[0].width else pl.DataFrame(),
    )
