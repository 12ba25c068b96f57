"""Every attempt is accounted for as the reference does, and as the outcomes of its step say."""

import operator
from collections import defaultdict
from typing import Any

from hypothesis import given, settings

from flows.report.attempt_labels import AttemptContext, lines
from schemas.enums import COUNTED_ATTEMPTS
from tests.helpers.nested_worlds import large_families, small_families
from tests.helpers.random_worlds import World, large_worlds, small_worlds
from tests.reference.attempt_account import attempt_accounts
from tests.reference.company import Companies
from tests.reference.product import attempts, product
from tests.test_against_reference import thorough

Row = dict[str, Any]
STEP = ("company_id", "session_id", "user_id", "enrollment_id", "step_id")


def expected(world: World) -> list[Row]:
    tables, as_of = world
    companies = Companies(tables)
    learners = [it for pair in companies.enrollments for it in companies.learners(pair, as_of)]
    return [row for learner in learners for row in attempt_accounts(companies, learner)]


def in_order(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: repr(list(row.values())))


@thorough
@given(small_worlds())
def test_attempts_in_small_worlds_are_those_of_the_reference(world: World) -> None:
    assert in_order(attempts(*world)) == in_order(expected(world))


@thorough
@given(large_worlds())
def test_attempts_in_large_worlds_are_those_of_the_reference(world: World) -> None:
    assert in_order(attempts(*world)) == in_order(expected(world))


@settings(thorough, max_examples=6)
@given(small_families() | large_families())
def test_attempts_in_families_are_those_of_the_reference(world: World) -> None:
    assert in_order(attempts(*world)) == in_order(expected(world))


@thorough
@given(large_worlds())
def test_counted_attempts_reproduce_the_outcomes_of_their_steps(world: World) -> None:
    """Those that have no row satisfy their step in the session, or carry it alone."""
    of_step: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    of = operator.itemgetter(*STEP)
    for row in attempts(*world):
        if row["account"] in COUNTED_ATTEMPTS:
            of_step[of(row)].append(row)
    for step in product(*world).step_stats:
        rows = of_step[of(step)]
        finished = [row for row in rows if row["account"] in ("satisfies", "fails_condition")]
        failed_here = [
            row
            for row in finished
            if row["account"] == "fails_condition" and row["made_in_session_id"] == row["session_id"]
        ]
        unlisted = step["attempts_used"] - len(failed_here)
        is_carried = step["carried_over"] and not rows
        satisfying = [row for row in finished if row["account"] == "satisfies"]
        assert unlisted >= 0
        assert step["finished"] == bool(finished or unlisted or is_carried)
        assert step["successful"] == bool(satisfying or unlisted or is_carried)
        scores = [row["score"] for row in finished if row["score"] is not None]
        if unlisted or is_carried:
            assert not scores or step["score"] >= max(scores)
        else:
            assert step["finished_at"] == min((row["completed_at"] for row in finished), default=None)
            assert step["score"] == max(scores, default=None)


@thorough
@given(large_worlds())
def test_times_of_the_attempts_listed_at_a_step_add_up_to_its_time(world: World) -> None:
    """Sub-paths take the time of their child session; its attempts are listed there."""
    found = product(*world)
    of_enrollment: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    of = operator.itemgetter(*STEP[:-1])
    for row in attempts(*world):
        of_enrollment[of(row)].append(row)
    for step in found.step_stats:
        here = step["session_id"]
        context = AttemptContext(here, None, world[1], is_archived=False)
        rows = [row for row in of_enrollment[of(step)] if row["step_id"] == step["step_id"]]
        listed = [
            line for line in lines(rows, [step], context) if line.counts and "carried over" not in line.words
        ]
        if not step["carried_over"]:
            assert sum(line.time_spent_ms or 0 for line in listed) == step["time_ms"]
