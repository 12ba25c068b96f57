"""Small text tables: rows in, expected rows out, in words a domain person reads.

The first line names the columns, as the data dictionary does or shorter (`step`, `completed`, `due` …). An
empty cell takes the default, `-` is null. Dates read `5 Mar`, `5 Mar 12:00`, `5 Mar 2027`; due dates `7
days`, `2 weeks of session`, `5 Mar`; time limits `at most 60 s`. Unless a block names others: company
`acme`, path `P` without mandatory replay, session `S` from 1 March until 1 April 2026, one enrollment `e1` of
`u1` on 1 March, and every enrolled learner is a known user.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time
from typing import Any

from tests.reference.rows import Tables
from tests.reference.rules import Answer

Judge = Callable[[Tables, datetime], Answer]
Row = dict[str, Any]

LONG_NAMES = {
    "company": "company_id",
    "user": "user_id",
    "path": "path_id",
    "step": "step_id",
    "session": "session_id",
    "enrollment": "enrollment_id",
    "activity": "activity_id",
    "replay": "mandatory_replay",
    "limit": "attempts_limit",
    "from": "valid_from",
    "to": "valid_to",
    "starts": "starts_at",
    "ends": "ends_at",
    "restarts": "restarts_on_reenrollment",
    "enrolled": "enrolled_at",
    "archived": "archived_at",
    "started": "started_at",
    "last": "last_activity_at",
    "completed": "completed_at",
    "time_ms": "time_spent_ms",
    "scorm": "is_scorm",
    "examination": "is_examination",
    "decided_by": "decided_by_step_id",
    "quiz": "step_id",
    "waives": "waived_step_id",
    "root": "root_session_id",
}
NUMBERS = {"position", "threshold", "attempts_limit", "progress", "time_spent_ms"}
DECIMALS = {"min_score", "score"}
DEFAULTS: dict[str, Row] = {
    "users": {"status": "active", "email": None, "first_name": None, "last_name": None},
    "paths": {"path_id": "P", "mandatory_replay": False, "linear_progression": None},
    "path_steps": {
        "path_id": "P",
        "type": "course",
        "optional": False,
        **dict.fromkeys(("due_basis", "due_unit", "due_value", "due_at", "min_score", "attempts_limit")),
        **dict.fromkeys(("time_limit_mode", "time_limit_s", "is_scorm", "is_examination")),
        **dict.fromkeys(("valid_from", "valid_to")),
    },
    "path_sessions": {
        "session_id": "S",
        "path_id": "P",
        "restarts_on_reenrollment": None,
        "starts_at": datetime(2026, 3, 1, tzinfo=UTC),
        "ends_at": datetime(2026, 4, 1, tzinfo=UTC),
    },
    "enrollments": {
        "session_id": "S",
        "user_id": "u1",
        "archived_at": None,
        "enrolled_at": datetime(2026, 3, 1, tzinfo=UTC),
    },
    "step_activity": {"user_id": "u1", "session_id": "S", "score": None, "time_spent_ms": 0, "passed": None},
    "waivers": {"path_id": "P", "valid_from": None, "valid_to": None},
    "child_sessions": {"root_session_id": "S"},
}


def at(text: str) -> datetime:
    """`5 Mar`, `5 Mar 12:00`, `5 Mar 2027 12:00:00.000001`; the year is 2026 unless given."""
    day, month, year, clock = DATE.fullmatch(text).groups()  # type: ignore[union-attr]
    date = datetime.strptime(f"{day} {month} {year or 2026} +0000", "%d %b %Y %z")
    return datetime.combine(date, time.fromisoformat(clock or "00:00"), UTC)


DATE = re.compile(r"(\d+) ([A-Z][a-z]{2})(?: (\d{4}))?(?: (\d\d:\d\d\S*))?")
DUE = re.compile(r"(\S+) (day|week|month)s?( of session)?")
LIMIT = re.compile(r"(at most|at least) (\S+) s")


def world(
    *,
    steps: str,
    activity: str = "step",
    enrollments: str = "enrollment \n e1",
    sessions: str = "session \n S",
    paths: str = "path \n P",
    users: str | None = None,
    waivers: str | None = None,
    children: str | None = None,
) -> Tables:
    """The six tables that the blocks describe, and the optional ones."""
    tables = {
        "paths": read("paths", paths),
        "path_steps": [due(limited(row)) for row in read("path_steps", steps)],
        "path_sessions": read("path_sessions", sessions),
        "enrollments": read("enrollments", enrollments),
        "step_activity": [attempt(row, n) for n, row in enumerate(read("step_activity", activity), 1)],
    }
    for place, step in enumerate(tables["path_steps"]):
        step.setdefault("position", place)
    for row in tables["paths"] + tables["path_sessions"]:
        row.setdefault("name", f"name of {row.get('session_id') or row['path_id']}")
    known = {(row["company_id"], row["user_id"]) for row in tables["enrollments"]}
    enrolled = "\n".join(["company | user", *(f"{company} | {user}" for company, user in sorted(known))])
    optional = {"waivers": waivers, "child_sessions": children}
    tables |= {table: read(table, rows) for table, rows in optional.items() if rows}
    return {"users": read("users", users or enrolled), **tables}


def side_by_side(worlds: Iterable[Tables]) -> Tables:
    """Several worlds as companies 0, 1 … of one: asking about one takes as long as about all."""
    found: Tables = {}
    for number, tables in enumerate(worlds):
        for table, rows in tables.items():
            here = [{**row, "company_id": str(number)} for row in rows if row["company_id"] == "acme"]
            found.setdefault(table, []).extend(here)
    return found


def of_company(rows: list[Row], number: int) -> list[Row]:
    """The rows of one of them."""
    return [row for row in rows if row["company_id"] == str(number)]


def read(table: str, text: str) -> list[Row]:
    """The rows of a block, with the table's defaults."""
    header, *lines = cells(text)
    names = [LONG_NAMES.get(name, name) for name in header]
    given = [zip(names, line, strict=True) for line in lines]
    rows = [{name: value(name, cell) for name, cell in row if cell} for row in given]
    return [{"company_id": "acme", **DEFAULTS[table], **row} for row in rows]


