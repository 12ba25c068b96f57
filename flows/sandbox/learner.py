"""One enrolment as the platform sees it: its steps, its status, its figures."""

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from flows.sandbox.lists import Document

Row = dict[str, Any]
_DAYS = {"day": 1, "week": 7, "month": 30}


@dataclass(frozen=True)
class Step:
    """What a learner has made of a step.

    mine, earlier: attempts in the session, and those completed elsewhere.
    rests_on:      of those elsewhere, the one that stands in for one of the learner's own.
    """

    row: Row
    mine: list[Row]
    earlier: list[Row]
    must_replay: bool
    due_at: datetime | None

    @cached_property
    def finished(self) -> list[Row]:
        elsewhere = [] if self.must_replay else self.earlier
        return [a for a in self.mine if a["is_done"]] + elsewhere

    @cached_property
    def passed(self) -> list[Row]:
        return [a for a in self.finished if _passes(a, self.row)]

    @cached_property
    def is_failed_for_good(self) -> bool:
        if self.passed or not self.finished:
            return False
        if self.row["type"] == "assessment":
            return bool(self.row["is_examination"]) or self.row["min_score"] is not None
        done = sum(a["is_done"] for a in self.mine)
        limit = self.row["attempts_limit"]
        return limit is not None and done >= limit and done == len(self.mine)

    @property
    def is_failed_with_attempts_left(self) -> bool:
        return bool(self.finished) and not self.passed and not self.is_failed_for_good

    @property
    def is_to_replay(self) -> bool:
        return self.must_replay and bool(self.earlier) and not any(a["is_done"] for a in self.mine)

    @property
    def progress(self) -> int:
        return (
            100
            if self.finished
            else min(99, max((a["progress"] for a in self.mine if a["is_seen"]), default=0))
        )

    @property
    def score(self) -> int | None:
        return max((a["score"] for a in self.finished if a["score"] is not None), default=None)

    @property
    def time_elsewhere(self) -> int:
        if self.mine or not self.finished:
            return 0
        first = min(self.finished, key=lambda a: (a not in self.passed, a["completed_at"], a["activity_id"]))
        return int(first["time_spent_ms"])


