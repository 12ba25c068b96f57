"""Dense random worlds: few ids and few instants, so that everything meets everything.

Written with a `random.Random`: Hypothesis steers one itself for small worlds, which it can shrink; for large
worlds of many companies it draws only the seed, and one run of the product meets hundreds of cases.
"""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from schemas.columns import key, table_name
from schemas.inputs import INPUTS, OPTIONAL
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
COMPANIES = ("acme", "Zen")
USERS = ("u1", "é2", "U3")
PATHS = ("P", "Q")
SESSIONS = ("S", "s2")
STEPS = ("A", "b", "ç")
UNKNOWN = "unknown"
DUE_VALUES = (1.0, 1.0, 0.5, 2.0, 1.5, 7.0, 1 / 3, 3.1415926, 1e-11, 119_999.5, 1e12)
UNCONDITIONAL = dict.fromkeys(
    ("min_score", "attempts_limit", "time_limit_mode", "time_limit_s", "is_examination")
)
CONDITIONS: tuple[Row, ...] = (
    {},
    {"is_examination": True},
    {"is_examination": True, "min_score": 50.0},
    {"is_examination": False, "min_score": 0.0},
    {"min_score": 50.0},
    {"min_score": 49.9999},
    {"min_score": 50.0, "attempts_limit": 1},
    {"min_score": 49.5, "attempts_limit": 2},
    {"time_limit_mode": "maxTime", "time_limit_s": 1.0},
    {"time_limit_mode": "minTime", "time_limit_s": 1.0, "attempts_limit": 2},
    {"time_limit_mode": "maxTime", "time_limit_s": 0.5, "min_score": 100.0, "is_examination": True},
    {"time_limit_mode": "maxTime"},
    {"time_limit_s": 1.0, "attempts_limit": 1},
)
# Fractions that miss a min_score, a threshold or a half by the least there is.
SCORES = (None, None, 0.0, 49.0, 49.0, 49.4999, 49.5, 49.9999, 50.0, 66.6667, 100.0)
KEYS = {table_name(model): key(model) for model in INPUTS if model not in OPTIONAL}


def mostly(chance: random.Random, usual: Any, *rare: Any) -> Any:
    """The usual value, or one time in six a rare one."""
    return usual if chance.randrange(6) < 5 else chance.choice(rare)


def in_order(chance: random.Random, count: int) -> list[datetime]:
    """So many instants, each no later than the next."""
    return sorted(chance.choice(INSTANTS) for _ in range(count))


def user(chance: random.Random, company: str, user_id: str) -> Row:
    """A user."""
    return {
        "company_id": company,
        "user_id": user_id,
        "email": chance.choice((None, "Ann@example.org")),
        "first_name": None,
        "last_name": None,
        "status": chance.choice(("active", "invited", "deleted")),
    }


def path(chance: random.Random, company: str, path_id: str) -> Row:
    """A path."""
    return {
        "company_id": company,
        "path_id": path_id,
        "name": mostly(chance, f"path {path_id}", None),
        "mandatory_replay": mostly(chance, False, True, True, False),
        "linear_progression": chance.choice((None, False, True)),
    }


def due_date(chance: random.Random) -> Row:
    """None, a relative date on either basis (or by default), an absolute one."""
    found: Row = dict.fromkeys(("due_basis", "due_unit", "due_value", "due_at"))
    kind = chance.choice(("none", "relative", "relative", "absolute"))
    if kind == "absolute":
        return {**found, "due_basis": kind, "due_at": chance.choice(INSTANTS)}
    if kind == "none":
        return {**found, "due_basis": chance.choice((None, "enrollment"))}
    return {
        "due_basis": chance.choice((None, "enrollment", "sessionStart")),
        "due_unit": chance.choice(("day", "week", "month")),
        "due_value": chance.choice(DUE_VALUES),
        "due_at": None,
    }


def validity(chance: random.Random) -> Row:
    """Mostly always; else from, until, or between two instants."""
    begins, ends = mostly(chance, (False, False), (True, False), (False, True), (True, True))
    first, last = sorted(chance.sample(INSTANTS, 2))
    return {"valid_from": first if begins else None, "valid_to": last if ends else None}


def path_step(chance: random.Random, company: str) -> Row:
    """One version of a step of a path."""
    return {
        "company_id": company,
        "path_id": mostly(chance, PATHS[0], *PATHS, UNKNOWN),
        "step_id": chance.choice(STEPS),
        "position": chance.randrange(3),
        "type": mostly(chance, chance.choice(("course", "course", "assessment")), "classroom", "email"),
        "optional": mostly(chance, False, True),
        **due_date(chance),
        **UNCONDITIONAL,
        **chance.choice(CONDITIONS),
        "is_scorm": mostly(chance, None, False, True),
        **validity(chance),
        "title": chance.choice((None, "one title", "another")),
    }


