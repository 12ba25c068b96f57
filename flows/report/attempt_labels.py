"""Explain why an attempt counts or does not, for `lookup --explain` and session pages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schemas.enums import COUNTED_ATTEMPTS

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One line for an attempt at a step, or for several attempts together.

    counts: whether it counts for the enrollment. words: why it does or does not, in one sentence.
    Null means unknown or absent.
    """

    step_id: str
    at: datetime | None
    score: float | None
    time_spent_ms: int | None
    counts: bool
    words: str


@dataclass(frozen=True)
class AttemptContext:
    """The enrollment's session and evaluation time (R1), by which its attempts count or do not.

    known_sessions: the company's sessions that are in the release, at least the ones with attempts.
    """

    session_id: str
    ends_at: datetime | None
    evaluated_at: datetime
    is_archived: bool
    known_sessions: frozenset[str] = frozenset()

    @property
    def last_instant(self) -> str:
        when = day(self.evaluated_at)
        return f"{when}, when the learner was unenrolled" if self.is_archived else when


def lines(
    attempts: Iterable[Row], steps: Sequence[Row], context: AttemptContext, *, is_all: bool = True
) -> list[Line]:
    """A line for each attempt of an enrollment, ordered by step and time.

    attempts: its rows of Attempts. steps: its rows of StepStats; steps that are not counted are listed last.
    is_all:   whether to include satisfying attempts that have no row in Attempts.
    """
    of_step: dict[str, list[Row]] = {step["step_id"]: [] for step in steps}
    for row in attempts:
        of_step.setdefault(row["step_id"], []).append(row)
    by_id = {step["step_id"]: step for step in steps}
    found = []
    for step_id, rows in of_step.items():
        step = by_id.get(step_id)
        satisfying = _satisfying(step, rows, context) if step and is_all else []
        of_step_lines = [*satisfying, *_of_rows(rows, step, context)]
        found += sorted(of_step_lines, key=lambda line: (line.at is None, line.at))
    return found


def _of_rows(rows: Sequence[Row], step: Row | None, context: AttemptContext) -> list[Line]:
    numbers = _numbered(rows, context) if step and not step["successful"] else {}
    return [
        Line(
            row["step_id"],
            row["completed_at"] or row["started_at"],
            row["score"],
            row["time_spent_ms"],
            row["account"] in COUNTED_ATTEMPTS,
            words(row, context, numbers.get(place)),
        )
        for place, row in enumerate(rows)
    ]


def _is_used(row: Row, context: AttemptContext) -> bool:
    """Whether the attempt counts in attempts_used: in the session, finished, not satisfying the step."""
    return bool(row["account"] == "fails_condition" and row["made_in_session_id"] == context.session_id)


def _numbered(rows: Sequence[Row], context: AttemptContext) -> dict[int, int]:
    """The number of each used attempt in order of completion, by its index in the rows."""
    used = [place for place, row in enumerate(rows) if _is_used(row, context)]
    used.sort(key=lambda place: rows[place]["completed_at"])
    return {place: number for number, place in enumerate(used, 1)}


def _satisfying(step: Row, rows: Sequence[Row], context: AttemptContext) -> list[Line]:
    """A line for the satisfying attempts that have no row of their own (see Attempts)."""
    in_session = step["attempts_used"] - sum(_is_used(row, context) for row in rows)
    is_carried = bool(step["carried_over"] and step["successful"] and not rows)
    if not in_session and not is_carried:
        return []
    finished = [row for row in rows if row["account"] in ("satisfies", "fails_condition")]
    listed = {row["completed_at"] for row in finished if row["account"] == "satisfies"}
    scores = [row["score"] for row in finished if row["score"] is not None]
    is_best = step["score"] is not None and step["score"] > max(scores, default=-1)
    # R8: a step's time is the sum of its attempts in the session.
    listed_ms = sum(row["time_spent_ms"] or 0 for row in rows if _is_in_session(row, context))
    text = "satisfies the step"
    if is_carried:
        text = f"carried over from outside this session, {text}"
    elif in_session > 1:
        text = (
            f"{in_session} attempts in the session satisfy the step; shown are the date of the first, the "
            "best score and their total time"
        )
    return [
        Line(
            step["step_id"],
            None if step["successful_at"] in listed else step["successful_at"],
            step["score"] if is_best else None,
            step["time_ms"] - listed_ms,
            counts=True,
            words=f"counts: {text}",
        )
    ]