@dataclass(frozen=True)
class Learner:
    """siblings: the learner's enrolments in the session. attempts: all the learner ever did, by step."""

    enrollment: Row
    session: Row
    path: Row
    steps: list[Row]
    siblings: list[Row]
    attempts: dict[str, list[Row]]
    now: datetime

    @cached_property
    def until(self) -> datetime:
        """Nothing after it counts: now, or when the learner was unenrolled."""
        left: datetime | None = self.enrollment["archived_at"]
        return left or self.now

    @cached_property
    def outcomes(self) -> list[Step]:
        return [self._outcome(step) for step in self.steps]

    @cached_property
    def required(self) -> list[Step]:
        return [step for step in self.outcomes if not step.row["optional"]]

    def document(self) -> Document:
        """The learner as `paths/stats` tells it."""
        status, reason = self._status()
        successful_at = [min(a["completed_at"] for a in step.passed) for step in self.required if step.passed]
        dates = [step.due_at for step in self.required if step.due_at and not step.finished]
        began = [a["started_at"] for step in self.outcomes for a in (*step.mine, *step.finished)]
        answer = {
            "_id": self.enrollment["enrollment_id"],
            "pathId": self.path["path_id"],
            "sessionId": self.session["session_id"],
            "userId": self.enrollment["user_id"],
            "progress": sum(step.progress for step in self.required) // max(1, len(self.required)),
            "status": {"type": status} | ({"reason": reason} if reason else {}),
            "timeSpent": self._time_spent(),
            "score": _mean([step.score for step in self.outcomes if step.score is not None]),
            "completedAt": max(successful_at) if status == "successful" else None,
            "enrolledAt": self.enrollment["enrolled_at"],
            "unenrolledAt": self.enrollment["archived_at"],
            "startedAt": min(began, default=None),
            "dueDate": min(dates, default=None),
        }
        return {name: _text(value) for name, value in answer.items() if value is not None}

    def _status(self) -> tuple[str, str | None]:
        if self.until < self.session["starts_at"]:
            return "sessionNotOpened", None
        if self.required and all(step.passed for step in self.required):
            return "successful", None
        if any(step.is_failed_for_good for step in self.required):
            return "unsuccessful", None
        if any(self._waits_for_correction(step) for step in self.required):
            return "awaitingCorrection", None
        ends_at = self.session["ends_at"]
        if ends_at is not None and self.until >= ends_at:
            return "unsuccessful", "sessionEnded"
        return self._status_while_open()

    def _status_while_open(self) -> tuple[str, str | None]:
        if self.required and all(step.finished or step.is_to_replay for step in self.required):
            is_replay = any(step.is_to_replay for step in self.required)
            return "toRetake", "mandatoryReplay" if is_replay else None
        if any(step.is_failed_with_attempts_left for step in self.required):
            return "toRetake", None
        if not any(step.mine or step.finished for step in self.outcomes):
            return "notYetStarted", None
        is_late = any(
            step.due_at and step.due_at < self.until and not step.finished for step in self.required
        )
        return "late" if is_late else "onTime", None

    def _outcome(self, row: Row) -> Step:
        is_assessment = row["type"] == "assessment"
        mine = [
            self._judged(a, is_assessment)
            for a in self.attempts.get(row["step_id"], [])
            if self._is_inside(a) and self._counts(a["started_at"], is_assessment) and self._is_mine(a)
        ]
        earlier = [
            a
            for a in self.attempts.get(row["step_id"], [])
            if not self._is_inside(a) and self._counts(a["completed_at"], is_assessment)
        ]
        return Step(row, mine, earlier, self.path["mandatory_replay"], self._due_at(row))

    def _judged(self, attempt: Row, is_assessment: bool) -> Row:
        is_done = self._counts(attempt["completed_at"], is_assessment)
        is_seen = is_done or self._counts(attempt["last_activity_at"], is_assessment)
        return attempt | {"is_done": is_done, "is_seen": is_seen}

    def _counts(self, moment: datetime | None, is_assessment: bool) -> bool:
        if moment is None or moment > self.until:
            return False
        ends_at = self.session["ends_at"]
        return is_assessment or ends_at is None or moment < ends_at

    def _is_inside(self, attempt: Row) -> bool:
        return bool(attempt["session_id"] == self.session["session_id"])

    def _is_mine(self, attempt: Row) -> bool:
        """Who is enrolled again may start anew: an attempt is of the enrolment it fell in."""
        if not self.session["restarts_on_reenrollment"]:
            return True
        begun = [e for e in self.siblings if e["enrolled_at"] <= attempt["started_at"]]
        newest = max(begun, key=lambda e: (e["enrolled_at"], e["enrollment_id"]), default=None)
        return newest is not None and newest["enrollment_id"] == self.enrollment["enrollment_id"]

    def _waits_for_correction(self, step: Step) -> bool:
        if step.row["type"] != "assessment" or step.finished:
            return False
        before = [
            other
            for other in self.required
            if other.row["type"] != "assessment" and other.row["position"] < step.row["position"]
        ]
        return all(other.passed for other in before)

    def _time_spent(self) -> int:
        assessments = {row["step_id"] for row in self.steps if row["type"] == "assessment"}
        here = [
            self._judged(a, step in assessments)
            for step, attempts in self.attempts.items()
            for a in attempts
            if self._is_inside(a) and self._counts(a["started_at"], step in assessments) and self._is_mine(a)
        ]
        inside: int = sum(a["time_spent_ms"] for a in here if a["is_seen"])
        return inside + sum(step.time_elsewhere for step in self.outcomes)

    def _due_at(self, row: Row) -> datetime | None:
        unit, value = row["due_unit"], row["due_value"]
        if unit is None or value is None:
            return None
        base: datetime = self.enrollment["enrolled_at"]
        whole = int(value) if unit == "month" else 0
        rest = round((value - whole) * _DAYS[unit] * 86_400_000_000)
        return _months_later(base, whole) + timedelta(microseconds=rest)


def _months_later(base: datetime, months: int) -> datetime:
    year, month = divmod(base.year * 12 + base.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month + 1)[1]
    return base.replace(year=year, month=month + 1, day=min(base.day, last_day))


def _passes(attempt: Row, step: Row) -> bool:
    spent, limit = attempt["time_spent_ms"], (step["time_limit_s"] or 0) * 1000
    if step["time_limit_mode"] == "maxTime" and spent > limit:
        return False
    if step["time_limit_mode"] == "minTime" and spent < limit:
        return False
    if step["min_score"] is not None:
        return attempt["score"] is not None and attempt["score"] >= step["min_score"]
    return not step["is_examination"] or attempt["passed"] is True


def _mean(scores: list[int]) -> int | None:
    """Half a point is rounded up."""
    return int(sum(scores) / len(scores) + 0.5) if scores else None


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value