def path_session(chance: random.Random, company: str, session_id: str) -> Row:
    """A session, of a known path mostly."""
    starts_at = mostly(chance, INSTANTS[1], *INSTANTS)
    return {
        "company_id": company,
        "session_id": session_id,
        "path_id": mostly(chance, PATHS[0], *PATHS, UNKNOWN),
        "name": mostly(chance, f"session {session_id}", None),
        "starts_at": starts_at,
        "ends_at": chance.choice((None, *(instant for instant in INSTANTS[3:] if instant >= starts_at))),
        "restarts_on_reenrollment": chance.choice((None, False, True)),
    }


def enrollment(chance: random.Random, company: str) -> Row:
    """An enrollment, of the same few pairs again and again."""
    enrolled_at, archived_at = in_order(chance, 2)
    return {
        "company_id": company,
        "enrollment_id": f"{chance.choice('eEé')}{chance.randrange(20)}",
        "session_id": mostly(chance, chance.choice(SESSIONS), UNKNOWN),
        "user_id": mostly(chance, chance.choice(USERS), UNKNOWN),
        "enrolled_at": enrolled_at,
        "archived_at": chance.choice((None, archived_at)),
    }


def attempt(chance: random.Random, company: str) -> Row:
    """An attempt: in one of the sessions, in an unknown one or in none."""
    started_at, *later = in_order(chance, 3)
    last_activity_at, completed_at = chance.sample(later, 2)
    return {
        "company_id": company,
        "activity_id": f"a{chance.randrange(500)}",
        "user_id": mostly(chance, chance.choice(USERS), UNKNOWN),
        "step_id": mostly(chance, chance.choice(STEPS), UNKNOWN),
        "session_id": mostly(chance, chance.choice((*SESSIONS, *SESSIONS, None)), UNKNOWN),
        "started_at": started_at,
        "last_activity_at": last_activity_at,
        "completed_at": mostly(chance, completed_at, None),
        "progress": chance.choice((0, 33, 50, 99, 100)),
        "score": chance.choice(SCORES),
        "time_spent_ms": chance.choice((0, 499, 500, 1000, 1000, 1001, 2**40)),
        "passed": chance.choice((None, False, True)),
        "enrollment_id": None,
    }


def naming_enrollments(chance: random.Random, attempts: list[Row], enrollments: list[Row]) -> list[Row]:
    """The attempts; some name an enrollment of the learner in the session, few another or an unknown one."""
    named = []
    for row in attempts:
        pair = (row["session_id"], row["user_id"])
        own = [it["enrollment_id"] for it in enrollments if (it["session_id"], it["user_id"]) == pair]
        every = [it["enrollment_id"] for it in enrollments]
        usual = chance.choice(own) if own else None
        enrollment_id = chance.choice((None, None, usual, mostly(chance, usual, *every, UNKNOWN)))
        named.append({**row, "enrollment_id": enrollment_id})
    return named


def some(chance: random.Random, names: tuple[str, ...]) -> list[str]:
    """The first, and each other one mostly: the rest has not arrived."""
    return [name for name in names if name == names[0] or mostly(chance, True, False)]


def without_duplicates(table: str, rows: list[Row]) -> list[Row]:
    """One row per key."""
    return list({tuple(row[column] for column in KEYS[table]): row for row in rows}.values())


def one_company(chance: random.Random, company: str) -> Tables:
    """The six tables of a company."""
    enrollments = [enrollment(chance, company) for _ in range(chance.randint(1, 9))]
    attempts = [attempt(chance, company) for _ in range(chance.randint(0, 30))]
    tables = {
        "users": [user(chance, company, name) for name in some(chance, USERS)],
        "paths": [path(chance, company, name) for name in some(chance, PATHS)],
        "path_steps": [path_step(chance, company) for _ in range(chance.randint(3, 9))],
        "path_sessions": [path_session(chance, company, name) for name in some(chance, SESSIONS)],
        "enrollments": enrollments,
        "step_activity": naming_enrollments(chance, attempts, enrollments),
    }
    return {table: without_duplicates(table, rows) for table, rows in tables.items()}


def world(chance: random.Random, companies: int) -> World:
    """Six sound tables, of companies that share their ids, and an as_of."""
    names = (*COMPANIES, *(f"company {number}" for number in range(companies)))[:companies]
    parts = [one_company(chance, name) for name in names]
    tables = {table: [row for part in parts for row in part[table]] for table in KEYS}
    return tables, chance.choice((*INSTANTS[3:], *INSTANTS[-3:]))


def small_worlds() -> st.SearchStrategy[World]:
    """PartReader that Hypothesis can shrink to the few rows that matter."""
    return st.builds(world, st.randoms(use_true_random=False), st.integers(1, 6))


def large_worlds() -> st.SearchStrategy[World]:
    """PartReader in which hundreds of cases meet."""
    return st.builds(world, st.integers(0, 2**32).map(random.Random), st.integers(60, 100))


def worlds() -> st.SearchStrategy[World]:
    """Small and large ones."""
    return small_worlds() | large_worlds()
