"""The platform's own statistics of each enrollment, as `GET /api/v2/paths/stats` returns them.

Computed one learner at a time and without any code of the runs. Where version 2 differs from the contract,
this follows version 2: one failed required step with an attempt left makes the enrollment `toRetake`,
whatever else is open; and a path has its present steps, also for learners who were unenrolled earlier.
Results of programs, which the API does not list, count here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime

import polars as pl

from sandbox.certificates import certificate_of
from sandbox.endpoints import PUBLISHED
from sandbox.learner_results import Learner, PathVersions, Person
from sandbox.lists import Document
from sandbox.step_results import Row
from sandbox.valid_tables import Tables
from schemas.enums import DETAILED_STATUSES, MESSAGE_STEP_TYPES


class PlatformResults:
    """Computes the results of enrollments as of `now`."""

    def __init__(self, tables: Tables, now: datetime) -> None:
        self._tables, self._now = tables, now
        self._path_versions = _path_versions(tables)

    def completed_at(self, enrollments: pl.DataFrame) -> pl.Series:
        """When each of these enrollments was completed, null if it was not."""
        found = (result.get("completedAt") for result in self.documents(enrollments))
        return pl.Series(found, dtype=pl.String).str.to_datetime(time_unit="us", time_zone="UTC")

    def counts(self, enrolled: pl.DataFrame) -> pl.DataFrame:
        """Learners per detailed status, as `user-statuses` returns them; one row.

        enrolled: rows of a session's enrollments. A learner counts once, by the newest published enrollment.
        """
        newest = (
            enrolled.filter(pl.col("status") == PUBLISHED)
            .sort("createdAt", "_id")
            .unique("userId", keep="last", maintain_order=True)
        )
        results = self.documents(newest)
        found = Counter(result["status"]["type"] for result in results)
        return pl.DataFrame(
            {"certificates": sum("certificateId" in result for result in results)}
            | {f"usersCountByStatus.{status}": found[status] for status in DETAILED_STATUSES}
        )

    def documents(self, enrollments: pl.DataFrame) -> list[Document]:
        """One result per enrollment, in the order of the rows."""
        users = pl.col("user_id").is_in(enrollments["userId"].implode())
        known = self._tables["enrollments"].filter(users).to_dicts()
        attempts = self._tables["step_activity"].filter(users).iter_rows(named=True)
        by_user, attempts_of = _grouped(known, "user_id"), _grouped(attempts, "user_id")
        people = {
            user: Person(_grouped(mine, "session_id"), _grouped(attempts_of.get(user, []), "step_id"))
            for user, mine in by_user.items()
        }
        by_id = {row["enrollment_id"]: row for row in known}
        rows = [by_id[it] for it in enrollments["_id"]]
        results = [
            Learner(self._path_versions, people[row["user_id"]], row, self._now).document() for row in rows
        ]
        for result, is_self_enrolled in zip(results, enrollments["isSelfEnrolled"], strict=True):
            certificate = certificate_of(result)
            result |= {"selfEnrolled": is_self_enrolled} | (
                {"certificateId": certificate} if certificate else {}
            )
        return results


def _path_versions(tables: Tables) -> PathVersions:
    known = tables["path_sessions"].join(tables["paths"], on="path_id", how="semi")
    sessions = {row["session_id"]: row for row in known.iter_rows(named=True)}
    known_steps = tables["path_steps"].join(tables["paths"], on="path_id", how="semi")
    steps = known_steps.filter(~pl.col("type").is_in(MESSAGE_STEP_TYPES)).sort("path_id", "position")
    by_path = _grouped(steps.iter_rows(named=True), "path_id")
    children: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    root_of = {}
    for session, root in tables["child_sessions"].select("session_id", "root_session_id").iter_rows():
        if session in sessions and root in sessions:
            root_of[session] = root
            children[root, sessions[session]["path_id"]].append(session)
    return PathVersions(
        paths={row["path_id"]: row for row in tables["paths"].iter_rows(named=True)},
        sessions=sessions,
        steps=by_path,
        waivers=_grouped(tables["waivers"].iter_rows(named=True), "path_id"),
        root_of=root_of,
        children=children,
        above={path: _above(path, by_path) for path in tables["paths"]["path_id"]},
    )


def _above(path: str, steps: dict[str, list[Row]]) -> set[str]:
    """The paths that contain this one as a sub-path, directly or not."""
    found: set[str] = set()
    while True:
        more = {
            above
            for above, rows in steps.items()
            if any(row["type"] == "path" and row["step_id"] in {path, *found} for row in rows)
        }
        if more <= found:
            return found
        found |= more


def _grouped(rows: Iterable[Row], key: str) -> dict[str, list[Row]]:
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return dict(groups)
