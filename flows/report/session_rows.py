"""Read the rows of session pages from a release, in batches of sessions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from flows.report.attempt_rows import known_sessions, rejected_attempts
from schemas.columns import polars_schema
from schemas.home import Release
from schemas.outputs import Attempts

# Enrollments kept in memory at once; a larger session is a batch of its own.
_ENROLLMENTS = 20_000
_OF_LEARNERS = (
    "session_id",
    "user_id",
    "enrollment_id",
    "detailed_status_type",
    "detailed_status_reason",
    "progress",
    "score",
    "global_time_ms",
    "next_due_at",
    "overdue_steps",
    "is_late",
    "late_since",
    "completed_at",
    "archived_at",
)
_OF_STEPS = (
    "session_id",
    "enrollment_id",
    "step_id",
    "position",
    "optional",
    "finished",
    "successful",
    "exhausted",
    "to_retake",
    "replay_pending",
    "awaiting_correction",
    "overdue",
    "score",
    "progress",
    "due_at",
)


@dataclass(frozen=True)
class SessionRows:
    """The rows of a session in a release. Rows of tables are in publication order.

    learners:       current rows of PathSessionStats.
    steps:          the learners' rows of StepStats.
    attempts:       the learners' rows of Attempts, without attempts that satisfy a step.
    rejected:       the learners' attempts in quarantine; may include other learners.
    known_sessions: the ids of the company's sessions.
    people:         user_id to name and e-mail; may include other learners; empty without names.
    """

    learners: pl.DataFrame
    steps: pl.DataFrame
    attempts: pl.DataFrame
    rejected: pl.DataFrame
    known_sessions: frozenset[str]
    people: Mapping[str, tuple[str, str]]


def of_company(release: Release, company_id: str, table: str) -> pl.LazyFrame:
    """The company's rows of a table."""
    rows = pl.scan_parquet(release.table(table), glob=False)
    return rows.filter(pl.col("company_id") == pl.lit(company_id))


def rows_of(
    release: Release, company_id: str, sessions: Sequence[str], *, with_names: bool
) -> Iterator[SessionRows]:
    """The rows of each session, in the order of `sessions`."""
    for batch in _batches(release, company_id, sessions):
        yield from _rows_of_batch(release, company_id, batch, with_names=with_names)


def _rows_of_batch(
    release: Release, company_id: str, sessions: Sequence[str], *, with_names: bool
) -> Iterator[SessionRows]:
    # Tables are sorted by company and session, so the bounds let polars skip row groups.
    session = pl.col("session_id")
    wanted = (
        session.is_between(pl.lit(min(sessions)), pl.lit(max(sessions))),
        session.is_in(list(sessions)),
    )
    learners = of_company(release, company_id, "path_session_stats").filter(*wanted, "is_current")
    steps = of_company(release, company_id, "step_stats").filter(*wanted).select(_OF_STEPS)
    known = learners.select(_OF_LEARNERS).collect()
    attempts = _attempts(release, company_id).filter(*wanted, pl.col("account") != "satisfies")
    rejected = rejected_attempts(release, company_id, known["user_id"].unique())
    people = _people(release, company_id, known) if with_names else {}
    by_session = known.partition_by("session_id", as_dict=True)
    current, tried = (
        rows.join(known.lazy(), on="enrollment_id", how="semi", maintain_order="left").collect()
        for rows in (steps, attempts)
    )
    details = [(rows, rows.partition_by("session_id", as_dict=True)) for rows in (current, tried)]
    every = known_sessions(release, company_id)
    for session_id in sessions:
        steps_here, attempts_here = (
            of_session.get((session_id,), rows.clear()) for rows, of_session in details
        )
        learners_here = by_session.get((session_id,), known.clear())
        yield SessionRows(learners_here, steps_here, attempts_here, rejected, every, people)


def _attempts(release: Release, company_id: str) -> pl.LazyFrame:
    """The company's rows of Attempts; empty for a release of an earlier version, which lacks the table."""
    if release.table("attempts").exists():
        return of_company(release, company_id, "attempts")
    return pl.LazyFrame(schema=polars_schema(Attempts))


def _batches(release: Release, company_id: str, sessions: Sequence[str]) -> Iterator[list[str]]:
    """The sessions in batches, each small enough to read at once."""
    sizes = dict(
        of_company(release, company_id, "session_summary")
        .select("session_id", pl.col("enrolled") + pl.col("archived"))
        .collect()
        .iter_rows()
    )
    batch: list[str] = []
    enrollments = 0
    for session in sessions:
        if batch and enrollments + sizes[session] > _ENROLLMENTS:
            yield batch
            batch, enrollments = [], 0
        batch.append(session)
        enrollments += sizes[session]
    if batch:
        yield batch


def _people(release: Release, company_id: str, learners: pl.DataFrame) -> dict[str, tuple[str, str]]:
    users = (
        of_company(release, company_id, "users")
        .join(learners.lazy().select("user_id"), on="user_id", how="semi")
        .select(
            "user_id",
            pl.concat_str("first_name", "last_name", separator=" ", ignore_nulls=True).str.strip_chars(),
            pl.col("email").fill_null(""),
        )
        .collect()
    )
    return {user: (name, email) for user, name, email in users.iter_rows()}
