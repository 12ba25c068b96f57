"""What happens to the six tables between two nights: dense random edits of dense random worlds.

`held` is what an upsert by key says the warehouse has; of path_steps only where the source dates them.
"""

import random
from collections.abc import Iterator
from datetime import datetime

from tests.nights.a_warehouse import Delivery, Row
from tests.strategies import (
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
    path,
    path_session,
    path_step,
    user,
)

Held = dict[str, dict[tuple[object, ...], Row]]
DATINGS = ("by the source", "by the warehouse", "by either")


def any_row(chance: random.Random, table: str, company: str, dating: str) -> Row:
    """A row of a company, which may have the key of another."""
    if table == "users":
        return user(chance, company, chance.choice(USERS))
    if table == "paths":
        return path(chance, company, chance.choice(PATHS))
    if table == "path_sessions":
        return path_session(chance, company, chance.choice(SESSIONS))
    if table == "enrollments":
        return enrollment(chance, company)
    return attempt(chance, company) if table == "step_activity" else a_step(chance, company, dating)


def a_step(chance: random.Random, company: str, dating: str) -> Row:
    """A version of a step, dated by the source or not."""
    row = path_step(chance, company)
    if dating == "by the warehouse":
        return {**row, "valid_from": None, "valid_to": None}
    if dating == "by the source" and row["valid_from"] is None and row["valid_to"] is None:
        return {**row, "valid_from": chance.choice(INSTANTS[:3])}
    return row


def edited(chance: random.Random, table: str, row: Row, company: str, dating: str) -> Row:
    """The row with other content, or one that moved to another session, learner, path or step."""
    moves = {
        "enrollments": {"session_id": SESSIONS, "user_id": (*USERS, UNKNOWN)},
        "step_activity": {"session_id": (*SESSIONS, None), "user_id": USERS, "step_id": STEPS},
        "path_sessions": {"path_id": (*PATHS, UNKNOWN)},
    }
    if table in moves and chance.randrange(2):
        column, values = chance.choice(list(moves[table].items()))
        return {**row, column: chance.choice(values)}
    another = any_row(chance, table, company, dating)
    return {**another, **{column: row[column] for column in KEYS[table] if column != "valid_from"}}


def key_of(table: str, row: Row) -> tuple[object, ...]:
    return tuple(row[column] for column in KEYS[table])


def upserted(
    held: dict[tuple[object, ...], Row], table: str, rows: list[Row]
) -> dict[tuple[object, ...], Row]:
    """By key; an attempt is not replaced by an older version of itself."""
    found = dict(held)
    for row in rows:
        before = found.get(key_of(table, row))
        is_older = (
            table == "step_activity" and before and row["last_activity_at"] < before["last_activity_at"]
        )
        if not is_older:
            found[key_of(table, row)] = row
    return found


def deliveries(
    chance: random.Random, held: Held, companies: list[str], dating: str, taken_at: datetime
) -> Iterator[Delivery]:
    """What the source delivers this night; `held` follows."""
    for table in KEYS:
        kind = chance.choice(("none", "none", "full", "changes", "both"))
        if kind in ("full", "both"):
            rows = upserted(held[table], table, [])
            for company in companies:
                for row in changed(chance, held[table], table, company, dating):
                    rows[key_of(table, row)] = row
                mine = [key for key in rows if key[0] == company]
                for key in chance.sample(mine, min(len(mine), mostly(chance, 0, 1, 2))):
                    del rows[key]
            if not rows and table != "step_activity":
                continue
            held[table] = rows
            yield Delivery(table, list(rows.values()), taken_at)
        if kind in ("changes", "both"):
            news = [
                row for company in companies for row in changed(chance, held[table], table, company, dating)
            ]
            news = list({key_of(table, row): row for row in news}.values())
            held[table] = upserted(held[table], table, news)
            yield Delivery(table, news, taken_at, is_full=False)


def changed(
    chance: random.Random, held: dict[tuple[object, ...], Row], table: str, company: str, dating: str
) -> list[Row]:
    """Rows of a company that are edited, new, or as they were."""
    mine = [row for key, row in held.items() if key[0] == company]
    found = []
    for _ in range(chance.choice((0, 0, 1, 2))):
        if mine and chance.randrange(4):
            row = chance.choice(mine)
            found.append(mostly(chance, edited(chance, table, row, company, dating), row))
        else:
            found.append(any_row(chance, table, company, dating))
    return found
