"""All rules of docs/rules.md, slow and obvious: one enrollment, one step, one attempt at a time.

Written from the text of the rules alone, as a second opinion on the transforms; `decision:` marks
points that the text leaves open.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from tests.reference.company import Companies
from tests.reference.fields import (
    Learner,
    all_required_finished_at,
    archived_at,
    completed_at,
    detailed_status,
    global_time_ms,
    is_current,
    is_late,
    late_since,
    next_due_at,
    progress,
    result,
    score,
    started_at,
    status,
)
from tests.reference.rows import Session, Tables
from tests.reference.step_outcome import Outcome

SUMMARY_COUNTS = {
    "sessionNotOpened": "session_not_opened",
    "successful": "successful",
    "unsuccessful": "unsuccessful",
    "awaitingCorrection": "awaiting_correction",
    "toRetake": "to_retake",
    "notYetStarted": "not_yet_started",
    "late": "late",
    "onTime": "on_time",
}


@dataclass(frozen=True)
class Answer:
    """Rows of the three outputs: the columns of schemas/outputs.py in their order, sorted by key."""

    path_session_stats: list[dict[str, Any]]
    step_stats: list[dict[str, Any]]
    session_summary: list[dict[str, Any]]


def stats_row(it: Learner) -> dict[str, Any]:
    """A row of path_session_stats."""
    detail = detailed_status(it)
    return {
        "company_id": it.case.enrollment.company_id,
        "session_id": it.case.enrollment.session_id,
        "user_id": it.case.enrollment.user_id,
        "enrollment_id": it.case.enrollment.enrollment_id,
        "is_current": is_current(it),
        "progress": progress(it),
        "global_time_ms": global_time_ms(it),
        "score": score(it),
        "status": status(it),
        "completed_at": completed_at(it),
        "detailed_status_type": detail.type,
        "detailed_status_reason": detail.reason,
        "result": result(it),
        "archived_at": archived_at(it),
        "enrolled_at": it.case.enrollment.enrolled_at,
        "started_at": started_at(it),
        "next_due_at": next_due_at(it),
        "overdue_steps": sum(outcome.overdue for outcome in it.required),
        "required_steps": len(it.required),
        "required_steps_finished": sum(outcome.finished for outcome in it.required),
        "decided_by_step_id": detail.decided_by,
        "deciding_rule": detail.rule,
        "all_required_finished_at": all_required_finished_at(it),
        "is_late": is_late(it),
        "late_since": late_since(it),
    }


def step_row(outcome: Outcome) -> dict[str, Any]:
    """A row of step_stats."""
    enrollment, step = outcome.case.enrollment, outcome.step
    return {
        "company_id": enrollment.company_id,
        "session_id": enrollment.session_id,
        "user_id": enrollment.user_id,
        "enrollment_id": enrollment.enrollment_id,
        "step_id": step.step_id,
        "position": step.position,
        "optional": step.optional,
        "finished": outcome.finished,
        "finished_at": outcome.finished_at,
        "successful": outcome.successful,
        "successful_at": outcome.successful_at,
        "exhausted": outcome.exhausted,
        "to_retake": outcome.to_retake,
        "replay_pending": outcome.replay_pending,
        "awaiting_correction": outcome.awaiting_correction,
        "carried_over": outcome.rests_on is not None,
        "score": outcome.score,
        "progress": outcome.progress,
        "time_ms": outcome.time_ms,
        "attempts_used": outcome.attempts_used,
        "due_at": outcome.due_at,
        "overdue": outcome.overdue,
    }


def summary_row(session: Session, learners: list[dict[str, Any]]) -> dict[str, Any]:
    """A row of session_summary, from the session's current rows of path_session_stats."""
    here = [row for row in learners if row["archived_at"] is None]
    scores = [row["score"] for row in here if row["score"] is not None]
    counts = {
        column: sum(row["detailed_status_type"] == name for row in here)
        for name, column in SUMMARY_COUNTS.items()
    }
    return {
        "company_id": session.company_id,
        "session_id": session.session_id,
        "path_id": session.path_id,
        "name": session.name,
        **counts,
        "enrolled": len(here),
        "archived": len(learners) - len(here),
        "overdue": sum(row["is_late"] for row in here),
        "mean_progress": sum(row["progress"] for row in here) / len(here) if here else None,
        "mean_score": sum(scores) / len(scores) if scores else None,
        "median_global_time_ms": float(median(row["global_time_ms"] for row in here)) if here else None,
    }


def reference(tables: Tables, as_of: datetime) -> Answer:
    """Compute the three published tables from valid rows of the input tables."""
    companies = Companies(tables)
    learners = [it for pair in companies.enrollments for it in companies.learners(pair, as_of)]
    learners.sort(key=lambda it: it.case.key)
    stats = [stats_row(learner) for learner in learners]
    current: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in stats:
        if row["is_current"]:
            current[row["company_id"], row["session_id"]].append(row)
    # decision: a session of an unknown path is not summed up; one without enrollments is, with nulls.
    sessions = [companies.sessions[key] for key in sorted(companies.sessions)]
    return Answer(
        path_session_stats=stats,
        step_stats=[step_row(outcome) for learner in learners for outcome in learner.outcomes],
        session_summary=[summary_row(s, current[s.company_id, s.session_id]) for s in sessions],
    )
