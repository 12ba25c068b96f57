"""Why each attempt counts for an enrollment or does not: slow and obvious, as the rest of the reference."""

from typing import Any

from tests.reference.case import Case
from tests.reference.company import Companies
from tests.reference.fields import Learner
from tests.reference.rows import Attempt, Step
from tests.reference.step_outcome import Outcome, meets_score, meets_time_limit
from tests.reference.sub_path import SubPath


def attempt_accounts(companies: Companies, learner: Learner) -> list[dict[str, Any]]:
    """The learner's rows of Attempts, in no order."""
    case = learner.case
    outcomes = {outcome.step.step_id: outcome for outcome in learner.outcomes}
    on_path = {step.step_id for step in case.definitions}
    found = []
    for attempt in case.attempts:
        made_here = attempt.session_id == case.session.session_id
        if not made_here and attempt.step_id not in on_path:
            continue
        step = next((it for it in case.steps if it.step_id == attempt.step_id), None)
        outcome = outcomes.get(attempt.step_id)
        account = account_of(case, attempt, step, outcome, made_here=made_here)
        found.append((attempt, account, made_here, step, outcome))
    return [
        row(case, attempt, account, step)
        for attempt, account, made_here, step, outcome in found
        if not (account == "satisfies" and (made_here or is_all_there_is(attempt, outcome, found)))
    ]


def is_all_there_is(attempt: Attempt, outcome: Outcome | None, found: list[Any]) -> bool:
    """Whether the step rests on this attempt, and none other was made at it."""
    others = [it for it in found if it[0].step_id == attempt.step_id and it[0] is not attempt]
    return outcome is not None and outcome.rests_on is attempt and not others


def account_of(
    case: Case, attempt: Attempt, step: Step | None, outcome: Outcome | None, *, made_here: bool
) -> str:
    """The first reason that applies."""
    if step is None:
        return "step_not_counted"
    if outcome is None:
        return "step_waived"
    if isinstance(outcome, SubPath):
        return "sub_path"
    if attempt in (case.in_session if made_here else case.carried_over):
        return counted(case, attempt, step)
    if not made_here:
        if attempt.completed_at is None:
            return "not_completed"
        return "replay" if attempt in case.done_outside else too_late(case, attempt.completed_at, step)
    if not case.counts(attempt.started_at, attempt.step_id):
        return too_late(case, attempt.started_at, step)
    if attempt.enrollment_id not in (None, case.enrollment.enrollment_id):
        return "other_enrollment"
    is_before = attempt.started_at < case.enrollment.enrolled_at
    return "earlier_enrollment" if is_before else "later_enrollment"


def counted(case: Case, attempt: Attempt, step: Step) -> str:
    """The result of an attempt that counts."""
    if case.is_finished(attempt):
        return (
            "satisfies"
            if meets_score(attempt, step) and meets_time_limit(attempt, step)
            else "fails_condition"
        )
    if attempt.completed_at is None:
        return "open"
    is_after_end = too_late(case, attempt.completed_at, step) == "after_end"
    return "completed_after_end" if is_after_end else "completed_later"


def too_late(case: Case, instant: Any, step: Step) -> str:
    """Why an instant does not count."""
    end = case.session.ends_at
    return "after_end" if end is not None and instant >= end and step.type != "assessment" else "after_as_of"


def row(case: Case, attempt: Attempt, account: str, step: Step | None) -> dict[str, Any]:
    """A row of Attempts."""
    failing = step if account == "fails_condition" else None
    limit = failing.time_limit_s if failing and not meets_time_limit(attempt, failing) else None
    made_here = attempt.session_id == case.session.session_id
    has_time = not made_here or case.is_observed(attempt)
    misses_score = failing is not None and not meets_score(attempt, failing)
    return {
        "company_id": case.enrollment.company_id,
        "session_id": case.session.session_id,
        "user_id": case.enrollment.user_id,
        "enrollment_id": case.enrollment.enrollment_id,
        "step_id": attempt.step_id,
        "started_at": attempt.started_at,
        "completed_at": attempt.completed_at,
        "made_in_session_id": attempt.session_id,
        "progress": attempt.progress,
        "score": attempt.score,
        "time_spent_ms": attempt.time_spent_ms if has_time else None,
        "account": account,
        "missed_min_score": failing.min_score if failing and misses_score else None,
        "missed_max_time_s": limit if failing and failing.time_limit_mode == "maxTime" else None,
        "missed_min_time_s": limit if failing and failing.time_limit_mode == "minTime" else None,
        "missed_pass": failing is not None and misses_score and failing.min_score is None,
        "attempts_limit": step.attempts_limit if step else None,
    }
