"""R3: which steps count. A *path version* is a path's counted steps between two changes of its definition.

And what R16 and R17 ask of them: which steps a score in another one waives, which are sub-paths.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from schemas.enums import MESSAGE_STEP_TYPES
from transforms.due_dates import due_months, due_time
from transforms.path_nesting import sub_paths

# Before every instant in the input.
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class PathVersions:
    """The counted steps of each path, and when they count.

    periods: path_key, since, until (null = still), path_version_key
    steps:   path_version_key, path_key, ordinal (from 0, by position), step_key, step_id and the step's
             definition, required, is_assessment, due_months and due_time of a relative due date,
             first_at_position: the least ordinal of the same position,
             child_path_key: the path that a step of type path is, null where no child session may decide
    waivers: path_version_key, ordinal (of the quiz), threshold, waived_ordinal; R16
    levels:  path_key, level: how deep a path's sub-paths go, of the paths that have some; R17
    """

    periods: pl.DataFrame
    steps: pl.DataFrame
    waivers: pl.DataFrame
    levels: pl.DataFrame


def path_versions(paths: pl.DataFrame, steps: pl.DataFrame, waivers: pl.DataFrame) -> PathVersions:
    """The path versions of all paths.

    paths:   path_key
    steps:   path_key, step_key, step_id, sub_path_key (the path of that id, of steps of type path) and the
             columns of PathSteps, one row per version
    waivers: path_key, step_key, threshold, waived_step_key, valid_from, valid_to
    """
    periods = periods_of(paths.lazy(), [steps.lazy(), waivers.lazy()]).collect()
    below = sub_paths(steps)
    edges = below.edges.lazy().with_columns(child_path_key="sub_path_key")
    known = steps.lazy().join(edges, on=["path_key", "sub_path_key"], how="left").drop("sub_path_key")
    counted = counted_steps(periods.lazy(), known).collect()
    return PathVersions(periods, counted, counted_waivers(periods, counted, waivers), below.levels)


def periods_of(paths: pl.LazyFrame, dated: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    """Each path's path versions in their order, from one change of a definition or a waiver to the next."""
    always = paths.select("path_key", since=pl.lit(BEGINNING).dt.cast_time_unit("us")).unique()
    changes = [
        rows.select("path_key", since=pl.col(edge)).drop_nulls()
        for rows in dated
        for edge in ("valid_from", "valid_to")
    ]
    return (
        pl.concat([always, *changes])
        .join(always.select("path_key"), on="path_key", how="semi")
        .unique()
        .sort("path_key", "since")
        .with_columns(until=pl.col("since").shift(-1).over("path_key", order_by="since"))
        .with_row_index("path_version_key")
    )


def counted_steps(periods: pl.LazyFrame, steps: pl.LazyFrame) -> pl.LazyFrame:
    """The counted steps of each path_version, numbered by position in `ordinal` (R3).

    Of several valid versions the one with the greatest valid_from is the step's definition.
    """
    return (
        periods.join(steps, on="path_key")
        .filter(is_valid())
        .sort("valid_from", nulls_last=False)
        .unique(["path_version_key", "step_key"], keep="last", maintain_order=True)
        .filter(~pl.col("type").is_in(MESSAGE_STEP_TYPES))
        .sort("path_version_key", "position", "step_id")
        .with_columns(
            ordinal=pl.int_range(pl.len(), dtype=pl.UInt32).over("path_version_key"),
            is_assessment=pl.col("type") == "assessment",
            required=~pl.col("optional"),
            due_months=due_months(),
            due_time=due_time(),
        )
        .with_columns(
            first_at_position=pl.col("ordinal").min().over("path_version_key", "position"),
        )
    )


def counted_waivers(periods: pl.DataFrame, steps: pl.DataFrame, waivers: pl.DataFrame) -> pl.DataFrame:
    """The waivers in each path version (R16), between steps that count in it."""
    place = steps.select("path_version_key", "step_key", "ordinal")
    waived = place.select("path_version_key", waived_step_key="step_key", waived_ordinal="ordinal")
    return (
        waivers.join(periods, on="path_key")
        .filter(is_valid())
        .join(place, on=["path_version_key", "step_key"])
        .join(waived, on=["path_version_key", "waived_step_key"])
        .select("path_version_key", "ordinal", "threshold", "waived_ordinal")
        .unique()
    )


def is_valid() -> pl.Expr:
    """Whether a version is valid from the beginning of a period, and so in all of it."""
    began, ended = pl.col("valid_from"), pl.col("valid_to")
    return (began.is_null() | (began <= pl.col("since"))) & (ended.is_null() | (pl.col("since") < ended))
