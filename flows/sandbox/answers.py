"""The platform's own answers: what `GET /api/v2/paths/stats` says of each enrolment.

Computed one learner at a time and by nothing of what the nights compute with, in the words of version 2
where they differ from the contract's: one required step that failed with an attempt left is `toRetake`,
whatever else is open; and all of a path's steps are those it has now, also for who was unenrolled earlier.
Results of programs, which no list tells, count here.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any

import polars as pl

from flows.sandbox.learner import Learner
from flows.sandbox.lists import Document
from flows.sandbox.sound_tables import Tables

Row = dict[str, Any]
# By learner and step.
Attempts = dict[str, dict[str, list[Row]]]


class Answers:
    """The answers to any enrolments of the world, as of now."""

    def __init__(self, tables: Tables, now: datetime) -> None:
        self._tables, self._now = tables, now
        self._paths = {row["path_id"]: row for row in tables["paths"].iter_rows(named=True)}
        self._sessions = {row["session_id"]: row for row in tables["path_sessions"].iter_rows(named=True)}
        self._steps: dict[str, list[Row]] = defaultdict(list)
        for step in tables["path_steps"].sort("path_id", "position").iter_rows(named=True):
            if step["type"] not in ("email", "slackMessage", "teamsMessage"):
                self._steps[step["path_id"]].append(step)

    def documents(self, asked: pl.DataFrame) -> list[Document]:
        """One for each of the enrolments' documents."""
        users = pl.col("user_id").is_in(asked["userId"].implode())
        attempts: Attempts = defaultdict(lambda: defaultdict(list))
        for attempt in self._tables["step_activity"].filter(users).iter_rows(named=True):
            attempts[attempt["user_id"]][attempt["step_id"]].append(attempt)
        enrollments = self._tables["enrollments"].filter(users).to_dicts()
        siblings: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in enrollments:
            siblings[row["session_id"], row["user_id"]].append(row)
        by_id = {row["enrollment_id"]: row for row in enrollments}
        return [self._learner(by_id[it], siblings, attempts).document() for it in asked["_id"]]

    def _learner(self, row: Row, siblings: dict[tuple[str, str], list[Row]], attempts: Attempts) -> Learner:
        session = self._sessions[row["session_id"]]
        return Learner(
            enrollment=row,
            session=session,
            path=self._paths[session["path_id"]],
            steps=self._steps[session["path_id"]],
            siblings=siblings[row["session_id"], row["user_id"]],
            attempts=attempts[row["user_id"]],
            now=self._now,
        )
