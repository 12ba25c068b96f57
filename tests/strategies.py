"""Dense random worlds: few ids and few instants, so that everything meets everything."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from schemas.columns import key, table_name
from schemas.inputs import INPUTS
from tests.reference.rows import Tables

Row = dict[str, Any]
World = tuple[Tables, datetime]

JANUARY_31 = datetime(2024, 1, 31, tzinfo=UTC)
# One day, week and month (clamped to 29 February) and one microsecond apart: due dates meet them exactly.
INSTANTS = (
    datetime(2024, 1, 30, 12, tzinfo=UTC),
    JANUARY_31,
    JANUARY_31 + timedelta(hours=12),
    datetime(2024, 2, 1, tzinfo=UTC),
    datetime(2024, 2, 1, 0, 0, 0, 1, tzinfo=UTC),
    datetime(2024, 2, 7, tzinfo=UTC),
    datetime(2024, 2, 14, tzinfo=UTC),
    datetime(2024, 2, 29, tzinfo=UTC),
    datetime(2024, 3, 31, tzinfo=UTC),
)
DUE_VALUES = (1.0, 0.5, 2.0, 1.5, 7.0, 1 / 3, 3.1415926, 1e-11, 119_999.5, 1e12)
COMPANIES = ("acme", "Zen")
USERS = ("u1", "é2", "U3")
PATHS = ("P", "Q")
SESSIONS = ("S", "s2")
STEPS = ("A", "b", "ç")
ENROLLMENTS = ("e1", "e10", "E2", "e3", "é4", *(f"e{number}" for number in range(20, 35)))
UNKNOWN = "unknown"
KEYS = {table_name(model): key(model) for model in INPUTS}


def mostly(usual: Iterable[Any], *rare: Any) -> st.SearchStrategy[Any]:
    """One of the usual values, now and then a rare one."""
    return st.sampled_from([*list(usual) * 4, *rare])


def maybe(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The value or null, half and half."""
    return st.none() | value


instants = st.sampled_from(INSTANTS)
flags = st.sampled_from((False, True, None))
companies = mostly(COMPANIES[:1] * 2, COMPANIES[1])


def in_order(count: int) -> st.SearchStrategy[list[datetime]]:
    """So many instants, each no later than the next."""
    return st.lists(instants, min_size=count, max_size=count).map(sorted)


@st.composite
def path(draw: st.DrawFn, company: str, path_id: str) -> Row:
    """A path."""
    return {
        "company_id": company,
        "path_id": path_id,
        "name": f"path {path_id}",
        "mandatory_replay": draw(st.sampled_from((False, True))),
        "linear_progression": draw(flags),
    }


@st.composite
def due_dates(draw: st.DrawFn) -> Row:
    """None, a relative date on either basis (or by default), an absolute one."""
    kind = draw(st.sampled_from(("none", "relative", "relative", "absolute")))
    if kind == "absolute":
        return {"due_basis": "absolute", "due_unit": None, "due_value": None, "due_at": draw(instants)}
    relative = kind == "relative"
    return {
        "due_basis": draw(st.sampled_from((None, "enrollment", *(["sessionStart"] if relative else [])))),
        "due_unit": draw(st.sampled_from(("day", "week", "month"))) if relative else None,
        "due_value": draw(mostly(DUE_VALUES[:3], *DUE_VALUES[3:])) if relative else None,
        "due_at": None,
    }


@st.composite
def validity(draw: st.DrawFn) -> Row:
    """Mostly always; else from, until, or between two instants."""
    begins, ends = draw(mostly([(False, False)] * 2, (True, False), (False, True), (True, True)))
    first, last = draw(in_order(2).filter(lambda pair: pair[0] < pair[1])) if begins or ends else (None, None)
    return {"valid_from": first if begins else None, "valid_to": last if ends else None}


@st.composite
def path_steps(draw: st.DrawFn) -> Row:
    """One version of a step of a path."""
    return {
        "company_id": draw(companies),
        "path_id": draw(mostly(PATHS[:1] * 4, PATHS[1], UNKNOWN)),
        "step_id": draw(st.sampled_from(STEPS)),
        "position": draw(st.integers(0, 2)),
        "type": draw(mostly(["course", "course", "assessment"], "course", "course", "classroom", "email")),
        "optional": draw(mostly([False] * 2, True, True)),
        **draw(due_dates()),
        "min_score": draw(mostly([None, 50, 50], 0, 100)),
        "attempts_limit": draw(st.sampled_from((None, 1, 2))),
        "time_limit_mode": draw(mostly([None], "maxTime", "minTime")),
        "time_limit_s": draw(mostly([1.0], 0.5, None)),
        "is_scorm": draw(flags),
        "is_examination": draw(flags),
        **draw(validity()),
    }


