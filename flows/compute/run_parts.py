"""Fill a release from the warehouse: compute, validate, write and index each part."""

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from flows.compute.parts import PartRange, part_ranges
from flows.compute.reuse import ReleaseRows, merged, split
from flows.compute.rule_inputs import Base, Part, PartReader
from flows.database.connection import Connection
from flows.release.dimension_tables import write_dimension_tables
from flows.release.lookup_index import LookupIndex
from flows.release.parquet_writer import TableWriter
from flows.release.schema_gate import check_summary
from flows.run_config import Thresholds
from flows.warehouse import release_base
from flows.warehouse.thresholds import block_vanished
from schemas.columns import polars_schema
from schemas.dictionary import data_dictionary
from schemas.home import Home, Release
from schemas.manifest import Manifest
from schemas.outputs import Attempts, PathSessionStats, SessionSummary, StatusChanges, StepStats
from transforms.change_causes import ChangedInput, vanished, with_causes
from transforms.evaluate import Statistics, evaluation, statistics
from transforms.session_summary import session_summary
from transforms.status_changes import changes, transitions, with_gone_dates


@dataclass(frozen=True)
class Computed:
    """The rows of path_session_stats that a run computed, and the ones that it reused.

    since:       the release that status_changes compares with; null: none.
    transitions: how many enrollments changed since, by what people act on.
    """

    computed: int
    reused: int
    since: str | None
    transitions: dict[str, int]


@dataclass(frozen=True)
class LiveRelease:
    """The live release. is_base: rows that can't have changed since are reused from it."""

    rows: ReleaseRows
    as_of: datetime
    is_base: bool

    @property
    def base(self) -> Base | None:
        if not self.is_base:
            return None
        return Base(self.as_of, self.rows.stats_file, self.rows.attempts_file)


def transform(
    connection: Connection,
    home: Home,
    live_release: Manifest | None,
    building: Release,
    as_of: datetime,
    *,
    full_refresh: bool,
    thresholds: Thresholds,
) -> Computed:
    """Fill the release that is being built: every table, checked, and the index.

    live_release: the live release, if it is intact.
    full_refresh: compute every row, also the ones that can't differ from the live release.
    Raises: RunBlocked if too many completion dates of the live release would vanish.
    """
    changed, is_base = release_base.changes_since(
        connection, live_release.release_id if live_release else None
    )
    live = _live(home, live_release, as_of, is_base=is_base and not full_refresh) if live_release else None
    base = live.rows.release if live and live.is_base else None
    parts = PartReader(connection, as_of, changed, live.base if live else None)
    computed, reused, counts, lost = 0, 0, Counter[str](), Counter[str]()
    redefined = Counter[str]()
    with ExitStack() as files:
        stats, steps, attempts, summaries, status_changes = (
            files.enter_context(TableWriter(building, model))
            for model in (PathSessionStats, StepStats, Attempts, SessionSummary, StatusChanges)
        )
        index = files.enter_context(LookupIndex(building, base))
        write_dimension_tables(connection, building, index, base, changed)

        def write(
            rows: pl.DataFrame,
            details: list[pl.DataFrame],
            summary: pl.DataFrame,
            found: Statistics,
            part: Part,
        ) -> None:
            stats.write(rows)
            for table, written in zip((steps, attempts), details, strict=True):
                table.write(written)
            summaries.write(summary)
            index.add_responses(found.responses, part.requested)

        # One part is written while the next one is computed, which saves a quarter of a run.
        writer = files.enter_context(ThreadPoolExecutor(max_workers=1))
        writing: Future[None] | None = None
        for part, part_range in zip(parts, part_ranges(parts.firsts), strict=True):
            found = statistics(part.inputs)
            sessions = part.inputs.sessions
            kept, replaced = _live_rows(live, part, part_range)
            if live:
                differing = _changes(replaced, found, part, parts.changed_input, live.as_of, as_of)
                status_changes.write(differing)
                counts.update(transitions(differing, found.path_session_stats))
                for company, dates, by_definition in vanished(
                    differing, parts.changed_input, as_of
                ).iter_rows():
                    lost[company] += dates
                    redefined[company] += by_definition
            rows, *details = found.path_session_stats, found.step_stats, found.attempts
            computed, reused = computed + rows.height, reused + kept.height
            if live and kept.height:
                rows, *details = merged((rows, *details), kept, live.rows.details(part_range), sessions)
            summary = session_summary(sessions, rows)
            check_summary(rows, summary)
            if writing:
                writing.result()
            writing = writer.submit(write, rows, details, summary, found, part)
        if writing:
            writing.result()
    if live:
        block_vanished(lost, redefined, live.rows.completion_dates(), thresholds)
    building.data_dictionary.write_text(data_dictionary(), "utf-8")
    return Computed(computed, reused, live.rows.release.folder.name if live else None, dict(counts))


def _live(home: Home, manifest: Manifest, as_of: datetime, *, is_base: bool) -> LiveRelease:
    since = datetime.fromisoformat(manifest.as_of)
    # An incremental run needs a later as_of than its base release.
    return LiveRelease(ReleaseRows(home.release(manifest.release_id)), since, is_base and since <= as_of)


def _live_rows(
    live: LiveRelease | None, part: Part, part_range: PartRange
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of the live release in a range of sessions: the ones to reuse, and the ones computed again."""
    if live is None:
        return pl.DataFrame(), pl.DataFrame()
    rows = live.rows.stats(part_range)
    return split(rows, part.inputs.sessions, part.requested) if live.is_base else (rows.clear(), rows)


def _changes(
    before: pl.DataFrame,
    found: Statistics,
    part: Part,
    changed_input: ChangedInput,
    since: datetime,
    as_of: datetime,
) -> pl.DataFrame:
    """The part's rows of status_changes."""
    differing = changes(before, found.path_session_stats)
    if differing.is_empty():
        return pl.DataFrame(schema=polars_schema(StatusChanges))
    inputs = part.inputs
    # The results of today's data as of then separate the effect of time from the effect of edits.
    learners = differing.select("company_id", "session_id", "user_id").unique()
    concerned = (
        inputs.sessions.select("company_id", "session_id", "session_key")
        .join(learners, on=["company_id", "session_id"])
        .select("session_key", "user_id")
    )
    moment = pl.lit(since).dt.cast_time_unit("us")
    then = inputs.with_enrollments(
        inputs.enrollments.join(concerned, on=["session_key", "user_id"], how="semi").with_columns(
            as_of=moment
        )
    )
    caused = with_causes(differing, evaluation(then).stats, inputs, changed_input, since, as_of)
    return with_gone_dates(caused, before)
