"""Labels and sort order of statuses, tables and reasons in the pages."""

from datetime import UTC, datetime

from schemas.enums import PENDING, REJECTIONS

# Detailed statuses from done to not begun, each with a label and a sentence.
STATUS_LABELS = {
    "successful": ("Successful", "Every required step is earned."),
    "onTime": ("On time", "Started, nothing overdue."),
    "awaitingCorrection": ("Awaiting correction", "An assessor has to act."),
    "toRetake": ("To retake", "All done, something to do again."),
    "late": ("Started and late", "A step is overdue."),
    "notYetStarted": ("Not yet started", "No attempt yet, overdue or not."),
    "unsuccessful": ("Unsuccessful", "No attempt left, or the session ended."),
    "sessionNotOpened": ("Session not opened", "It begins later."),
}
TABLES = {
    "users": "users",
    "paths": "paths",
    "path_steps": "steps",
    "path_sessions": "sessions",
    "enrollments": "enrollments",
    "step_activity": "activity",
    "waivers": "waivers",
    "child_sessions": "sessions of sub-paths",
}
REASONS = REJECTIONS | PENDING


def moment(when: datetime) -> str:
    """An instant formatted for people.

    >>> moment(datetime(2026, 3, 10, 2, tzinfo=UTC))
    '10 March 2026, 02:00 UTC'
    """
    clock = when.astimezone(UTC)
    return f"{clock.day} {clock:%B %Y, %H:%M} UTC"


def seconds(when: datetime | None) -> int | None:
    """An instant as whole seconds since 1970, for the pages' scripts."""
    if when is None:
        return None
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) // _SECOND


_SECOND = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
