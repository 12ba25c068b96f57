"""What must not change the answer: order, repetition, other people, other companies, the future."""

import os
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.helpers.random_worlds import COMPANIES, INSTANTS, UNKNOWN, USERS, World, worlds
from tests.reference.comparing import differences
from tests.reference.product import product
from tests.reference.rows import Tables
from tests.reference.rules import Answer

Row = dict[str, Any]

few = settings(
    max_examples=3,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
AFTER_ALL = datetime(2024, 5, 1, tzinfo=UTC)


def with_more(tables: Tables, table: str, rows: list[Row]) -> Tables:
    """The tables, one of them with more rows."""
    return {**tables, table: tables[table] + rows}


def attempts_at(tables: Tables, instant: datetime, user_id: str | None = None) -> list[Row]:
    """A perfect attempt of every user (or of one) at every step, in every session and outside any."""
    return [
        {
            "company_id": company,
            "activity_id": f"more {number}",
            "user_id": user_id or user,
            "step_id": step,
            "session_id": session,
            "started_at": instant,
            "last_activity_at": instant,
            "completed_at": instant,
            "progress": 100,
            "score": 100,
            "time_spent_ms": 999,
            "passed": True,
        }
        for company in sorted({row["company_id"] for row in tables["path_sessions"]})
        for number, (user, step, session) in enumerate(
            (user, step, session)
            for user in sorted({row["user_id"] for row in tables["users"]})
            for step in sorted({row["step_id"] for row in tables["path_steps"]})
            for session in (None, UNKNOWN, *sorted({row["session_id"] for row in tables["path_sessions"]}))
        )
    ]


def only(answer: Answer, **wanted: object) -> Answer:
    """The rows of an answer that have these values."""
    return Answer(
        *(
            [row for row in rows if all(row.get(name, found) == found for name, found in wanted.items())]
            for rows in (answer.path_session_stats, answer.step_stats, answer.session_summary)
        )
    )


def rows_of_learner(answer: Answer, user_id: str) -> Answer:
    """A learner's rows; a session's summary counts all learners, so it is left out."""
    found = only(answer, user_id=user_id)
    return Answer(found.path_session_stats, found.step_stats, [])


@few
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(world: World, chance: random.Random) -> None:
    tables, as_of = world
    shuffled = {name: chance.sample(rows, len(rows)) for name, rows in tables.items()}
    assert not differences(product(shuffled, as_of), product(tables, as_of))


@few
@given(worlds())
def test_rows_delivered_twice_count_once(world: World) -> None:
    tables, as_of = world
    twice = {name: rows + rows[::-1] for name, rows in tables.items()}
    assert not differences(product(twice, as_of), product(tables, as_of))


@few
@given(worlds())
def test_another_learners_activity_does_not_matter(world: World) -> None:
    tables, as_of = world
    learner, other, _ = USERS
    more = with_more(tables, "step_activity", attempts_at(tables, INSTANTS[0], user_id=other))
    before, after = (rows_of_learner(product(it, as_of), learner) for it in (tables, more))
    assert not differences(after, before)


@few
@given(worlds())
def test_another_company_does_not_matter(world: World) -> None:
    tables, as_of = world
    ours, theirs = COMPANIES
    alone = {name: [row for row in rows if row["company_id"] == ours] for name, rows in tables.items()}
    # A table without rows, except activity, is a source's mistake.
    assume(all(rows for name, rows in alone.items() if name != "step_activity"))
    both = only(product(tables, as_of), company_id=ours)
    assert not differences(both, product(alone, as_of))
    twins = {name: rows + [{**row, "company_id": theirs} for row in rows] for name, rows in alone.items()}
    assert not differences(only(product(twins, as_of), company_id=ours), product(alone, as_of))


@few
@given(worlds())
def test_the_future_does_not_matter(world: World) -> None:
    tables, as_of = world
    tomorrow = as_of + timedelta(microseconds=1)
    enrolled_tomorrow = [
        {**row, "enrollment_id": f"more {row['enrollment_id']}", "enrolled_at": tomorrow, "archived_at": None}
        for row in tables["enrollments"]
    ]
    more = with_more(tables, "step_activity", attempts_at(tables, tomorrow))
    more = with_more(more, "enrollments", enrolled_tomorrow)
    assert not differences(product(more, as_of), product(tables, as_of))


@few
@given(worlds())
def test_an_archived_row_is_constant(world: World) -> None:
    """Under later activity and a later run; only which enrollment answers may change."""
    tables, as_of = world
    assume(any(row["archived_at"] and row["archived_at"] <= as_of for row in tables["enrollments"]))
    before = product(tables, as_of)
    archived = [row for row in before.path_session_stats if row["archived_at"] is not None]
    assume(archived)
    last = max(row["archived_at"] for row in archived)
    more = with_more(tables, "step_activity", attempts_at(tables, last + timedelta(microseconds=1)))
    for after in (product(more, as_of), product(more, AFTER_ALL)):
        for row in archived:
            wanted = {name: row[name] for name in ("company_id", "enrollment_id")}
            assert not differences(settled(after, **wanted), settled(before, **wanted))


def settled(answer: Answer, **wanted: object) -> Answer:
    """An enrollment's rows, without what later enrollments may change."""
    found = only(answer, **wanted)
    return Answer([{**row, "is_current": None} for row in found.path_session_stats], found.step_stats, [])


@few
@given(worlds())
def test_a_lower_score_makes_no_step_successful(world: World) -> None:
    """Scores lowered by half of the last decimal that is kept."""
    tables, as_of = world
    lower = [
        row if row["score"] is None else {**row, "score": max(0.0, row["score"] - 0.00005)}
        for row in tables["step_activity"]
    ]
    before, after = product(tables, as_of), product({**tables, "step_activity": lower}, as_of)
    for was, now in zip(before.step_stats, after.step_stats, strict=True):
        assert was["successful"] >= now["successful"]
        assert was["score"] is None or now["score"] <= was["score"]


@few
@given(worlds())
def test_naming_the_one_enrollment_that_sees_an_attempt_does_not_matter(world: World) -> None:
    tables, as_of = world
    named = [naming_its_only_enrollment(row, tables) for row in tables["step_activity"]]
    assume(named != tables["step_activity"])
    assert not differences(product({**tables, "step_activity": named}, as_of), product(tables, as_of))


def naming_its_only_enrollment(attempt: Row, tables: Tables) -> Row:
    """The attempt with its enrollment's id, where only one ever was in the session, before it began."""
    place = ("company_id", "session_id", "user_id")
    of_pair = [it for it in tables["enrollments"] if all(it[name] == attempt[name] for name in place)]
    is_alone = len(of_pair) == 1 and of_pair[0]["enrolled_at"] <= attempt["started_at"]
    if attempt["enrollment_id"] is not None or not is_alone:
        return attempt
    return {**attempt, "enrollment_id": of_pair[0]["enrollment_id"]}


@few
@given(worlds())
def test_attempts_that_name_an_unknown_enrollment_do_not_matter(world: World) -> None:
    """One session only: other sessions would carry such an attempt over."""
    tables, as_of = world
    one = tables["path_sessions"][0]
    alone = {**tables, "path_sessions": [one]}
    inside = [
        row
        for row in tables["step_activity"]
        if (row["company_id"], row["session_id"]) == (one["company_id"], one["session_id"])
    ]
    strange = [{**row, "activity_id": f"more {n}", "enrollment_id": UNKNOWN} for n, row in enumerate(inside)]
    assume(strange)
    assert not differences(product(with_more(alone, "step_activity", strange), as_of), product(alone, as_of))


@few
@given(worlds())
def test_names_and_titles_do_not_matter(world: World) -> None:
    tables, as_of = world
    unnamed = {
        table: [{**row, **{name: None for name in ("name", "title") if name in row}} for row in rows]
        for table, rows in tables.items()
    }
    before, after = product(tables, as_of), product(unnamed, as_of)
    assert after.path_session_stats == before.path_session_stats
    assert after.step_stats == before.step_stats
    assert {row["name"] for row in after.session_summary} <= {None}
