"""R5: what a counted step came to; and R8's share of it."""

import calendar
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from tests.reference.case import Case
from tests.reference.rows import Attempt, Step

DAY_US = 86_400_000_000
WEEK_US = 7 * DAY_US
MONTH_US = 30 * DAY_US
END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Outcome:
    """R5: what one counted step came to in one enrollment."""

    case: Case
    step: Step
    before: list["Outcome"]  # of the steps before it, by position

    @cached_property
    def in_session(self) -> list[Attempt]:
        """R4: the in-session attempts at this step."""
        return [attempt for attempt in self.case.in_session if attempt.step_id == self.step.step_id]

    @cached_property
    def carried_over(self) -> list[Attempt]:
        """R4: the carried-over attempts at this step."""
        return [attempt for attempt in self.case.carried_over if attempt.step_id == self.step.step_id]

    @cached_property
    def finished_in_session(self) -> list[Attempt]:
        """R4, R5: the attempts that attempts_limit counts."""
        return [attempt for attempt in self.in_session if self.case.is_finished(attempt)]

    @cached_property
    def finished_attempts(self) -> list[Attempt]:
        """R4: the finished attempts of both kinds."""
        return self.finished_in_session + [a for a in self.carried_over if self.case.is_finished(a)]

    @property
    def finished(self) -> bool:
        """R5: some attempt is finished."""
        return len(self.finished_attempts) > 0

    @property
    def finished_at(self) -> datetime | None:
        """R5: the earliest completed_at of the finished attempts."""
        return earliest([attempt.completed_at for attempt in self.finished_attempts])

    @cached_property
    def satisfying(self) -> list[Attempt]:
        """R5: the finished attempts that meet every condition."""
        return [a for a in self.finished_attempts if meets_every_condition(a, self.step)]

    @property
    def successful(self) -> bool:
        """R5: some attempt satisfies the step."""
        return len(self.satisfying) > 0

    @property
    def successful_at(self) -> datetime | None:
        """R5: the earliest completed_at of the satisfying attempts."""
        return earliest([attempt.completed_at for attempt in self.satisfying])

    @property
    def started_at(self) -> datetime | None:
        """R6: when the first in-session or carried-over attempt began."""
        return earliest([attempt.started_at for attempt in self.in_session + self.carried_over])

    @property
    def attempts_used(self) -> int:
        """decision: the finished in-session attempts."""
        return len(self.finished_in_session)

    @property
    def no_attempt_left(self) -> bool:
        """R5: a validation can't be undone; other steps need a limit, used up with nothing open."""
        if self.step.type == "assessment":
            return self.step.is_examination or self.step.min_score is not None
        if self.step.attempts_limit is None:
            return False
        nothing_open = self.attempts_used == len(self.in_session)
        return self.attempts_used >= self.step.attempts_limit and nothing_open

    @property
    def exhausted(self) -> bool:
        """R5: finished, not successful, and no attempt left."""
        return self.finished and not self.successful and self.no_attempt_left

    @property
    def to_retake(self) -> bool:
        """R5: finished, not successful, not exhausted."""
        return self.finished and not self.successful and not self.exhausted

    @property
    def replay_pending(self) -> bool:
        """R5: done outside only, and the path demands it inside."""
        outside = [a for a in self.case.done_outside if a.step_id == self.step.step_id]
        return self.case.path.mandatory_replay and not self.finished_in_session and len(outside) > 0

    @property
    def score(self) -> float | None:
        """R5: the best score among finished attempts."""
        return max((a.score for a in self.finished_attempts if a.score is not None), default=None)

    @property
    def progress(self) -> int:
        """R5: 100 if finished, else the greatest of the observed in-session attempts, capped at 99."""
        if self.finished:
            return 100
        return min(99, max((a.progress for a in self.in_session if self.case.is_observed(a)), default=0))

    @cached_property
    def due_at(self) -> datetime | None:
        """R5: the absolute date, or enrolled_at or starts_at plus the relative one."""
        step = self.step
        if step.due_basis == "absolute":
            return step.due_at
        # decision: half a relative date is not a due date.
        if step.due_unit is None or step.due_value is None:
            return None
        of_session = step.due_basis == "sessionStart"
        base = self.case.session.starts_at if of_session else self.case.enrollment.enrolled_at
        return due_after(base, step.due_value, step.due_unit)

    @property
    def overdue(self) -> bool:
        """R5: not finished and due_at < T_eff."""
        return not self.finished and self.due_at is not None and self.due_at < self.case.t_eff

    @property
    def awaiting_correction(self) -> bool:
        """R5: an assessment, not finished, reached."""
        return self.step.type == "assessment" and not self.finished and self.reached

    @property
    def reached(self) -> bool:
        """R5: the session is open and every required non-assessment step before it is successful."""
        if self.case.t_eff < self.case.session.starts_at:
            return False
        return all(
            other.successful
            for other in self.before
            if not other.step.optional
            and other.step.type != "assessment"
            and other.step.position < self.step.position
        )

    @property
    def rests_on(self) -> Attempt | None:
        """R8: with no in-session attempt at all, the carried-over attempt the step rests on."""
        if self.in_session or not self.carried_over:
            return None
        return min(self.carried_over, key=lambda a: (a not in self.satisfying, a.completed_at, a.activity_id))

    @property
    def time_ms(self) -> int:
        """R8: the step's share of global_time."""
        if self.rests_on is not None:
            return self.rests_on.time_spent_ms
        return sum(a.time_spent_ms for a in self.in_session if self.case.is_observed(a))


