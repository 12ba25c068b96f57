"""The platform's view of one enrollment: steps, status and figures."""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Any

from sandbox.lists import Document
from sandbox.step_results import AttemptedStep, Row, Step, SubPath

_DAYS = {"day": 1, "week": 7, "month": 30}


@dataclass(frozen=True)
class PathVersions:
    """Paths and sessions by id, and their steps.

    steps:    path to its steps, without messages.
    waivers:  path to its waivers.
    root_of:  child session to the outermost session that it was created for.
    children: outermost session and sub-path to the child sessions created for it.
    above:    path to all paths that contain it, directly or not.
    """

    paths: Mapping[str, Row]
    sessions: Mapping[str, Row]
    steps: Mapping[str, list[Row]]
    waivers: Mapping[str, list[Row]]
    root_of: Mapping[str, str]
    children: Mapping[tuple[str, str], list[str]]
    above: Mapping[str, set[str]]


@dataclass(frozen=True)
class Person:
    """All enrollments of one learner by session, and all attempts by step."""

    enrollments: Mapping[str, list[Row]]
    attempts: Mapping[str, list[Row]]


@dataclass(frozen=True)
class Learner:
    """One enrollment of a learner, evaluated at `now`."""

    path_versions: PathVersions
    person: Person
    enrollment: Row
    now: datetime

    @cached_property
    def session(self) -> Row:
        return self.path_versions.sessions[self.enrollment["session_id"]]

    @cached_property
    def path(self) -> Row:
        return self.path_versions.paths[self.session["path_id"]]

    @cached_property
    def until(self) -> datetime:
        """The time of evaluation: now, or when the learner was unenrolled. Nothing later counts."""
        return self.now if self.is_enrolled else self.enrollment["archived_at"]

    @property
    def is_enrolled(self) -> bool:
        left: datetime | None = self.enrollment["archived_at"]
        return left is None or left > self.now

    @cached_property
    def steps(self) -> list[Step]:
        """The results of the counted steps, without those that a positioning quiz waived."""
        steps = [self._step(row) for row in self._rows]
        scores = {step.row["step_id"]: step.score for step in steps}
        waived = {
            it["waived_step_id"]
            for it in self.path_versions.waivers.get(self.path["path_id"], [])
            if (score := scores.get(it["step_id"])) is not None and score >= it["threshold"]
        }
        return [step for step in steps if step.row["step_id"] not in waived]

    @cached_property
    def required(self) -> list[Step]:
        return [step for step in self.steps if not step.row["optional"]]

    def document(self) -> Document:
        """The learner's result as in `paths/stats`."""
        status, reason = self.status
        dates = [step.due_at for step in self.required if step.due_at and not step.finished_at]
        result = {
            "_id": self.enrollment["enrollment_id"],
            "pathId": self.path["path_id"],
            "sessionId": self.session["session_id"],
            "userId": self.enrollment["user_id"],
            "progress": self.progress,
            "status": {"type": status} | ({"reason": reason} if reason else {}),
            "timeSpent": self.time_spent,
            "score": self.score,
            "completedAt": self.completed_at,
            "enrolledAt": self.enrollment["enrolled_at"],
            "unenrolledAt": None if self.is_enrolled else self.enrollment["archived_at"],
            "startedAt": self.began_at,
            "dueDate": min(dates, default=None),
        }
        return {name: _text(value) for name, value in result.items() if value is not None}

    @property
    def progress(self) -> int:
        return sum(step.progress for step in self.required) // max(1, len(self.required))

    @property
    def score(self) -> int | None:
        """The mean score; half a point is rounded up."""
        scores = [Fraction(str(step.score)) for step in self.steps if step.score is not None]
        return int(sum(scores) / len(scores) + Fraction(1, 2)) if scores else None

    @property
    def completed_at(self) -> datetime | None:
        passed = [step.passed_at for step in self.required if step.passed_at]
        return max(passed) if self.status[0] == "successful" else None

    @property
    def finished_at(self) -> datetime | None:
        """When the last required step was finished, None unless all are."""
        finished = [step.finished_at for step in self.required if step.finished_at]
        return max(finished) if finished and len(finished) == len(self.required) else None

    @property
    def began_at(self) -> datetime | None:
        return min((step.began_at for step in self.steps if step.began_at), default=None)

    @cached_property
    def status(self) -> tuple[str, str | None]:
        """The type and reason of the detailed status."""
        ends_at = self.session["ends_at"]
        found = self._status_of_steps()
        if found[0] in _OPEN_STATUSES and ends_at is not None and self.until >= ends_at:
            return "unsuccessful", "sessionEnded"
        return found

    def _status_of_steps(self) -> tuple[str, str | None]:
        """The detailed status, ignoring the end of the session."""
        if self.until < self.session["starts_at"]:
            return "sessionNotOpened", None
        if self.required and all(step.passed_at for step in self.required):
            return "successful", None
        if any(step.is_failed for step in self.required):
            return "unsuccessful", None
        if any(self._waits(step) for step in self.required):
            return "awaitingCorrection", None
        if self.required and all(step.finished_at or step.is_to_replay for step in self.required):
            is_replay = any(step.is_to_replay for step in self.required)
            return "toRetake", "mandatoryReplay" if is_replay else None
        if any(step.finished_at and not step.passed_at for step in self.required):
            return "toRetake", None
        if self.began_at is None:
            return "notYetStarted", None
        dates = [step.due_at for step in self.required if step.due_at and not step.finished_at]
        return "late" if any(date < self.until for date in dates) else "onTime", None

    def _waits(self, step: Step) -> bool:
        """Whether the step awaits its correction: every required step before the assessment is passed.

        A sub-path has its own result.
        """
        if isinstance(step, SubPath) or not step.waits:
            return step.waits
        before = [it for it in self.required if it.row["position"] < step.row["position"]]
        return all(it.passed_at for it in before if it.row["type"] != "assessment")

    @property
    def time_spent(self) -> int:
        assessments = {row["step_id"] for row in self._rows if row["type"] == "assessment"}
        below = {step.row["step_id"] for step in self.steps if isinstance(step, SubPath)}
        here = [
            self._judged(a, step in assessments)
            for step, attempts in self.person.attempts.items()
            if step not in below
            for a in attempts
            if self._is_inside(a) and self._counts(a["started_at"], step in assessments) and self._is_mine(a)
        ]
        inside: int = sum(a["time_spent_ms"] for a in here if a["is_seen"])
        return inside + sum(step.time_elsewhere for step in self.steps)

    @property
    def _rows(self) -> list[Row]:
        return self.path_versions.steps.get(self.path["path_id"], [])

    def _step(self, row: Row) -> Step:
        child = self._child(row) if row["type"] == "path" else None
        return child.as_step(row, self._due_at(row)) if child else self._attempted(row)

    def as_step(self, row: Row, due_at: datetime | None) -> SubPath:
        """This enrollment as a step of the parent path."""
        kind, _ = self._status_of_steps()
        is_replay = kind == "toRetake" and any(step.is_to_replay for step in self.required)
        all_done = all(step.finished_at or step.is_to_replay for step in self.required)
        return SubPath(
            row,
            due_at,
            finished_at=self.finished_at,
            passed_at=self.completed_at,
            began_at=self.began_at,
            is_failed=kind == "unsuccessful",
            is_to_replay=is_replay and all_done,
            waits=kind == "awaitingCorrection",
            progress=self.progress,
            score=self.score,
            time_elsewhere=self.time_spent,
        )

    def _child(self, row: Row) -> "Learner | None":
        """The learner's enrollment in a session of the sub-path with the same outermost session."""
        if (
            row["step_id"] == self.path["path_id"]
            or row["step_id"] in self.path_versions.above[self.path["path_id"]]
        ):
            return None
        here = self.session["session_id"]
        root = self.path_versions.root_of.get(here, here)
        found = [
            Learner(self.path_versions, self.person, enrollment, self.until)
            for session in self.path_versions.children.get((root, row["step_id"]), [])
            for enrollment in self.person.enrollments.get(session, [])
            if enrollment["enrolled_at"] <= self.until
        ]
        return max(found, key=Learner._sort_key, default=None)

    def _sort_key(self) -> tuple[bool, datetime, str]:
        """The sort key of enrollments: active ones last, then by the latest enrollment or unenrollment."""
        moment = self.enrollment["enrolled_at" if self.is_enrolled else "archived_at"]
        return self.is_enrolled, moment, self.enrollment["enrollment_id"]

    def _attempted(self, row: Row) -> AttemptedStep:
        is_assessment = row["type"] == "assessment"
        attempts = self.person.attempts.get(row["step_id"], [])
        mine = [
            self._judged(a, is_assessment)
            for a in attempts
            if self._is_inside(a) and self._counts(a["started_at"], is_assessment) and self._is_mine(a)
        ]
        earlier = [
            a for a in attempts if not self._is_inside(a) and self._counts(a["completed_at"], is_assessment)
        ]
        return AttemptedStep(row, self._due_at(row), mine, earlier, self.path["mandatory_replay"])

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
        """Whether the attempt belongs to this enrollment, if a learner who is enrolled again starts over.

        An attempt belongs to the enrollment that it names, or to the newest one that began before it.
        """
        if attempt["enrollment_id"] is not None:
            return bool(attempt["enrollment_id"] == self.enrollment["enrollment_id"])
        if not self.session["restarts_on_reenrollment"]:
            return True
        begun = [
            it
            for it in self.person.enrollments[self.session["session_id"]]
            if it["enrolled_at"] <= min(attempt["started_at"], self.now)
        ]
        newest = max(begun, key=lambda it: (it["enrolled_at"], it["enrollment_id"]), default=None)
        return newest is not None and newest["enrollment_id"] == self.enrollment["enrollment_id"]

    def _due_at(self, row: Row) -> datetime | None:
        unit, value = row["due_unit"], row["due_value"]
        if unit is None or value is None:
            return None
        base: datetime = self.enrollment["enrolled_at"]
        whole = int(value) if unit == "month" else 0
        rest = round((value - whole) * _DAYS[unit] * 86_400_000_000)
        return _months_later(base, whole) + timedelta(microseconds=rest)


# These become unsuccessful when the session ends.
_OPEN_STATUSES = ("toRetake", "notYetStarted", "late", "onTime")


def _months_later(base: datetime, months: int) -> datetime:
    year, month = divmod(base.year * 12 + base.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month + 1)[1]
    return base.replace(year=year, month=month + 1, day=min(base.day, last_day))


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value
