"""Random edits between two runs: dense edits of dense random worlds.

`stored` is the expected warehouse after an upsert by key; of path_steps only where the source dates them.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from tests.helpers import nested_worlds
from tests.helpers.random_worlds import (
    INSTANTS,
    KEYS,
    PATHS,
    SESSIONS,
    STEPS,
    UNKNOWN,
    USERS,
    attempt,
    enrollment,
    mostly,
    naming_enrollments,
    one_company,
    path,
    path_session,
    path_step,
    user,
)
from tests.helpers.warehouse_runs import Delivery, Row
from tests.reference.rows import Tables

WarehouseState = dict[str, dict[tuple[object, ...], Row]]
DATINGS = ("by the source", "by the warehouse", "by either")


# Tables of definitions that the warehouse dates where the source doesn't.
DATED = ("path_steps", "waivers")
MAY_BE_EMPTY = ("step_activity", "waivers", "child_sessions")


@dataclass(frozen=True)
class Kind:
    """Random edits of a company's tables: a row, and where an edited row may move to."""

    keys: dict[str, tuple[str, ...]]
    company: Callable[[random.Random, str], Tables]
    row: Callable[[random.Random, str, str], Row]
    sessions: tuple[str, ...]
    paths: tuple[str, ...]

    def moves(self, table: str) -> dict[str, tuple[str | None, ...]]:
        return {
            "enrollments": {"session_id": self.sessions, "user_id": (*USERS, UNKNOWN)},
            "step_activity": {"session_id": (*self.sessions, None), "user_id": USERS, "step_id": STEPS},
            "path_sessions": {"path_id": (*self.paths, UNKNOWN)},
            "child_sessions": {"root_session_id": (*self.sessions, UNKNOWN)},
        }.get(table, {})


def plain_row(chance: random.Random, table: str, company: str) -> Row:
    """A row of a company, which may have the key of another."""
    if table == "users":
        return user(chance, company, chance.choice(USERS))
    if table == "paths":
        return path(chance, company, chance.choice(PATHS))
    if table == "path_sessions":
        return path_session(chance, company, chance.choice(SESSIONS))
    if table == "enrollments":
        return enrollment(chance, company)
    return attempt(chance, company) if table == "step_activity" else path_step(chance, company)


def row_of_families(chance: random.Random, table: str, company: str) -> Row:
    """The same, of a world of families."""
    makers: dict[str, Callable[[], Row]] = {
        "paths": lambda: nested_worlds.family_path(chance, company, chance.choice(nested_worlds.PATHS)),
        "path_steps": lambda: nested_worlds.family_step(chance, company),
        "path_sessions": lambda: nested_worlds.family_session(
            chance, company, chance.choice(nested_worlds.SESSIONS)
        ),
        "enrollments": lambda: {
            **enrollment(chance, company),
            "session_id": chance.choice(nested_worlds.SESSIONS),
            "user_id": chance.choice(USERS),
        },
        "step_activity": lambda: nested_worlds.family_attempt(chance, company),
        "waivers": lambda: nested_worlds.waiver(chance, company),
        "child_sessions": lambda: nested_worlds.child_session(
            chance, company, chance.choice(nested_worlds.SESSIONS[1:4])
        ),
    }
    return makers[table]() if table in makers else plain_row(chance, table, company)


PLAIN = Kind(KEYS, one_company, plain_row, SESSIONS, PATHS)
FAMILIES = Kind(
    nested_worlds.ALL_KEYS,
    nested_worlds.one_company_of_families,
    row_of_families,
    nested_worlds.SESSIONS,
    nested_worlds.PATHS,
)


def dated(chance: random.Random, table: str, row: Row, dating: str) -> Row:
    """The row, one of a definition dated by the source or not."""
    if table not in DATED:
        return row
    if dating == "by the warehouse":
        return {**row, "valid_from": None, "valid_to": None}
    if dating == "by the source" and row["valid_from"] is None and row["valid_to"] is None:
        return {**row, "valid_from": chance.choice(INSTANTS[:3])}
    return row


def edited(chance: random.Random, kind: Kind, table: str, row: Row, company: str) -> Row:
    """The row with other content, or one that moved to another session, learner, path or step."""
    moves = kind.moves(table)
    if moves and chance.randrange(2):
        column, values = chance.choice(list(moves.items()))
        return {**row, column: chance.choice(values)}
    another = kind.row(chance, table, company)
    return {**another, **{column: row[column] for column in kind.keys[table] if column != "valid_from"}}


def key_of(table: str, row: Row) -> tuple[object, ...]:
    return tuple(row[column] for column in nested_worlds.ALL_KEYS[table])


def upserted(
    present: dict[tuple[object, ...], Row], table: str, rows: list[Row]
) -> dict[tuple[object, ...], Row]:
    """By key; an attempt is not replaced by an older version of itself."""
    found = dict(present)
    for row in rows:
        before = found.get(key_of(table, row))
        is_older = (
            table == "step_activity" and before and row["last_activity_at"] < before["last_activity_at"]
        )
        if not is_older:
            found[key_of(table, row)] = row
    return found


def deliveries(
    chance: random.Random,
    kind: Kind,
    present: WarehouseState,
    companies: list[str],
    dating: str,
    taken_at: datetime,
) -> Iterator[Delivery]:
    """The source's delivery for this run; updates `stored`."""
    for table in kind.keys:
        way = chance.choice(("none", "none", "full", "changes", "both"))
        if way in ("full", "both"):
            rows = upserted(present[table], table, [])
            for company in companies:
                for row in changed(chance, kind, present, table, company, dating):
                    rows[key_of(table, row)] = row
                mine = [key for key in rows if key[0] == company]
                for key in chance.sample(mine, min(len(mine), mostly(chance, 0, 1, 2))):
                    del rows[key]
            if not rows and table not in MAY_BE_EMPTY:
                continue
            present[table] = rows
            yield Delivery(table, list(rows.values()), taken_at)
        if way in ("changes", "both"):
            news = [
                row for company in companies for row in changed(chance, kind, present, table, company, dating)
            ]
            news = list({key_of(table, row): row for row in news}.values())
            present[table] = upserted(present[table], table, news)
            yield Delivery(table, news, taken_at, is_full=False)


def changed(
    chance: random.Random,
    kind: Kind,
    present: WarehouseState,
    table: str,
    company: str,
    dating: str,
) -> list[Row]:
    """Rows of a company that are edited, new, or as they were."""
    mine, enrolled = (
        [row for key, row in present[of].items() if key[0] == company] for of in (table, "enrollments")
    )
    found = []
    for _ in range(chance.choice((0, 0, 1, 2))):
        if mine and chance.randrange(4):
            row = chance.choice(mine)
            found.append(mostly(chance, edited(chance, kind, table, row, company), row))
        else:
            found.append(kind.row(chance, table, company))
    if table == "step_activity":
        found = naming_enrollments(chance, found, enrolled)
    return [dated(chance, table, row, dating) for row in found]