def earliest(instants: list[datetime | None]) -> datetime | None:
    """The earliest instant there is."""
    return min((instant for instant in instants if instant is not None), default=None)


def meets_every_condition(attempt: Attempt, step: Step) -> bool:
    """R5: min_score, time limit and, for an assessment without min_score, the verdict."""
    return meets_score(attempt, step) and meets_time_limit(attempt, step)


def meets_score(attempt: Attempt, step: Step) -> bool:
    """R5: a null score fails min_score; without it only an examination asks for `passed = true`."""
    if step.min_score is not None:
        return attempt.score is not None and attempt.score >= step.min_score
    if step.type == "assessment":
        return attempt.passed is True or not step.is_examination
    return True


def meets_time_limit(attempt: Attempt, step: Step) -> bool:
    """R5: maxTime is a most, minTime a least; time limits do not apply to SCORM steps."""
    # decision: half a time limit does not limit.
    if step.is_scorm or step.time_limit_mode is None or step.time_limit_s is None:
        return True
    if step.time_limit_mode == "maxTime":
        return attempt.time_spent_ms <= step.time_limit_s * 1000
    return attempt.time_spent_ms >= step.time_limit_s * 1000


def due_after(base: datetime, value: float, unit: str) -> datetime:
    """R5: the base plus the relative date, to the microsecond."""
    # decision: due_value is cut at 10,000 years, due_at at the end of year 9999; half a microsecond to even.
    value = min(value, {"month": 120_000, "week": 520_000, "day": 3_650_000}[unit])
    try:
        if unit == "month":
            whole = math.floor(value)
            return add_months(base, whole) + timedelta(microseconds=round((value - whole) * MONTH_US))
        return base + timedelta(microseconds=round(value * (WEEK_US if unit == "week" else DAY_US)))
    except OverflowError:
        return END_OF_TIME


def add_months(base: datetime, months: int) -> datetime:
    """R5: calendar months later, the day clamped to the month's end."""
    years, month = divmod(base.month - 1 + months, 12)
    year = base.year + years
    if year > END_OF_TIME.year:
        raise OverflowError
    day = min(base.day, calendar.monthrange(year, month + 1)[1])
    return base.replace(year=year, month=month + 1, day=day)