@st.composite
def path_session(draw: st.DrawFn, company: str, session_id: str) -> Row:
    """A session, of a known path mostly."""
    starts_at = draw(mostly(INSTANTS[:2] * 2, *INSTANTS[2:]))
    ends_at = draw(mostly([None] * 2, *(instant for instant in INSTANTS if instant >= starts_at)))
    return {
        "company_id": company,
        "session_id": session_id,
        "path_id": draw(mostly(PATHS[:1] * 4, PATHS[1], UNKNOWN)),
        "name": f"session {session_id}",
        "starts_at": starts_at,
        "ends_at": ends_at,
        "restarts_on_reenrollment": draw(flags),
    }


@st.composite
def enrollments(draw: st.DrawFn) -> Row:
    """An enrolment, of the same few pairs again and again."""
    enrolled_at, archived_at = draw(in_order(2))
    return {
        "company_id": draw(companies),
        "enrollment_id": draw(st.sampled_from(ENROLLMENTS)),
        "session_id": draw(mostly([SESSIONS[0]] * 4, SESSIONS[1], UNKNOWN)),
        "user_id": draw(mostly(USERS, UNKNOWN)),
        "enrolled_at": enrolled_at,
        "archived_at": draw(mostly([None], archived_at, archived_at)),
    }


@st.composite
def step_activity(draw: st.DrawFn) -> Row:
    """An attempt: in the session, in another one or in none."""
    first, *later = draw(in_order(3))
    last_activity_at, completed_at = draw(st.permutations(later))
    done = draw(mostly([True], False))
    return {
        "company_id": draw(companies),
        "activity_id": draw(st.sampled_from([f"a{number}" for number in range(60)])),
        "user_id": draw(mostly(USERS, UNKNOWN)),
        "step_id": draw(mostly(STEPS, UNKNOWN)),
        "session_id": draw(mostly([SESSIONS[0]] * 3, *SESSIONS[1:] * 2, UNKNOWN, *[None] * 4)),
        "started_at": first,
        "last_activity_at": last_activity_at,
        "completed_at": completed_at if done else None,
        "progress": draw(st.sampled_from((0, 33, 50, 99, 100))),
        "score": draw(st.sampled_from((None, 0, 49, 49, 50, 100))),
        "time_spent_ms": draw(st.sampled_from((0, 499, 500, 1000, 1000, 1001, 2**40))),
        "passed": draw(flags),
    }


def rows_of(
    table: str, row: st.SearchStrategy[Row], min_size: int, max_size: int
) -> st.SearchStrategy[list[Row]]:
    """Rows of a table with unique keys."""
    return st.lists(
        row,
        min_size=min_size,
        max_size=max_size,
        unique_by=lambda it: tuple(it[column] for column in KEYS[table]),
    )


@st.composite
def one_company(draw: st.DrawFn, company: str) -> Tables:
    """The users, paths and sessions that are known in a company."""
    known_users = draw(mostly([USERS], USERS[:2]))
    known_paths = draw(mostly([PATHS], PATHS[:1]))
    known_sessions = draw(mostly([SESSIONS], SESSIONS[:1]))
    return {
        "users": [
            {
                "company_id": company,
                "user_id": user,
                "email": draw(st.sampled_from((None, "Ann@example.org"))),
                "first_name": None,
                "last_name": None,
                "status": draw(st.sampled_from(("active", "invited", "deleted"))),
            }
            for user in known_users
        ],
        "paths": [draw(path(company, path_id)) for path_id in known_paths],
        "path_sessions": [draw(path_session(company, session_id)) for session_id in known_sessions],
    }


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Six sound tables and an as_of."""
    known = [draw(one_company(company)) for company in draw(mostly([COMPANIES], COMPANIES[:1]))]
    tables: Tables = {
        name: [row for company in known for row in company[name]]
        for name in ("users", "paths", "path_sessions")
    }
    tables["path_steps"] = draw(rows_of("path_steps", path_steps(), 3, 9))
    tables["enrollments"] = draw(rows_of("enrollments", enrollments(), 3, 12))
    tables["step_activity"] = draw(rows_of("step_activity", step_activity(), 6, 40))
    return tables, draw(st.sampled_from((*INSTANTS[3:], *INSTANTS[-3:] * 2)))
