"""Explain a learner's result: the rule and the step that decided, and all steps."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from flows.report.attempt_labels import AttemptContext, Line, day, lines
from flows.report.attempt_rows import known_sessions, rejected_attempts, rejected_lines
from flows.report.release_views import require_present_schema
from pathstats.explain_steps import deciding_sessions, waived
from pathstats.index_reader import Found
from pathstats.tables import scan_table
from schemas.home import Release
from schemas.manifest import Manifest

Row = dict[str, Any]
_KEYS = ("company_id", "session_id", "user_id", "enrollment_id")


@dataclass(frozen=True)
class Explanation:
    """In words, the learner's steps as rows of StepStats in their order, and the attempts at them."""

    sentences: list[str]
    steps: list[dict[str, Any]]
    attempts: list[Line]


def explanation(found: Found) -> Explanation:
    """The explanation of a learner's current enrollment, from the release's tables."""
    of_learner = (pl.col("session_id") == found.session_id) & (pl.col("user_id") == found.user_id)
    return _explained(Release(found.release), found.company_id, of_learner & pl.col("is_current"))


def explanation_of(release: Release, company_id: str, enrollment_id: str) -> Explanation:
    """The same of any enrollment, also one that does not answer."""
    return _explained(release, company_id, pl.col("enrollment_id") == enrollment_id)


def _explained(release: Release, company_id: str, asked: pl.Expr) -> Explanation:
    """Raises: ReleaseTooOld for a release of another schema version."""
    manifest = Manifest.read(release.manifest)
    require_present_schema(manifest)
    company = pl.col("company_id") == company_id
    row = scan_table(release, "path_session_stats").filter(company, asked).collect().row(0, named=True)
    mine = company & pl.all_horizontal(pl.col(key) == row[key] for key in ("session_id", "user_id"))
    session = (
        scan_table(release, "path_sessions")
        .filter(company, pl.col("session_id") == row["session_id"])
        .collect()
        .row(0, named=True)
    )
    steps = (
        scan_table(release, "step_stats")
        .filter(mine, pl.col("enrollment_id") == row["enrollment_id"])
        .sort("position", "step_id")
        .collect()
        .to_dicts()
    )
    as_of = datetime.fromisoformat(manifest.as_of)
    evaluated_at = row["archived_at"] or as_of
    children = deciding_sessions(release, row, session, evaluated_at)
    with_children = [{**step, "child_session_id": children.get(step["step_id"])} for step in steps]
    context = AttemptContext(
        row["session_id"],
        session["ends_at"],
        evaluated_at,
        row["archived_at"] is not None,
        known_sessions(release, company_id),
    )
    rejected = _rejected(release, row, steps)
    return Explanation(
        [
            _when(row, evaluated_at),
            _detailed_status(row, session, with_children),
            _status(row, with_children),
            _result(row, with_children),
            *_in_quarantine(rejected),
            *waived(release, session, steps, evaluated_at),
            *_sub_paths(with_children),
            _until(row),
        ],
        steps,
        _attempts(release, row, steps, context, rejected),
    )


def _attempts(
    release: Release, row: Row, steps: list[Row], context: AttemptContext, rejected: list[Line]
) -> list[Line]:
    """A line for each attempt, rejected ones last at their step."""
    mine = pl.all_horizontal(pl.col(key) == pl.lit(row[key]) for key in _KEYS)
    rows = scan_table(release, "attempts").filter(mine).collect().to_dicts()
    found = [*lines(rows, steps, context), *rejected]
    step_ids = dict.fromkeys([*(step["step_id"] for step in steps), *(line.step_id for line in found)])
    place = {step_id: number for number, step_id in enumerate(step_ids)}
    return sorted(found, key=lambda line: place[line.step_id])


def _rejected(release: Release, row: Row, steps: list[Row]) -> list[Line]:
    rows = rejected_attempts(release, row["company_id"], [row["user_id"]])
    return rejected_lines(rows, row["session_id"], {step["step_id"] for step in steps})


def _in_quarantine(rejected: list[Line]) -> list[str]:
    """A sentence if attempts of the learner at these steps were rejected: they count for nothing."""
    if not rejected:
        return []
    of = ", ".join(dict.fromkeys(line.step_id for line in rejected))
    if len(rejected) == 1:
        return [f"An attempt of the learner is in quarantine and does not count (step {of}); see below."]
    return [f"{len(rejected)} attempts of the learner are in quarantine and do not count ({of}); see below."]


def _when(row: dict[str, Any], evaluated_at: datetime) -> str:
    if row["archived_at"]:
        return f"As of {day(evaluated_at)}, when the learner was unenrolled (R1)."
    return f"As of {day(evaluated_at)}, enrolled since {day(row['enrolled_at'])} (R1)."


