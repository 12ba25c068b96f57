"""What status_changes is to say, one enrolment and one field at a time, from the meanings of its columns.

Three answers are held against each other: what the release before says, what the reference says of
today's data as of then, and what it says as of now.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from tests.reference.rows import Tables
from tests.reference.rules import reference

Row = dict[str, Any]
Key = tuple[str, str, str, str]
Pair = tuple[str, str, str]
FIELDS = ("status", "detailed_status", "result", "completed_at", "progress", "archived_at")


@dataclass(frozen=True)
class Edited:
    """Whose data was edited since the release before: (company, session) or (company, path), and learners."""

    sessions: set[tuple[str, str]]
    paths: set[tuple[str, str]]
    enrollments: set[Pair]


def edited_in(states: list[Tables]) -> Edited:
    """What was edited between states of the warehouse that follow each other, though it be edited back."""
    edited = Edited(set(), set(), set())
    for before, after in pairwise(states):
        of_table = {table: differing(before, after, table) for table in before}
        edited.sessions.update((r["company_id"], r["session_id"]) for r in of_table["path_sessions"])
        edited.paths.update(
            (r["company_id"], r["path_id"]) for t in ("paths", "path_steps") for r in of_table[t]
        )
        edited.enrollments.update(pair(row) for row in of_table["enrollments"])
    return edited


def differing(before: Tables, after: Tables, table: str) -> list[Row]:
    return [r for r in before[table] if r not in after[table]] + [
        r for r in after[table] if r not in before[table]
    ]


def expected_changes(
    old: list[Row], tables: Tables, edited: Edited, since: datetime, until: datetime
) -> Iterator[Row]:
    """The rows of status_changes, in any order. old: what the release before says."""
    was, then, now = (
        {key(row): row for row in rows}
        for rows in (
            old,
            reference(tables, since).path_session_stats,
            reference(tables, until).path_session_stats,
        )
    )
    for it in was.keys() | now.keys():
        both = it in was and it in now
        for field in FIELDS if both else ("appeared",) if it in now else ("gone",):
            values = [said(rows.get(it), field) for rows in (was, then, now)]
            if not differ(field, values[0], values[2]):
                continue
            cause = (
                cause_of_edit(it, field, tables, edited)
                if differ(field, values[0], values[1])
                else cause_between(it, tables, *sorted((since, until)))
            )
            yield dict(
                zip(("company_id", "session_id", "user_id", "enrollment_id"), it, strict=True),
                field=field,
                old_value=values[0],
                new_value=values[2],
                from_as_of=since,
                to_as_of=until,
                cause=cause,
            )


def key(row: Row) -> Key:
    return row["company_id"], row["session_id"], row["user_id"], row["enrollment_id"]


def pair(row: Row) -> Pair:
    return row["company_id"], row["session_id"], row["user_id"]


def said(row: Row | None, field: str) -> str | None:
    """The field's value as text."""
    if row is None:
        return None
    if field in ("appeared", "gone"):
        return "enrolled"
    if field == "detailed_status":
        return ", ".join(filter(None, (row["detailed_status_type"], row["detailed_status_reason"])))
    value = row[field]
    return (
        f"{value:%Y-%m-%dT%H:%M:%S.%fZ}"
        if isinstance(value, datetime)
        else value
        if value is None
        else str(value)
    )


def differ(field: str, one: str | None, other: str | None) -> bool:
    """Of progress only whether it is 100."""
    return (one == "100") != (other == "100") if field == "progress" else one != other


def cause_of_edit(it: Key, field: str, tables: Tables, edited: Edited) -> str:
    """By today's data the earlier instant has another value than was published: something was edited."""
    path = path_of(it, tables)
    if it[:2] in edited.sessions or (it[0], path) in edited.paths:
        return "definition"
    # Whether somebody is there at all is a matter of enrolment, be it the user who came or left.
    if it[:3] in edited.enrollments or field in ("appeared", "gone"):
        return "enrolment"
    return "correction of earlier data"


def cause_between(it: Key, tables: Tables, first: datetime, last: datetime) -> str:
    """Today's data had the same value: what happened between the two instants."""

    def within(row: Row, *columns: str) -> bool:
        return any(row[column] is not None and first < row[column] <= last for column in columns)

    path = path_of(it, tables)
    steps = [r for r in tables["path_steps"] if (r["company_id"], r["path_id"]) == (it[0], path)]
    on_path = {row["step_id"] for row in steps}
    if any(within(r, "enrolled_at", "archived_at") for r in tables["enrollments"] if pair(r) == it[:3]):
        return "enrolment"
    if any(within(r, "valid_from", "valid_to") for r in steps):
        return "definition"
    attempts = [
        r
        for r in tables["step_activity"]
        if (r["company_id"], r["user_id"]) == (it[0], it[2])
        and (r["session_id"] == it[1] or (r["step_id"] in on_path and r["completed_at"] is not None))
    ]
    if any(within(r, "started_at", "last_activity_at", "completed_at") for r in attempts):
        return "activity"
    return "time"


def path_of(it: Key, tables: Tables) -> str | None:
    """The path of the enrolment's session, as far as it is known."""
    return next(
        (r["path_id"] for r in tables["path_sessions"] if (r["company_id"], r["session_id"]) == it[:2]), None
    )
