"""Read the figures of one company's report from a release."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from flows.database.connection import Connection, Parameters
from flows.report.release_views import IS_ENROLLED, IS_LATE
from flows.report.worklists import Attention, attention
from schemas.columns import table_name
from schemas.enums import STILL_TO_DO
from schemas.outputs import OUTPUTS, SUMMARY_COUNTS
from transforms.status_changes import transitions

# With more sessions a page would have megabytes.
_SESSIONS = 5_000


@dataclass(frozen=True)
class Distribution:
    """The number of learners per range of a percentage. without: learners without a value."""

    counts: dict[str, int]
    without: int


@dataclass(frozen=True)
class Figures:
    """The figures of one company's learners in a release.

    sessions:       one row each, open ones first: session_id, name (the id if unnamed), starts_at, ends_at,
                    state, enrolled, archived, the number of late learners (R18) per detailed status, the
                    counts per detailed status, mean_progress, mean_score.
    sessions_total: the number of sessions; `sessions` has at most some thousands.
    status_late:    the number of enrollments with the endpoint's `status = late`, which is not R18.
    transitions:    the number of learners that changed since the live release, by kind of change.
    rejected:       table, reason, rows; pending rows included.
    published:      the number of the company's rows in each table.
    people:         user_id to name and e-mail, for the users listed in `attention`; empty without names.
    """

    sessions: pl.DataFrame
    sessions_total: int
    attention: list[Attention]
    progress: Distribution
    score: Distribution
    status_late: int
    transitions: dict[str, int]
    rejected: list[tuple[str, str, int]]
    published: dict[str, int]
    people: dict[str, tuple[str, str]]


def figures(connection: Connection, company_id: str, as_of: datetime, *, with_names: bool) -> Figures:
    """Read the company's figures; `connection` has the release's tables by their names."""
    company = {"company": company_id}
    listed = attention(connection, company_id, as_of)
    changed = connection.frame("FROM status_changes WHERE company_id = $company", company)
    now = connection.frame(
        "FROM path_session_stats SEMI JOIN status_changes USING (company_id, enrollment_id) "
        "WHERE company_id = $company",
        company,
    )
    rejected = _rejected(connection, company)
    return Figures(
        sessions=_sessions(connection, company, as_of),
        sessions_total=connection.value(
            "SELECT count(*) FROM session_summary WHERE company_id = $company", company
        ),
        attention=listed,
        progress=_distribution(connection, company, "progress"),
        score=_distribution(connection, company, "score"),
        status_late=connection.value(
            f"SELECT count(*) FROM path_session_stats "
            f"WHERE company_id = $company AND {IS_ENROLLED} AND status = 'late'",
            company,
        ),
        transitions=transitions(changed, now),
        rejected=rejected,
        published=_published(connection, company) | {"quarantine": sum(rows for *_, rows in rejected)},
        people=_people(connection, company, listed) if with_names else {},
    )


def _sessions(connection: Connection, company: Parameters, as_of: datetime) -> pl.DataFrame:
    counts = ", ".join(f"s.{name} AS n_{name}" for name in SUMMARY_COUNTS.values())
    late = ", ".join(
        f"count(*) FILTER (detailed_status_type = '{kind}') AS late_{kind}" for kind in STILL_TO_DO
    )
    late_or_0 = ", ".join(f"coalesce(late_{kind}, 0) AS late_{kind}" for kind in STILL_TO_DO)
    return connection.frame(
        f"""
        WITH overdue AS (
          SELECT session_id, {late} FROM path_session_stats
          WHERE company_id = $company AND {IS_LATE} GROUP BY ALL
        )
        SELECT s.session_id, coalesce(nullif(s.name, ''), s.session_id) AS name, p.starts_at, p.ends_at,
               CASE WHEN $now < p.starts_at THEN 'not opened' WHEN $now >= p.ends_at THEN 'ended'
                    ELSE 'open' END AS state,
               s.enrolled, s.archived, {late_or_0}, {counts}, s.mean_progress, s.mean_score
        FROM session_summary s JOIN path_sessions p USING (company_id, session_id)
        LEFT JOIN overdue o USING (session_id)
        WHERE s.company_id = $company
        ORDER BY state = 'open' DESC, state = 'ended' DESC,
                 CASE WHEN state = 'open' THEN p.ends_at END NULLS LAST,
                 p.ends_at DESC, p.starts_at, session_id
        LIMIT {_SESSIONS}
        """,
        {**company, "now": as_of},
    )


def _distribution(connection: Connection, company: Parameters, column: str) -> Distribution:
    """Counts per range of ten, with separate ranges for exactly 0 and exactly 100."""
    rows = connection.rows(
        f"SELECT {column}, count(*) FROM path_session_stats "
        f"WHERE company_id = $company AND {IS_ENROLLED} GROUP BY ALL",
        company,
    )
    ranges = {"0": 0, "1–9": 0, **{f"{ten}–{ten + 9}": 0 for ten in range(10, 100, 10)}, "100": 0}
    names = list(ranges)
    without = 0
    for value, count in rows:
        if value is None:
            without += count
        else:
            ranges[names[0 if value == 0 else value // 10 + 1]] += count
    return Distribution(ranges, without)


def _published(connection: Connection, company: Parameters) -> dict[str, int]:
    """The company's rows per table, without the quarantine, whose rows may lack a company."""
    tables = [table_name(model) for model in OUTPUTS if "company_id" in model.to_schema().columns]
    counts = [f"(SELECT count(*) FROM {table} WHERE company_id = $company)" for table in tables]
    return dict(zip(tables, connection.rows(f"SELECT {', '.join(counts)}", company)[0], strict=True))


def _rejected(connection: Connection, company: Parameters) -> list[tuple[str, str, int]]:
    """Quarantined rows with the company's id; rows without a readable company_id belong to no company."""
    return connection.rows(
        'SELECT "table", reason, count(*) FROM quarantine '
        "WHERE json_extract_string(\"row\", '$.company_id') = $company GROUP BY ALL ORDER BY ALL",
        company,
    )


def _people(
    connection: Connection, company: Parameters, listed: list[Attention]
) -> dict[str, tuple[str, str]]:
    ids = pl.concat([group.rows.select("user_id") for group in listed]).unique()
    if ids.is_empty():
        return {}
    with connection.lent("wanted", ids):
        people = connection.rows(
            "SELECT user_id, trim(concat_ws(' ', first_name, last_name)), coalesce(email, '') "
            "FROM users SEMI JOIN wanted USING (user_id) WHERE company_id = $company ORDER BY user_id",
            company,
        )
    return {user: (name, email) for user, name, email in people}
