"""List each learner's failed, uncounted and rejected attempts for a session page."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import polars as pl

from flows.report.attempt_labels import AttemptContext, Line, Row, lines
from flows.report.attempt_rows import rejected_lines
from flows.report.session_rows import SessionRows


def attempts_of(
    learners: pl.DataFrame, rows: SessionRows, session: Row, as_of: datetime
) -> Iterator[list[Line]]:
    """The lines of each learner, in the order of `learners`."""
    tried, steps = _by_enrollment(rows.attempts), _by_enrollment(rows.steps)
    rejected = rows.rejected.partition_by("user_id", as_dict=True)
    for learner in learners.iter_rows(named=True):
        enrollment, archived_at = learner["enrollment_id"], learner["archived_at"]
        context = AttemptContext(
            session["session_id"],
            session["ends_at"],
            archived_at or as_of,
            archived_at is not None,
            rows.known_sessions,
        )
        of_steps = steps[enrollment]
        found = lines(tried[enrollment], of_steps, context, is_all=False)
        if (of_user := rejected.get((learner["user_id"],))) is not None:
            ids = {step["step_id"] for step in of_steps}
            found += rejected_lines(of_user, session["session_id"], ids)
        yield found


def _by_enrollment(rows: pl.DataFrame) -> defaultdict[str, list[dict[str, Any]]]:
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.iter_rows(named=True):
        found[row["enrollment_id"]].append(row)
    return found
