"""`valid_until` against the reference, asked at every instant that a world knows: nothing changes before it,
and something does then."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings

from tests.helpers.nested_worlds import small_families
from tests.helpers.random_worlds import World, small_worlds
from tests.reference.product import product
from tests.reference.rows import Tables
from tests.reference.rules import Answer, reference
from tests.reference.tables import at
from tests.rules.test_r17_sub_paths import simple

Row = dict[str, Any]
Key = tuple[str, str]
AN_INSTANT = timedelta(microseconds=1)
LAST_INSTANT = datetime.max.replace(tzinfo=UTC)


some = settings(
    max_examples=12,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)


@some
@given(small_worlds())
def test_valid_until_is_the_next_change(world: World) -> None:
    tables, as_of = world
    found = {key_of(row): row["valid_until"] for row in product(tables, as_of).path_session_stats}
    assert found == next_changes(tables, as_of)


@settings(some, max_examples=4)
@given(small_families())
def test_valid_until_is_the_next_change_with_child_sessions(world: World) -> None:
    tables, as_of = world
    found = {key_of(row): row["valid_until"] for row in product(tables, as_of).path_session_stats}
    assert found == next_changes(tables, as_of)


def test_the_opening_of_a_child_session_matters_above() -> None:
    """All is done before it opens: from then on it is successful, and so is the step above (R11, R17)."""
    tables = simple(
        "step | session | completed \n B | C | 1 Mar \n D | C | 2 Mar",
        sessions="session | path | starts \n S | P | \n C | Q | 10 Mar",
        enrollments="enrollment | session | enrolled \n e1 | S | \n c1 | C | 1 Mar",
    )
    rows = product(tables, at("5 Mar")).path_session_stats
    assert {row["enrollment_id"]: row["valid_until"] for row in rows} == dict.fromkeys(
        ("e1", "c1"), at("10 Mar")
    )


def next_changes(tables: Tables, as_of: datetime) -> dict[Key, datetime | None]:
    """When each enrollment's row, or a row of its steps, first is another one than at as_of."""
    now = rows_of(reference(tables, as_of))
    changed: dict[Key, datetime | None] = dict.fromkeys(now)
    ahead = instants_of(tables) | due_dates_of(reference(tables, as_of))
    asked = {as_of}
    while coming := sorted(instant for instant in ahead - asked if instant > as_of):
        later = reference(tables, coming[0])
        asked.add(coming[0])
        ahead |= due_dates_of(later)
        rows = rows_of(later)
        for key in now:
            if changed[key] is None and rows[key] != now[key]:
                changed[key] = coming[0]
    return changed


def rows_of(answer: Answer) -> dict[Key, list[Row]]:
    """The published rows of each enrollment."""
    rows: dict[Key, list[Row]] = {key_of(row): [row] for row in answer.path_session_stats}
    for step in answer.step_stats:
        rows[key_of(step)].append(step)
    return rows


def key_of(row: Row) -> Key:
    return row["company_id"], row["enrollment_id"]


def instants_of(tables: Tables) -> set[datetime]:
    """Every instant in the tables."""
    return {
        value
        for rows in tables.values()
        for row in rows
        for value in row.values()
        if isinstance(value, datetime)
    }


def due_dates_of(answer: Answer) -> set[datetime]:
    """The instants at which steps begin to be overdue."""
    due = {row["due_at"] for row in answer.step_stats if row["due_at"] is not None}
    return {instant + AN_INSTANT for instant in due if instant < LAST_INSTANT}
