"""Rows of the base release: reused where nothing can have changed, compared with where it can."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from schemas.columns import table_name
from schemas.home import Release
from schemas.outputs import Attempts, PathSessionStats, StepStats

_IDS = ("company_id", "session_id", "user_id", "enrollment_id")


class Previous:
    """The last release's path_session_stats, step_stats and attempts, some sessions at a time."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self.stats_file, self.attempts_file = (
            release.table(table_name(model)) for model in (PathSessionStats, Attempts)
        )
        self._stats = pl.scan_parquet(self.stats_file, glob=False)
        self._details = [
            pl.scan_parquet(release.table(table_name(model)), glob=False) for model in (StepStats, Attempts)
        ]

    def stats(self, part_range: "PartRange") -> pl.DataFrame:
        """The rows of all sessions of the part_range, in publication order."""
        return self._stats.filter(part_range.contains()).collect()

    def completion_dates(self) -> dict[str, int]:
        """How many completion dates each company has in it."""
        counts = self._stats.group_by("company_id").agg(pl.col("completed_at").count()).collect()
        return dict(counts.iter_rows())

    def details(self, part_range: "PartRange") -> list[pl.DataFrame]:
        """The steps and the attempts of all sessions of the part_range, in publication order."""
        return [rows.filter(part_range.contains()).collect() for rows in self._details]


@dataclass(frozen=True)
class PartRange:
    """The sessions from one to before another in publication order, by company_id and session_id.

    None is the beginning, or the end, of all sessions.
    """

    first: tuple[str, str] | None
    end: tuple[str, str] | None

    def contains(self) -> pl.Expr:
        company, session = pl.col("company_id"), pl.col("session_id")
        test = pl.lit(True)
        if self.first:
            of_company, of_session = map(pl.lit, self.first)
            # The first condition alone lets row groups be left out.
            test &= (company >= of_company) & ((company > of_company) | (session >= of_session))
        if self.end:
            of_company, of_session = map(pl.lit, self.end)
            test &= (company <= of_company) & ((company < of_company) | (session < of_session))
        if self.first and self.end and self.first[0] == self.end[0]:
            test &= (session >= pl.lit(self.first[1])) & (session < pl.lit(self.end[1]))
        return test


def part_ranges(firsts: list[tuple[str, str]]) -> list[PartRange]:
    """Ranges that begin with these sessions and together contain all sessions."""
    edges = [None, *firsts[1:], None]
    return [PartRange(first, end) for first, end in pairwise(edges)]


def split(
    rows: pl.DataFrame, sessions: pl.DataFrame, learners: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows to reuse; and the rows of the learners, or of a removed session.

    learners: session_key, user_id.
    """
    ids = ["company_id", "session_id"]
    named = sessions.select(*ids, "session_key")
    is_asked = learners.select("session_key", "user_id").with_columns(is_asked=True)
    kept = (
        rows.select(*ids, "user_id")
        .join(named, on=ids, how="left", maintain_order="left")
        .join(is_asked, on=["session_key", "user_id"], how="left", maintain_order="left")
        .select(pl.col("session_key").is_not_null() & pl.col("is_asked").is_null())
        .to_series()
    )
    return rows.filter(kept), rows.filter(~kept)


def merged(
    found: Sequence[pl.DataFrame], kept: pl.DataFrame, details: Sequence[pl.DataFrame], sessions: pl.DataFrame
) -> tuple[pl.DataFrame, ...]:
    """Stats and their details, computed ones and kept ones, as one time both in publication order.

    found: stats, steps, attempts. kept: stats of the last release. details: its steps and attempts of these
    and perhaps of others.
    """
    places = sessions.select("company_id", "session_id").with_row_index("session").lazy()
    stats = pl.concat([found[0], kept])
    order = (
        stats.lazy()
        .select(_IDS)
        .with_row_index("row")
        .join(places, on=["company_id", "session_id"])
        .sort("session", "user_id", "enrollment_id")
        .select("row")
        .collect()
        .to_series()
    )
    merged_details = []
    for computed, reused in zip(found[1:], details, strict=True):
        part_ranges = pl.concat([_spans(found[0], computed, 0), _spans(kept, reused, computed.height)])
        numbers = pl.int_ranges("start", "end", dtype=pl.UInt32).list.explode()
        rows = part_ranges[order].drop_nulls().select(numbers).to_series()
        merged_details.append(pl.concat([computed, reused])[rows])
    return stats[order], *merged_details


def _spans(stats: pl.DataFrame, details: pl.DataFrame, rows_before: int) -> pl.DataFrame:
    """The first and last detail of each row of stats, null without any; a row's details are adjacent."""
    begins = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(name).shift(1)) for name in ("company_id", "enrollment_id")
    )
    part_ranges = (
        details.lazy()
        .select("company_id", "enrollment_id")
        .with_row_index("start", rows_before)
        .filter(begins)
        .with_columns(end=pl.col("start").shift(-1, fill_value=rows_before + details.height))
    )
    return (
        stats.lazy()
        .select("company_id", "enrollment_id")
        .join(part_ranges, on=["company_id", "enrollment_id"], how="left", maintain_order="left")
        .select("start", "end")
        .collect()
    )