def cells(text: str) -> list[list[str]]:
    """The lines of a block, cut at `|`; missing cells at a line's end are empty."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.strip()]
    return [line + [""] * (len(lines[0]) - len(line)) for line in lines]


def value(column: str, cell: str) -> Any:
    """The value of a cell: null, yes or no, a number, a date or a word."""
    if cell == "-":
        return None
    if cell in ("yes", "no"):
        return cell == "yes"
    if column in NUMBERS:
        return int(cell.replace("_", ""))
    if column in DECIMALS:
        return float(cell)
    return at(cell) if column.endswith("_at") or column.startswith("valid_") else cell


def due(row: Row) -> Row:
    """Replace `due` by the columns of the input table."""
    text = row.pop("due", None)
    if text is None:
        return row
    relative = DUE.fullmatch(text)
    if relative is None:
        return {**row, "due_basis": "absolute", "due_at": at(text)}
    number, unit, of_session = relative.groups()
    return {
        **row,
        "due_basis": "sessionStart" if of_session else None,
        "due_unit": unit,
        "due_value": float(number),
    }


def limited(row: Row) -> Row:
    """Replace `time_limit` by the columns of the input table."""
    text = row.pop("time_limit", None)
    if text is None:
        return row
    mode, seconds = LIMIT.fullmatch(text).groups()  # type: ignore[union-attr]
    return {
        **row,
        "time_limit_mode": {"at most": "maxTime", "at least": "minTime"}[mode],
        "time_limit_s": float(seconds),
    }


def attempt(row: Row, number: int) -> Row:
    """An attempt is done in one instant, and 100 % when completed, unless a column differs."""
    done = row.setdefault("completed_at", None)
    row.setdefault("activity_id", f"a{number}")
    row.setdefault("started_at", done or row.get("last_activity_at"))
    row.setdefault("last_activity_at", done or row["started_at"])
    row.setdefault("progress", 100 if done else 0)
    return row


def expect(rows: list[Row], text: str) -> None:
    """Exactly these rows, in this order, as far as the columns named go; an empty cell is null."""
    header, *expected = cells(text)
    assert [[shown(row, name) for name in header] for row in rows] == expected


def shown(row: Row, name: str) -> str:
    """A value as it is written in a table; `detail` is R11's type and reason."""
    if name == "detail":
        return " / ".join(filter(None, (row["detailed_status_type"], row["detailed_status_reason"])))
    found = row[name] if name in row else row[LONG_NAMES[name]]
    if found is None:
        return ""
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, datetime):
        year = "" if found.year == 2026 else f" {found.year}"
        clock = "" if found.time() == time() else f" {found.time().isoformat().removesuffix(':00')}"
        return f"{found.day} {found:%b}{year}{clock}"
    return f"{found:g}" if isinstance(found, float) else str(found)
