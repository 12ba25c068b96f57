"""R6 to R15: the published fields of one enrollment."""

import math
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import cached_property

from tests.reference.case import Case, is_archived
from tests.reference.step_outcome import Outcome, earliest
from tests.reference.sub_path import SubPath


@dataclass(frozen=True)
class DetailedStatus:
    type: str
    reason: str | None = None
    decided_by: str | None = None
    rule: str = ""  # the line of R11


@dataclass(frozen=True)
class Learner:
    """A case and the outcomes of its counted steps, by position, without waived steps (R16)."""

    case: Case
    outcomes: list[Outcome]

    @cached_property
    def required(self) -> list[Outcome]:
        """R3: counted and not optional."""
        return [outcome for outcome in self.outcomes if not outcome.step.optional]


def started_at(it: Learner) -> datetime | None:
    """R6: when the first in-session or carried-over attempt on a counted step began; null: not started."""
    return earliest([outcome.started_at for outcome in it.outcomes])


def progress(it: Learner) -> int:
    """R7: the mean of the required steps' progress, rounded down."""
    # decision: 0 when no step is required.
    if not it.required:
        return 0
    return sum(outcome.progress for outcome in it.required) // len(it.required)


def global_time_ms(it: Learner) -> int:
    """R8: all observed in-session attempts, plus what steps without any rest on; R17: plus the sub-paths'."""
    sub_paths = [outcome for outcome in it.outcomes if isinstance(outcome, SubPath)]
    theirs = {outcome.step.step_id for outcome in sub_paths}
    inside = [a for a in it.case.in_session if it.case.is_observed(a) and a.step_id not in theirs]
    carried_over_time = [outcome.rests_on for outcome in it.outcomes if outcome.rests_on is not None]
    below = sum(outcome.time_ms for outcome in sub_paths)
    return below + sum(attempt.time_spent_ms for attempt in inside + carried_over_time)


def score(it: Learner) -> int | None:
    """R9: the mean of the scores of the counted steps that have one, rounded half up."""
    # Decimal digits as they are written: 0.1 is a tenth.
    scores = [Fraction(str(outcome.score)) for outcome in it.outcomes if outcome.score is not None]
    return math.floor(sum(scores) / len(scores) + Fraction(1, 2)) if scores else None


def status(it: Learner) -> str:
    """R10: the first that applies."""
    if it.outcomes and all(outcome.finished for outcome in it.outcomes):
        return "completed"
    if any(outcome.awaiting_correction for outcome in it.required):
        return "awaitingCorrection"
    if any(outcome.overdue for outcome in it.required):
        return "late"
    return "onTime"


def detailed_status(it: Learner) -> DetailedStatus:
    """R11: the first that applies, and the step that decided."""
    required = it.required
    if it.case.t_eff < it.case.session.starts_at:
        return DetailedStatus("sessionNotOpened", rule="1")
    if required and all(outcome.successful for outcome in required):
        return DetailedStatus("successful", rule="2")
    for outcome in required:
        if outcome.exhausted:
            return DetailedStatus("unsuccessful", decided_by=outcome.step.step_id, rule="3")
    for outcome in required:
        if outcome.awaiting_correction:
            return DetailedStatus("awaitingCorrection", decided_by=outcome.step.step_id, rule="4")
    still_open = detailed_status_of_open_path(it)
    if it.case.ended:
        return DetailedStatus("unsuccessful", "sessionEnded", still_open.decided_by, still_open.rule)
    return still_open


def detailed_status_of_open_path(it: Learner) -> DetailedStatus:
    """R11.5: (a) to (d), the first that applies."""
    required = it.required
    if required and all(outcome.finished or outcome.replay_pending for outcome in required):
        reason = "mandatoryReplay" if any(outcome.replay_pending for outcome in required) else None
        again = [outcome for outcome in required if outcome.to_retake or outcome.replay_pending]
        return DetailedStatus("toRetake", reason, again[0].step.step_id, rule="5a")
    if started_at(it) is None:
        return DetailedStatus("notYetStarted", rule="5b")
    for outcome in required:
        if outcome.overdue and outcome.step.due_basis != "absolute":
            return DetailedStatus("late", decided_by=outcome.step.step_id, rule="5c")
    return DetailedStatus("onTime", rule="5d")


def result(it: Learner) -> str | None:
    """R12: over the required steps and the optional ones that are finished."""
    judged = [outcome for outcome in it.outcomes if outcome.finished or not outcome.step.optional]
    if any(outcome.exhausted for outcome in judged):
        return "unsuccessful"
    if any(outcome.to_retake for outcome in judged):
        return "retake"
    if it.required and all(outcome.successful for outcome in it.required):
        return "successful"
    return None


def completed_at(it: Learner) -> datetime | None:
    """R13: the latest successful_at of the required steps if R11 gives successful."""
    if detailed_status(it).type != "successful":
        return None
    return max(outcome.successful_at for outcome in it.required if outcome.successful_at is not None)


def archived_at(it: Learner) -> datetime | None:
    """R14: set when archived."""
    return it.case.enrollment.archived_at if it.case.archived else None


def is_current(it: Learner) -> bool:
    """R15: the not-archived one with the greatest enrolled_at, else the greatest archived_at."""
    # decision: among the enrollments that take part.
    here = [e for e in it.case.siblings if not is_archived(e, it.case.as_of)]
    if here:
        answers = max(here, key=lambda e: (e.enrolled_at, e.enrollment_id))
    else:
        answers = max(it.case.siblings, key=lambda e: (e.archived_at, e.enrollment_id))
    return answers.enrollment_id == it.case.enrollment.enrollment_id


def next_due_at(it: Learner) -> datetime | None:
    """decision: the earliest due_at ≥ T_eff of required steps that are not finished."""
    unfinished = [outcome.due_at for outcome in it.required if not outcome.finished]
    return earliest([due_at for due_at in unfinished if due_at is not None and due_at >= it.case.t_eff])


def all_required_finished_at(it: Learner) -> datetime | None:
    """decision: the latest finished_at of the required steps when all, at least one, are finished."""
    if not it.required or not all(outcome.finished for outcome in it.required):
        return None
    return max(outcome.finished_at for outcome in it.required if outcome.finished_at is not None)


def is_late(it: Learner) -> bool:
    """R18: a required step is overdue, the learner is enrolled, and the path can still be earned."""
    can_be_earned = detailed_status(it).type in ("late", "notYetStarted", "onTime", "toRetake")
    return any(outcome.overdue for outcome in it.required) and not it.case.archived and can_be_earned


def late_since(it: Learner) -> datetime | None:
    """R18: the earliest due_at of its overdue required steps."""
    return earliest([outcome.due_at for outcome in it.required if outcome.overdue]) if is_late(it) else None
