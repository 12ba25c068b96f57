"""Dense random worlds of families (R17) and positioning quizzes (R16): paths three deep, and in circles.

As in `strategies`, from which all else comes.
"""

import random
from datetime import datetime

from hypothesis import strategies as st

from schemas.columns import key, table_name
from schemas.inputs import OPTIONAL
from tests.helpers.random_worlds import (
    COMPANIES,
    INSTANTS,
    KEYS,
    STEPS,
    UNKNOWN,
    USERS,
    Row,
    World,
    attempt,
    enrollment,
    mostly,
    naming_enrollments,
    one_company,
    path,
    path_session,
    path_step,
    validity,
)
from tests.reference.rows import Tables

ALL_KEYS = {**KEYS, **{table_name(model): key(model) for model in OPTIONAL}}
# The paths from the outermost to the innermost one, and sessions of each; ids in no such order. `Way` has no
# session: it may lead back to the outermost.
SUB_PATH_OF = {"P": "q", "q": "R", "R": "Way", "Way": "P"}
PATHS = tuple(SUB_PATH_OF)
LEARNT = tuple(path for path in PATHS if path != "Way")
PATH_OF = {"S": "P", "C": "q", "d": "q", "B": "R", "s2": "P"}
SESSIONS = tuple(PATH_OF)
THRESHOLDS = (0, 49, 50, 50, 100)


def family_session(chance: random.Random, company: str, session_id: str) -> Row:
    row = path_session(chance, company, session_id)
    return {**row, "path_id": PATH_OF[session_id] if chance.randrange(12) else row["path_id"]}


def family_step(chance: random.Random, company: str) -> Row:
    """A version of a step of one of the paths; every third is a sub-path."""
    path_id = mostly(chance, chance.choice((*LEARNT, *LEARNT, *LEARNT, "Way")), UNKNOWN)
    row = {**path_step(chance, company), "path_id": path_id}
    if chance.randrange(3):
        return row
    below = SUB_PATH_OF.get(row["path_id"], "q")
    # Few go round in a circle.
    usual = below if below != "P" or not chance.randrange(5) else chance.choice(STEPS)
    step = usual if chance.randrange(15) else chance.choice(PATHS)
    return {**row, "step_id": step, "type": mostly(chance, "path", "course")}


def family_path(chance: random.Random, company: str, path_id: str) -> Row:
    return {**path(chance, company, path_id), "mandatory_replay": not chance.randrange(3)}


def family_enrollments(chance: random.Random, company: str) -> list[Row]:
    """Most users in most sessions, some of them again."""
    pairs = [(session, user) for session in SESSIONS for user in USERS if chance.randrange(3)]
    again = chance.choices(pairs, k=chance.randrange(6)) if pairs else []
    rows = [
        {**enrollment(chance, company), "session_id": session, "user_id": user}
        for session, user in pairs + again
    ]
    # Ids in any order, none twice.
    ids = chance.sample(range(10, 100), len(rows))
    return [{**row, "enrollment_id": f"{chance.choice('eEé')}{n}"} for row, n in zip(rows, ids, strict=True)]


def family_attempt(chance: random.Random, company: str) -> Row:
    row = attempt(chance, company)
    return {
        **row,
        "step_id": mostly(chance, row["step_id"], *LEARNT),
        "session_id": mostly(chance, chance.choice(SESSIONS), None, UNKNOWN),
    }


def waiver(chance: random.Random, company: str) -> Row:
    quiz, waived = (mostly(chance, chance.choice(STEPS), *LEARNT, UNKNOWN) for _ in range(2))
    return {
        "company_id": company,
        "path_id": mostly(chance, chance.choice(LEARNT), UNKNOWN),
        "step_id": quiz,
        "threshold": chance.choice(THRESHOLDS),
        "waived_step_id": waived,
        **validity(chance),
    }


def child_session(chance: random.Random, company: str, session_id: str) -> Row:
    root = chance.choice((SESSIONS[0],) * 9 + (*SESSIONS, UNKNOWN))
    return {"company_id": company, "session_id": session_id, "root_session_id": root}


def one_company_of_families(chance: random.Random, company: str) -> Tables:
    """The tables of a company, the optional ones too."""
    tables = one_company(chance, company)
    paths, sessions, children = (
        [name for name in names if chance.randrange(12)] for names in (PATHS, SESSIONS, SESSIONS[1:4])
    )
    enrollments = family_enrollments(chance, company)
    attempts = [family_attempt(chance, company) for _ in range(chance.randint(20, 90))]
    tables |= {
        "paths": [family_path(chance, company, name) for name in paths],
        "path_steps": [family_step(chance, company) for _ in range(chance.randint(6, 14))],
        "path_sessions": [family_session(chance, company, name) for name in sessions],
        "enrollments": enrollments,
        "step_activity": naming_enrollments(chance, attempts, enrollments),
        "waivers": [waiver(chance, company) for _ in range(chance.choice((0, 3, 6)))],
        "child_sessions": [child_session(chance, company, name) for name in children],
    }
    return {
        table: list({tuple(row[column] for column in ALL_KEYS[table]): row for row in rows}.values())
        for table, rows in tables.items()
    }


def world_of_families(chance: random.Random, companies: int) -> World:
    names = (*COMPANIES, *(f"company {number}" for number in range(companies)))[:companies]
    parts = [one_company_of_families(chance, name) for name in names]
    tables = {table: [row for part in parts for row in part[table]] for table in ALL_KEYS}
    as_of: datetime = chance.choice((*INSTANTS[3:], *INSTANTS[-3:]))
    # A table without rows is a source's mistake.
    if not tables["paths"] or not tables["path_sessions"]:
        return world_of_families(chance, companies)
    return tables, as_of


def small_families() -> st.SearchStrategy[World]:
    """PartReader that Hypothesis can shrink to the few rows that matter."""
    return st.builds(world_of_families, st.randoms(use_true_random=False), st.integers(1, 2))


def large_families() -> st.SearchStrategy[World]:
    """PartReader in which hundreds of cases meet."""
    return st.builds(world_of_families, st.integers(0, 2**32).map(random.Random), st.integers(30, 40))