def _is_in_session(row: Row, context: AttemptContext) -> bool:
    return bool(row["account"] in COUNTED_ATTEMPTS and row["made_in_session_id"] == context.session_id)


def words(row: Row, context: AttemptContext, place: int | None = None) -> str:
    """Why an attempt counts or does not. place: its number among the used attempts in the session."""
    account = row["account"]
    if account not in COUNTED_ATTEMPTS:
        return f"not counted: {_uncounted(row, context)}"
    elsewhere = (
        "" if row["made_in_session_id"] == context.session_id else f" carried over, {_made_in(row, context)}:"
    )
    return f"counts:{elsewhere} {_counted(row, context, place)}"


def _counted(row: Row, context: AttemptContext, place: int | None) -> str:
    match row["account"]:
        case "satisfies":
            return "satisfies the step"
        case "fails_condition":
            is_limited = place and row["attempts_limit"]
            tries = [f"attempt {place} of {row['attempts_limit']}"] if is_limited else []
            return ", ".join([*missed(row), *tries])
        case "open":
            return f"not completed, {row['progress']} % done; uses no attempt"
        case "completed_after_end":
            return f"completed after the end of the session ({_end(context)}), so not finished"
        case _:
            return f"completed after {context.last_instant}, so not finished"


def missed(row: Row) -> list[str]:
    """Each condition that a finished attempt fails, with the actual and the required value (R5)."""
    parts = []
    if (least := row["missed_min_score"]) is not None:
        score = row["score"]
        parts.append(
            f"no score, {number(least)} % needed"
            if score is None
            else f"{number(score)} % < {number(least)} %"
        )
    spent = number(row["time_spent_ms"] / 1000)
    if (most := row["missed_max_time_s"]) is not None:
        parts.append(f"{spent} s > {number(most)} s")
    if (fewest := row["missed_min_time_s"]) is not None:
        parts.append(f"{spent} s < {number(fewest)} s")
    if row["missed_pass"]:
        parts.append("not passed by the assessor")
    return parts


def _uncounted(row: Row, context: AttemptContext) -> str:
    is_here = row["made_in_session_id"] == context.session_id
    made, happened = ("", "begun") if is_here else (f"{_made_in(row, context)}, ", "completed")
    match row["account"]:
        case "after_as_of":
            return f"{made}{happened} after {context.last_instant}"
        case "after_end":
            return f"{made}{happened} after the end of the session ({_end(context)})"
        case "earlier_enrollment":
            return f"begun {day(row['started_at'])}, before this enrollment; the session restarts"
        case "later_enrollment":
            return f"begun {day(row['started_at'])}, belongs to a later enrollment; the session restarts"
        case "other_enrollment":
            return "names another enrollment"
        case "replay":
            return f"{made}and the path must be replayed in this session"
        case "not_completed":
            return f"{made}not completed"
        case "step_not_counted":
            return f"{made}the step is not counted on this path"
        case "step_waived":
            return f"{made}the step is waived"
        case _:
            return f"{made}the session of the sub-path decides"


def _made_in(row: Row, context: AttemptContext) -> str:
    session = row["made_in_session_id"]
    if session is None:
        return "outside any session"
    return f"in session {session}" + ("" if session in context.known_sessions else ", which is unknown")


def _end(context: AttemptContext) -> str:
    return day(context.ends_at) if context.ends_at else ""


def number(value: float) -> str:
    """A number with as many decimals as it needs.

    >>> number(80.0), number(79.5), number(1200.0)
    ('80', '79.5', '1,200')
    """
    return f"{value:,.4f}".rstrip("0").rstrip(".")


def day(moment: datetime) -> str:
    """The date in words, with the time unless it is midnight; UTC.

    >>> from datetime import UTC
    >>> day(datetime(2026, 3, 8, 9, 30, tzinfo=UTC))
    '8 March 2026 09:30'
    """
    clock = f"{moment:%H:%M:%S}".removesuffix(":00")
    return f"{moment.day} {moment:%B %Y}" + ("" if clock == "00:00" else f" {clock}")
