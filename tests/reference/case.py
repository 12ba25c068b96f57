"""R1 to R4: when an enrollment is evaluated, which instants, steps and attempts count."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from tests.reference.rows import Attempt, Enrollment, Path, Session, Step, Waiver

MESSAGES = ("email", "slackMessage", "teamsMessage")


@dataclass(frozen=True)
class Case:
    """One enrollment that takes part, with everything its rules may look at."""

    as_of: datetime
    enrollment: Enrollment
    session: Session
    path: Path
    definitions: list[Step]  # every version of every step of the path
    siblings: list[Enrollment]  # the user's enrollments in the session that take part, this one included
    attempts: list[Attempt]  # all of the user's, in this company
    waivers: list[Waiver]  # every version of what waives the path's steps

    @property
    def key(self) -> tuple[str, str, str, str]:
        """How the outputs are sorted."""
        it = self.enrollment
        return (it.company_id, it.session_id, it.user_id, it.enrollment_id)

    @cached_property
    def archived(self) -> bool:
        """R1: archived when archived_at ≤ T."""
        return is_archived(self.enrollment, self.as_of)

    @cached_property
    def t_eff(self) -> datetime:
        """R1: archived_at if archived, else T."""
        archived_at = self.enrollment.archived_at
        return archived_at if archived_at is not None and self.archived else self.as_of

    @property
    def ended(self) -> bool:
        """R11.6: T_eff ≥ End; R2: End = ends_at or never."""
        return self.session.ends_at is not None and self.t_eff >= self.session.ends_at

    def counts(self, instant: datetime | None, step_id: str) -> bool:
        """R2: not after T_eff and before End; End does not matter on a counted assessment step."""
        if instant is None or instant > self.t_eff:
            return False
        before_end = self.session.ends_at is None or instant < self.session.ends_at
        return before_end or step_id in self.assessments

    @cached_property
    def steps(self) -> list[Step]:
        """R3: the steps valid at T_eff, without messages, by position."""
        valid_steps: dict[str, Step] = {}
        for step in self.definitions:
            if is_valid(step, self.t_eff) and is_newer(step, valid_steps.get(step.step_id)):
                valid_steps[step.step_id] = step
        counted = [step for step in valid_steps.values() if step.type not in MESSAGES]
        # decision: position ties are broken by step_id.
        return sorted(counted, key=lambda step: (step.position, step.step_id))

    @cached_property
    def assessments(self) -> set[str]:
        """R2: the counted assessment steps."""
        return {step.step_id for step in self.steps if step.type == "assessment"}

    @cached_property
    def in_session(self) -> list[Attempt]:
        """R4: the enrollment's in-session attempts, on any step id (R8 needs them all)."""
        return [
            attempt
            for attempt in self.attempts
            if attempt.session_id == self.session.session_id
            and self.counts(attempt.started_at, attempt.step_id)
            and self.sees(attempt)
        ]

    def sees(self, attempt: Attempt) -> bool:
        """R4: an attempt that names an enrollment is its alone; else, where the session restarts, one's."""
        if attempt.enrollment_id is not None:
            return attempt.enrollment_id == self.enrollment.enrollment_id
        if not self.session.restarts_on_reenrollment:
            return True
        # decision: the user's enrollments are the ones that take part (enrolled_at ≤ T).
        before = [e for e in self.siblings if e.enrolled_at <= attempt.started_at]
        owner = max(before, key=lambda e: (e.enrolled_at, e.enrollment_id), default=None)
        return owner is not None and owner.enrollment_id == self.enrollment.enrollment_id

    @cached_property
    def done_outside(self) -> list[Attempt]:
        """R4, R5: attempts outside S with a completed_at that counts."""
        return [
            attempt
            for attempt in self.attempts
            if attempt.session_id != self.session.session_id
            and self.counts(attempt.completed_at, attempt.step_id)
        ]

    @cached_property
    def carried_over(self) -> list[Attempt]:
        """R4: attempts outside S with a completed_at that counts, unless the path demands a replay."""
        return [] if self.path.mandatory_replay else self.done_outside

    def is_finished(self, attempt: Attempt) -> bool:
        """R4: finished when completed_at counts."""
        return self.counts(attempt.completed_at, attempt.step_id)

    def is_observed(self, attempt: Attempt) -> bool:
        """R4: observed when last_activity_at or completed_at counts."""
        return self.counts(attempt.last_activity_at, attempt.step_id) or self.is_finished(attempt)


def is_archived(enrollment: Enrollment, as_of: datetime) -> bool:
    """R1: archived_at ≤ T."""
    return enrollment.archived_at is not None and enrollment.archived_at <= as_of


def is_valid(step: Step | Waiver, instant: datetime) -> bool:
    """Section 1: valid_from ≤ t < valid_to, null = open."""
    begun = step.valid_from is None or step.valid_from <= instant
    return begun and (step.valid_to is None or instant < step.valid_to)


def is_newer(step: Step, other: Step | None) -> bool:
    """decision: of several valid versions the one with the greatest valid_from, null being the least."""
    if other is None or other.valid_from is None:
        return True
    return step.valid_from is not None and step.valid_from > other.valid_from
