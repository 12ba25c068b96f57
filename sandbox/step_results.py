"""Compute a learner's result of a step, from attempts or from the session of a sub-path."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

Row = dict[str, Any]


class Step(Protocol):
    """The result of one step.

    is_failed:    it can't be passed any more.
    is_to_replay: done in another session, and to be done again in this one.
    waits:        awaits a correction, ignoring the steps before it.
    """

    @property
    def row(self) -> Row: ...
    @property
    def due_at(self) -> datetime | None: ...
    @property
    def finished_at(self) -> datetime | None: ...
    @property
    def passed_at(self) -> datetime | None: ...
    @property
    def began_at(self) -> datetime | None: ...
    @property
    def is_failed(self) -> bool: ...
    @property
    def is_to_replay(self) -> bool: ...
    @property
    def waits(self) -> bool: ...
    @property
    def progress(self) -> int: ...
    @property
    def score(self) -> float | None: ...
    @property
    def time_elsewhere(self) -> int:
        """The time spent on the step outside of the session, in milliseconds."""
        ...


@dataclass(frozen=True)
class AttemptedStep:
    """The result of a step with attempts.

    mine: attempts in the session. earlier: attempts completed in other sessions.
    """

    row: Row
    due_at: datetime | None
    mine: list[Row]
    earlier: list[Row]
    must_replay: bool

    @cached_property
    def _finished(self) -> list[Row]:
        elsewhere = [] if self.must_replay else self.earlier
        return [a for a in self.mine if a["is_done"]] + elsewhere

    @cached_property
    def _passed(self) -> list[Row]:
        return [a for a in self._finished if _passes(a, self.row)]

    @property
    def finished_at(self) -> datetime | None:
        return min((a["completed_at"] for a in self._finished), default=None)

    @property
    def passed_at(self) -> datetime | None:
        return min((a["completed_at"] for a in self._passed), default=None)

    @property
    def began_at(self) -> datetime | None:
        return min((a["started_at"] for a in (*self.mine, *self._finished)), default=None)

    @cached_property
    def is_failed(self) -> bool:
        if self._passed or not self._finished:
            return False
        if self.row["type"] == "assessment":
            return bool(self.row["is_examination"]) or self.row["min_score"] is not None
        done = sum(a["is_done"] for a in self.mine)
        limit = self.row["attempts_limit"]
        return limit is not None and done >= limit and done == len(self.mine)

    @property
    def is_to_replay(self) -> bool:
        return self.must_replay and bool(self.earlier) and not any(a["is_done"] for a in self.mine)

    @property
    def waits(self) -> bool:
        return self.row["type"] == "assessment" and not self._finished

    @property
    def progress(self) -> int:
        if self._finished:
            return 100
        return min(99, max((a["progress"] for a in self.mine if a["is_seen"]), default=0))

    @property
    def score(self) -> float | None:
        return max((a["score"] for a in self._finished if a["score"] is not None), default=None)

    @property
    def time_elsewhere(self) -> int:
        """The time of the carried-over attempt, 0 if there are attempts in the session."""
        if self.mine or not self._finished:
            return 0
        first = min(
            self._finished, key=lambda a: (a not in self._passed, a["completed_at"], a["activity_id"])
        )
        return int(first["time_spent_ms"])


@dataclass(frozen=True)
class SubPath:
    """The result of a sub-path, from the learner's session of it. Attempts at the step itself don't count."""

    row: Row
    due_at: datetime | None
    finished_at: datetime | None
    passed_at: datetime | None
    began_at: datetime | None
    is_failed: bool
    is_to_replay: bool
    waits: bool
    progress: int
    score: float | None
    time_elsewhere: int


def _passes(attempt: Row, step: Row) -> bool:
    spent, limit = attempt["time_spent_ms"], (step["time_limit_s"] or 0) * 1000
    mode = None if step["is_scorm"] else step["time_limit_mode"]
    if mode == "maxTime" and spent > limit:
        return False
    if mode == "minTime" and spent < limit:
        return False
    if step["min_score"] is not None:
        return attempt["score"] is not None and attempt["score"] >= step["min_score"]
    return not step["is_examination"] or attempt["passed"] is True
