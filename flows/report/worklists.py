"""List the learners who need attention: four worklists, one query each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from flows.database.connection import Connection, instant, quoted
from flows.report.release_views import IS_ENROLLED, IS_LATE, IS_STILL_TO_DO
from transforms.due_dates import LAST_INSTANT

ENDS_WITHIN = timedelta(days=14)
# The rows of one list in the page; 5,000 rows are a third of a megabyte.
LISTED = 5_000
# Limits on the rows in the details of all sessions together and of one session, to bound the page's size.
_LISTED_IN_SESSIONS = 10_000
_LISTED_IN_A_SESSION = 5

# Each query returns session_id, user_id, moment (sort key, nulls last), progress, standing, step_id, steps.
_LATE = f"""
SELECT session_id, user_id, late_since AS moment, progress, detailed_status_type AS standing,
       NULL AS step_id, overdue_steps AS steps
FROM path_session_stats
WHERE company_id = $company AND {IS_LATE}"""

_ENDING = f"""
SELECT session_id, user_id, ends_at AS moment, progress, detailed_status_type AS standing,
       NULL AS step_id, required_steps - required_steps_finished AS steps
FROM path_session_stats JOIN path_sessions USING (company_id, session_id)
WHERE company_id = $company AND {IS_ENROLLED} AND {IS_STILL_TO_DO}
  AND ends_at <= $soon"""

_TO_RETAKE = f"""
SELECT session_id, user_id, all_required_finished_at AS moment, progress,
       coalesce(detailed_status_reason, 'toRetake') AS standing, decided_by_step_id AS step_id,
       required_steps - required_steps_finished AS steps
FROM path_session_stats
WHERE company_id = $company AND {IS_ENROLLED} AND detailed_status_type = 'toRetake'"""

# moment: since when no required step before the assessment is open. Earlier assessments don't block it (R5).
_TO_CORRECT = f"""
WITH waiting AS (
  SELECT session_id, user_id, enrollment_id, enrolled_at, progress, decided_by_step_id AS step_id
  FROM path_session_stats
  WHERE company_id = $company AND {IS_ENROLLED} AND detailed_status_type = 'awaitingCorrection'
), steps AS MATERIALIZED (
  SELECT enrollment_id, step_id, position, optional, successful_at
  FROM step_stats SEMI JOIN waiting USING (enrollment_id) WHERE company_id = $company
)
SELECT w.session_id, w.user_id, greatest(w.enrolled_at, s.starts_at, max(before.successful_at)) AS moment,
       w.progress, 'awaitingCorrection' AS standing, w.step_id, NULL AS steps
FROM waiting w
JOIN path_sessions s ON s.company_id = $company AND s.session_id = w.session_id
JOIN steps a ON a.enrollment_id = w.enrollment_id AND a.step_id = w.step_id
LEFT JOIN steps before ON before.enrollment_id = w.enrollment_id
  AND before.position < a.position AND NOT before.optional
GROUP BY w.session_id, w.user_id, w.enrolled_at, s.starts_at, w.progress, w.step_id"""


@dataclass(frozen=True)
class Kind:
    """A kind of worklist.

    meaning:     which learners it lists, in one sentence.
    superlative: what distinguishes the first ones of the list, e.g. "late for longest".
    """

    name: str
    title: str
    meaning: str
    superlative: str
    sql: str


KINDS = (
    Kind(
        "late",
        "Late",
        "A required step is overdue, and the learner can still act on it: the learner has started, has not "
        "started, or is to retake a step.",
        "late for longest",
        _LATE,
    ),
    Kind(
        "ending",
        "Ending within 14 days",
        "The session ends, and there is still something to do.",
        "with the earliest end",
        _ENDING,
    ),
    Kind(
        "retake",
        "To retake",
        "All is done, but something has to be done again to pass.",
        "done for longest",
        _TO_RETAKE,
    ),
    Kind(
        "correction",
        "Awaiting correction",
        "The learner has reached an assessment that has not been corrected. Waiting counts from when the "
        "session was open and all required steps before it were earned, other assessments included.",
        "waiting for longest",
        _TO_CORRECT,
    ),
)


@dataclass(frozen=True)
class Attention:
    """The worklist of one kind.

    rows:        session_id, user_id, moment, progress, standing, step_id, steps, is_listed: the first rows of
                 the list, and the first few of every session.
    total:       the number of learners; by_standing and by_session are its parts.
    sql:         the query for all of them.
    """

    kind: Kind
    rows: pl.DataFrame
    total: int
    by_standing: dict[str, int]
    by_session: dict[str, int]
    sql: str

    @property
    def listed(self) -> int:
        """The number of learners in the page's list."""
        return int(self.rows["is_listed"].sum())

    @property
    def missing(self) -> int:
        """The number of learners that are not in the page's list."""
        return self.total - self.listed


def attention(connection: Connection, company_id: str, as_of: datetime) -> list[Attention]:
    """The worklists of the company, each with the most urgent learners first."""
    found = []
    soon = as_of + min(ENDS_WITHIN, LAST_INSTANT - as_of)
    # DuckDB rejects parameters that the statement does not use.
    values = {"company": company_id, "soon": soon}
    for kind in KINDS:
        sql = kind.sql.strip()
        used = {name: value for name, value in values.items() if f"${name}" in sql}
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {kind.name} AS {sql}", used)
        counts, status_counts = (
            dict(connection.rows(f"SELECT {column}, count(*) FROM {kind.name} GROUP BY ALL ORDER BY ALL"))
            for column in ("session_id", "standing")
        )
        shown = sql.replace("$soon", instant(soon)).replace("$company", quoted(company_id))
        found.append((kind, counts, status_counts, f"{shown}\nORDER BY moment, session_id, user_id;"))
    few = _few_of_each(count for _, counts, *_ in found for count in counts.values())
    return [
        Attention(kind, _first(connection, kind.name, few), sum(counts.values()), status_counts, counts, sql)
        for kind, counts, status_counts, sql in found
    ]


def _first(connection: Connection, table: str, few: int) -> pl.DataFrame:
    order = "moment NULLS LAST, session_id, user_id"
    return connection.frame(
        f"SELECT *, row_number() OVER (ORDER BY {order}) <= {LISTED} AS is_listed FROM {table} "
        f"QUALIFY is_listed OR row_number() OVER (PARTITION BY session_id ORDER BY {order}) <= {few} "
        f"ORDER BY {order}"
    )


def _few_of_each(counts: Iterable[int]) -> int:
    """How many rows of each kind the details of every session can list within the limit on the page.

    >>> _few_of_each([1, 3, 900]), _few_of_each([100] * 4_000), _few_of_each([1] * 20_000)
    (5, 2, 0)
    """
    sizes = list(counts)
    few = _LISTED_IN_A_SESSION
    while sum(min(size, few) for size in sizes) > _LISTED_IN_SESSIONS:
        few -= 1
    return few
