"""Compute the expected responses for a release, from its tables instead of its index."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from schemas.home import Release
from schemas.manifest import Manifest

Pair = tuple[str, str, str]
_STATS = (
    "company_id",
    "session_id",
    "user_id",
    "progress",
    "global_time_ms",
    "score",
    "status",
    "completed_at",
    "detailed_status_type",
    "detailed_status_reason",
    "result",
    "archived_at",
)


@dataclass(frozen=True)
class Expected:
    """The expected responses for one release.

    learners: company, session and user to the response body.
    counts:   company and session to learners per detailed status.
    """

    as_of: str
    learners: dict[Pair, str]
    counts: dict[tuple[str, str], dict[str, int]]

    @classmethod
    def of(cls, release: Release, sessions: list[str]) -> "Expected":
        """The expected responses for these sessions, in all companies."""
        rows = (
            pl.scan_parquet(release.table("path_session_stats"), glob=False)
            .filter("is_current", pl.col("session_id").is_in(sessions))
            .select(_STATS)
            .collect()
        )
        learners: dict[Pair, str] = {}
        counts: dict[tuple[str, str], Counter[str]] = {}
        for row in rows.iter_rows(named=True):
            company_id, session_id = row["company_id"], row["session_id"]
            learners[company_id, session_id, row["user_id"]] = _body(row)
            if row["archived_at"] is None:
                counts.setdefault((company_id, session_id), Counter())[row["detailed_status_type"]] += 1
        as_of = datetime.fromisoformat(Manifest.read(release.manifest).as_of)
        return cls(_iso(as_of) or "", learners, {key: dict(counted) for key, counted in counts.items()})

    def session(self, company_id: str, session_id: str) -> dict[str, str]:
        """The expected response bodies of the session's learners, by user."""
        return {user: body for (*of, user), body in self.learners.items() if of == [company_id, session_id]}


def _body(row: dict[str, Any]) -> str:
    status = {"type": row["detailed_status_type"], "reason": row["detailed_status_reason"]}
    body = {
        "progress": row["progress"],
        "globalTime": row["global_time_ms"],
        "score": row["score"],
        "status": row["status"],
        "completedAt": _iso(row["completed_at"]),
        "detailedStatus": {key: value for key, value in status.items() if value is not None},
        "result": row["result"],
    }
    archived = _iso(row["archived_at"])
    return json.dumps(body | ({"archivedAt": archived} if archived else {}))


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None
