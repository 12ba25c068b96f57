"""The platform's own statistics of each enrollment, as `GET /api/v2/paths/stats` returns them.

Computed one learner at a time and by nothing of what the runs compute with, in the words of version 2
where they differ from the contract's: one required step that failed with an attempt left is `toRetake`,
whatever else is open; and a path has its present steps, also for learners who were unenrolled earlier.
Results of programs, which no list has, count here.
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


class Answers:
    """The answers to any enrollments of the world, as of now."""

    def __init__(self, tables: Tables, now: datetime) -> None:
        self._tables, self._now = tables, now
        self._curricula = _curricula(tables)

    def completed_at(self, asked: pl.DataFrame) -> pl.Series:
        """When each of these enrollments' paths was completed, null if it was not."""
        found = (answer.get("completedAt") for answer in self.documents(asked))
        return pl.Series(found, dtype=pl.String).str.to_datetime(time_unit="us", time_zone="UTC")

    def counts(self, enrolled: pl.DataFrame) -> pl.DataFrame:
        """Learners per detailed status, as `user-statuses` has them; one row.

        enrolled: documents of a session's enrollments. Of several of one learner the newest published counts.
        """
        newest = (
            enrolled.filter(pl.col("status") == PUBLISHED)
            .sort("createdAt", "_id")
            .unique("userId", keep="last", maintain_order=True)
        )
        answers = self.documents(newest)
        found = Counter(answer["status"]["type"] for answer in answers)
        return pl.DataFrame(
            {"certificates": sum("certificateId" in answer for answer in answers)}
            | {f"usersCountByStatus.{status}": found[status] for status in DETAILED_STATUSES}
        )

    def documents(self, asked: pl.DataFrame) -> list[Document]:
        """One for each of the enrollments' documents."""
        users = pl.col("user_id").is_in(asked["userId"].implode())
        enrollments = self._tables["enrollments"].filter(users).to_dicts()
        attempts = self._tables["step_activity"].filter(users).iter_rows(named=True)
        enrolled, did = _grouped(enrollments, "user_id"), _grouped(attempts, "user_id")
        people = {
            user: Person(_grouped(mine, "session_id"), _grouped(did.get(user, []), "step_id"))
            for user, mine in enrolled.items()
        }
        by_id = {row["enrollment_id"]: row for row in enrollments}
        rows = [by_id[it] for it in asked["_id"]]
        answers = [
            Learner(self._curricula, people[row["user_id"]], row, self._now).document() for row in rows
        ]
        for answer, is_self_enrolled in zip(answers, asked["isSelfEnrolled"], strict=True):
            certificate = certificate_of(answer)
            answer |= {"selfEnrolled": is_self_enrolled} | (
                {"certificateId": certificate} if certificate else {}
            )
        return answers


def _curricula(tables: Tables) -> PathVersions:
    known = tables["path_sessions"].join(tables["paths"], on="path_id", how="semi")
    sessions = {row["session_id"]: row for row in known.iter_rows(named=True)}
    taught = tables["path_steps"].join(tables["paths"], on="path_id", how="semi")
    steps = taught.filter(~pl.col("type").is_in(MESSAGE_STEP_TYPES)).sort("path_id", "position")
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
    """The paths that have this one as a sub-path, or have one that has."""
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
