"""Read the rows of session pages from a release, some sessions at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from flows.report.attempt_rows import known_sessions, rejected_attempts
from schemas.columns import polars_schema
from schemas.home import Release
from schemas.outputs import Attempts

# The learners of so many enrollments are in memory at once; a larger session is read alone.
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
    """The rows of a session in a release.

    learners: the rows of PathSessionStats that are current, in publication order.
    steps:    their rows of StepStats, in publication order.
    attempts: their rows of Attempts except satisfying ones, in publication order.
    rejected: the attempts of these learners, and perhaps of others, that are in quarantine.
    known_sessions: the ids of the company's sessions.
    people:   user_id to name and e-mail, of these learners and perhaps of others; none without names.
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
    """The rows of each session in turn."""
    for together in _some_at_a_time(release, company_id, sessions):
        yield from _read_at_once(release, company_id, together, with_names=with_names)


def _read_at_once(
    release: Release, company_id: str, sessions: Sequence[str], *, with_names: bool
) -> Iterator[SessionRows]:
    # Tables are sorted by company and session: rows outside the bounds are not read.
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
    """The company's rows of Attempts; empty for a release of an earlier version."""
    if release.table("attempts").exists():
        return of_company(release, company_id, "attempts")
    return pl.LazyFrame(schema=polars_schema(Attempts))


def _some_at_a_time(release: Release, company_id: str, sessions: Sequence[str]) -> Iterator[list[str]]:
    """The sessions in lists, each of as many as may be read at once."""
    sizes = dict(
        of_company(release, company_id, "session_summary")
        .select("session_id", pl.col("enrolled") + pl.col("archived"))
        .collect()
        .iter_rows()
    )
    together: list[str] = []
    enrollments = 0
    for session in sessions:
        if together and enrollments + sizes[session] > _ENROLLMENTS:
            yield together
            together, enrollments = [], 0
        together.append(session)
        enrollments += sizes[session]
    if together:
        yield together


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