def _sub_paths(steps: list[dict[str, Any]]) -> list[str]:
    return [
        f"Step {step['step_id']}, a sub-path, takes its outcome from the learner's session "
        f"{step['child_session_id']} (R17)."
        for step in steps
        if step["child_session_id"]
    ]


def _lost(step: dict[str, Any]) -> str:
    """What R5, or R17, means by exhausted."""
    if step["child_session_id"]:
        return f"step {step['step_id']}, a sub-path, is unsuccessful in session {step['child_session_id']}"
    return f"step {step['step_id']} is finished without success, and no attempt is left"


def _detailed_status(row: dict[str, Any], session: dict[str, Any], steps: list[dict[str, Any]]) -> str:
    kind, reason = row["detailed_status_type"], row["detailed_status_reason"]
    by = next((step for step in steps if step["step_id"] == row["decided_by_step_id"]), None)
    if reason == "sessionEnded":
        otherwise = _because(row, session, by)
        ended = f"the session ended {day(session['ends_at'])} with the path not earned (R11.6)."
        return f"unsuccessful, sessionEnded: {ended} Otherwise: {otherwise}"
    return f"{kind}{', ' + reason if reason else ''}: {_because(row, session, by)}"


def _because(row: dict[str, Any], session: dict[str, Any], by: dict[str, Any] | None) -> str:
    """The line of R11 that decided, in words; for an ended session, the line that would have decided."""
    step = f"step {by['step_id']}" if by else ""
    child = by["child_session_id"] if by else None
    match row["deciding_rule"]:
        case "1":
            return f"the session opens {day(session['starts_at'])} (R11.1)."
        case "2":
            return f"every required step is successful, the last since {day(row['completed_at'])} (R11.2)."
        case "3" if by:
            return f"{_lost(by)} (R11.3)."
        case "4" if child:
            return f"{step}, a sub-path, is awaitingCorrection in session {child} (R11.4)."
        case "4":
            return f"{step}, an assessment, is reached and not corrected yet (R11.4)."
        case "5a" if by and by["replay_pending"] and child:
            return f"{step}, a sub-path, is to be done again in session {child}, which replays (R11.5a)."
        case "5a" if by and by["replay_pending"]:
            return (
                f"{step} was done outside this session only, and the path wants it done again in it (R11.5a)."
            )
        case "5a":
            every = "every required step is finished or to be done again in this session"
            if row["detailed_status_reason"] == "mandatoryReplay":
                every = (
                    "every required step is finished or, as at least one is, to be done again in this session"
                )
            return f"{every}; {step} is finished without success and can be retaken (R11.5a)."
        case "5b":
            return "no attempt on any step counts yet (R11.5b)."
        case "5c":
            due = day(by["due_at"]) if by else ""
            return f"{step} was due {due}, not finished (R11.5c)."
        case _:
            ahead = f"; the next is due {day(row['next_due_at'])}" if row["next_due_at"] else ""
            return f"started, and no required step with a relative due date is overdue{ahead} (R11.5d)."


def _status(row: dict[str, Any], steps: list[dict[str, Any]]) -> str:
    match row["status"]:
        case "completed":
            why = f"all {len(steps)} counted steps are finished, optional ones included"
        case "awaitingCorrection":
            first = next(step for step in steps if step["awaiting_correction"] and not step["optional"])
            why = "a required assessment is reached and not corrected"
            why += f", of sub-path {first['step_id']}" if first["child_session_id"] else ""
        case "late":
            first = min(
                (step for step in steps if step["overdue"] and not step["optional"]), key=_by_due_date
            )
            more = row["overdue_steps"] - 1
            why = f"step {first['step_id']} was due {day(first['due_at'])}, not finished"
            why += f", and {more} more required step{'s' if more > 1 else ''}" if more else ""
        case _:
            why = "no required step is overdue"
    return f"Status {row['status']}: {why} (R10)."


def _by_due_date(step: dict[str, Any]) -> datetime:
    due: datetime = step["due_at"]
    return due


def _result(row: dict[str, Any], steps: list[dict[str, Any]]) -> str:
    judged = [step for step in steps if step["finished"] or not step["optional"]]

    def first(flag: str) -> dict[str, Any]:
        return next(step for step in judged if step[flag])

    match row["result"]:
        case "unsuccessful":
            why = _lost(first("exhausted"))
        case "retake":
            why = f"step {first('to_retake')['step_id']} is finished without success and can be retaken"
        case "successful":
            why = "every required step is successful, and no finished optional one failed"
        case _:
            why = (
                "a required step is open, and none has failed"
                if row["required_steps"]
                else "no step is required"
            )
    return f"Result {row['result'] or 'null'}: {why} (R12)."


def _until(row: dict[str, Any]) -> str:
    if row["valid_until"]:
        return f"Without new data this stays so until {day(row['valid_until'])}."
    return "Without new data this stays so for good."
