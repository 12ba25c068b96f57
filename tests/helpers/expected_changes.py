"""The expected rows of status_changes, one enrollment and one field at a time, from the columns' meanings.

Compares three results: the release before, the reference for today's data as of then, and the reference for
today's data as of now.
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
Session = tuple[str, str]
Path = tuple[str, str]
FIELDS = ("status", "detailed_status", "result", "completed_at", "progress", "archived_at")


@dataclass(frozen=True)
class Edited:
    """Whose data was edited since the release before, or their family's: sessions, learners in sessions."""

    sessions: set[Session]
    enrollments: set[Pair]


def edited_in(states: list[Tables]) -> Edited:
    """Edits between successive states of the warehouse, even if a later edit reverts them."""
    sessions: set[Session] = set()
    paths: set[Path] = set()
    pairs: set[Pair] = set()
    for before, after in pairwise(states):
        of_table = {table: differing(before, after, table) for table in before}
        sessions.update((r["company_id"], r["session_id"]) for r in of_table["path_sessions"])
        for column in ("session_id", "root_session_id"):
            sessions.update((r["company_id"], r[column]) for r in of_table["child_sessions"])
        paths.update(
            (r["company_id"], r["path_id"]) for t in ("paths", "path_steps", "waivers") for r in of_table[t]
        )
        pairs.update(pair(row) for row in of_table["enrollments"])
    last = states[-1]
    paths |= above(paths, last) if last["child_sessions"] else set()
    sessions.update(
        (r["company_id"], r["session_id"])
        for r in last["path_sessions"]
        if (r["company_id"], r["path_id"]) in paths
    )
    return Edited(
        sessions.union(*(family(session, last) for session in sessions)),
        {(*session, user) for company, here, user in pairs for session in family((company, here), last)},
    )


def above(paths: set[Path], tables: Tables) -> set[Path]:
    """The paths from which these can be reached over sub-paths at any time."""
    found = set(paths)
    while (
        more := {
            (r["company_id"], r["path_id"])
            for r in tables["path_steps"]
            if r["type"] == "path" and (r["company_id"], r["step_id"]) in found
        }
        - found
    ):
        found |= more
    return found


def family(session: Session, tables: Tables) -> set[Session]:
    """The session, the one that it was made for, and all that were made for that one."""
    company, here = session
    root_of = {(r["company_id"], r["session_id"]): r["root_session_id"] for r in tables["child_sessions"]}
    root = root_of.get(session, here)
    made_for_it = {key for key, of in root_of.items() if (key[0], of) == (company, root)}
    return {session, (company, root)} | made_for_it


def below(session: Session, tables: Tables) -> set[Session]:
    """The session and all its child sessions: of sub-paths at any time, however deep."""
    company = session[0]
    paths = {(r["company_id"], r["path_id"]) for r in tables["paths"]}
    path_of = {
        (r["company_id"], r["session_id"]): r["path_id"]
        for r in tables["path_sessions"]
        if (r["company_id"], r["path_id"]) in paths
    }
    root_of = {
        (r["company_id"], r["session_id"]): r["root_session_id"]
        for r in tables["child_sessions"]
        if {(r["company_id"], r["session_id"]), (r["company_id"], r["root_session_id"])} <= path_of.keys()
    }
    found, ahead = {session}, [session]
    while ahead:
        above = ahead.pop()
        steps = [
            r["step_id"]
            for r in tables["path_steps"]
            if (r["company_id"], r["path_id"], r["type"]) == (company, path_of.get(above), "path")
        ]
        root = root_of.get(above, above[1])
        more = {it for it, of in root_of.items() if (it[0], of) == (company, root) and path_of[it] in steps}
        ahead += more - found
        found |= more
    return found


def differing(before: Tables, after: Tables, table: str) -> list[Row]:
    """The rows of one state that the other lacks; a step's title defines nothing."""
    one, other = (
        [{name: value for name, value in row.items() if name != "title"} for row in tables[table]]
        for tables in (before, after)
    )
    return [r for r in one if r not in other] + [r for r in other if r not in one]


def expected_changes(
    old: list[Row], tables: Tables, edited: Edited, since: datetime, until: datetime
) -> Iterator[Row]:
    """The rows of status_changes, in any order. old: the results of the release before."""
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
            values = [output_text(rows.get(it), field) for rows in (was, then, now)]
            if not differ(field, values[0], values[2]):
                continue
            cause = (
                cause_of_edit(it, field, tables, edited)
                if differ(field, values[0], values[1])
                else cause_between(it, tables, *sorted((since, until)))
            )
            found = {field: (values[0], values[2])}
            if field == "gone" and was[it]["completed_at"]:
                # The date is gone with its enrollment, for the same reason.
                found["completed_at"] = (output_text(was[it], "completed_at"), None)
            for changed, (old_value, new_value) in found.items():
                yield dict(
                    zip(("company_id", "session_id", "user_id", "enrollment_id"), it, strict=True),
                    field=changed,
                    old_value=old_value,
                    new_value=new_value,
                    from_as_of=since,
                    to_as_of=until,
                    cause=cause,
                )


def key(row: Row) -> Key:
    return row["company_id"], row["session_id"], row["user_id"], row["enrollment_id"]


def pair(row: Row) -> Pair:
    return row["company_id"], row["session_id"], row["user_id"]


def output_text(row: Row | None, field: str) -> str | None:
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
    if it[:2] in edited.sessions:
        return "definition"
    # Whether an enrollment exists is a matter of enrollment, even if the user appeared or disappeared.
    if it[:3] in edited.enrollments or field in ("appeared", "gone"):
        return "enrollment"
    return "correction of earlier data"


def cause_between(it: Key, tables: Tables, first: datetime, last: datetime) -> str:
    """Today's data had the same value: what happened between the two instants."""

    def within(row: Row, *columns: str) -> bool:
        return any(row[column] is not None and first < row[column] <= last for column in columns)

    sessions = below(it[:2], tables)
    pairs = {(*session, it[2]) for session in sessions}
    if any(within(r, "enrolled_at", "archived_at") for r in tables["enrollments"] if pair(r) in pairs):
        return "enrollment"
    paths = {session: path_of(session, tables) for session in sessions}
    definitions = [
        r
        for table in ("path_steps", "waivers")
        for r in tables[table]
        if r["company_id"] == it[0] and r["path_id"] in paths.values()
    ]
    if any(within(r, "valid_from", "valid_to") for r in definitions):
        return "definition"
    # R17 reads enrollments: activity in a child session counts only for learners enrolled in it.
    enrolled = {pair(r)[:2] for r in tables["enrollments"] if pair(r) in pairs}
    attempts = [
        r
        for (company, session), path in paths.items()
        for r in tables["step_activity"]
        if (company, session) in enrolled | {it[:2]}
        and (r["company_id"], r["user_id"]) == (company, it[2])
        and (
            # R4: an attempt that names an enrollment is activity of that one.
            (company, session) != it[:2] or r["enrollment_id"] in (None, it[3])
            if r["session_id"] == session
            else r["completed_at"] is not None and (company, path, r["step_id"]) in steps_of(tables)
        )
    ]
    if any(within(r, "started_at", "last_activity_at", "completed_at") for r in attempts):
        return "activity"
    return "time"


def steps_of(tables: Tables) -> set[Pair]:
    return {(r["company_id"], r["path_id"], r["step_id"]) for r in tables["path_steps"]}


def path_of(session: Session, tables: Tables) -> str | None:
    """The session's path, as far as it is known."""
    return next(
        (r["path_id"] for r in tables["path_sessions"] if (r["company_id"], r["session_id"]) == session), None
    )
