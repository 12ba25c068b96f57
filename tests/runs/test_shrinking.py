"""A table that lost more than a share of its rows since the last run blocks it, until that is allowed."""

from pathlib import Path

import pytest

from flows.warehouse.thresholds import NO_THRESHOLDS, Thresholds
from flows.warehouse.warehouse import Warehouse
from schemas.errors import RunBlocked
from tests.helpers.one_run import Row, small_world
from tests.helpers.warehouse_runs import Delivery, Runs
from tests.reference.tables import at

OWN_ID = {
    "users": "user_id",
    "paths": "path_id",
    "path_steps": "step_id",
    "path_sessions": "session_id",
    "enrollments": "enrollment_id",
    "step_activity": "activity_id",
}
NEXT = at("11 Mar")


def rows(table: str, count: int) -> list[Row]:
    return [{**small_world()[table][0], OWN_ID[table]: f"it {number:02}"} for number in range(count)]


def limit(share: float | None) -> Thresholds:
    return NO_THRESHOLDS.model_copy(update={"allow_shrink": share is None, "max_shrink": share})


@pytest.mark.parametrize("table", list(OWN_ID))
def test_shrinking_of_any_table_is_blocked(runs: Runs, table: str) -> None:
    runs.accept([Delivery(table, rows(table, 10), NEXT)], NEXT)
    runs.accept([Delivery(table, rows(table, 8), NEXT)], NEXT, limit(0.2))
    before = runs.stored()
    with pytest.raises(RunBlocked, match=rf"Table {table}: 5 rows where the warehouse has 8, .* of 20%"):
        runs.accept(
            [Delivery("users", rows("users", 90), NEXT), Delivery(table, rows(table, 5), NEXT)],
            NEXT,
            limit(0.2),
        )
    assert runs.stored() == before
    runs.accept([Delivery(table, rows(table, 5), NEXT)], NEXT, limit(None))
    runs.accept([Delivery(table, rows(table, 4), NEXT)], NEXT, limit(0.2))
    with pytest.raises(RunBlocked, match="3 rows where the warehouse has 4"):
        runs.accept([Delivery(table, rows(table, 3), NEXT)], NEXT, limit(0.2))


@pytest.mark.parametrize(
    ("share", "before", "after"), [(0.42, 50, 29), (0.28, 25, 18), (0.0, 7, 7), (1.0, 7, 0)]
)
def test_exactly_the_share_may_go(runs: Runs, share: float, before: int, after: int) -> None:
    runs.accept([Delivery("step_activity", rows("step_activity", before), NEXT)], NEXT)
    runs.accept([Delivery("step_activity", rows("step_activity", after), NEXT)], NEXT, limit(share))
    if after:
        runs.accept([Delivery("step_activity", rows("step_activity", before), NEXT)], NEXT)
        with pytest.raises(RunBlocked):
            runs.accept(
                [Delivery("step_activity", rows("step_activity", after - 1), NEXT)], NEXT, limit(share)
            )


def test_a_table_that_is_empty_has_nothing_to_lose(runs: Runs) -> None:
    runs.accept([Delivery("step_activity", [], NEXT)], NEXT)
    runs.accept([Delivery("step_activity", [], NEXT)], NEXT, limit(0.0))


def test_steps_that_ended_long_ago_do_not_count_as_a_loss(runs: Runs) -> None:
    for day in range(11, 20):
        moment = at(f"{day} Mar")
        runs.accept([Delivery("path_steps", rows("path_steps", 21 - day), moment)], moment, limit(0.5))
    assert len(runs.stored()["path_steps"]) == 12
    with pytest.raises(RunBlocked, match="1 rows where the warehouse has 2"):
        runs.accept([Delivery("path_steps", rows("path_steps", 1), NEXT)], NEXT, limit(0.4))


def test_rows_that_are_rejected_are_lost_too(runs: Runs) -> None:
    asleep = [{**row, "status": "asleep"} for row in rows("users", 3)]
    runs.accept([Delivery("users", rows("users", 10), NEXT)], NEXT)
    with pytest.raises(RunBlocked, match="Table users: 7 rows where the warehouse has 10"):
        runs.accept([Delivery("users", [*asleep, *rows("users", 10)[3:]], NEXT)], NEXT, limit(0.2))


def test_changes_lose_nothing(runs: Runs) -> None:
    runs.accept([Delivery("users", rows("users", 1), NEXT, is_full=False)], NEXT, limit(0.0))


def test_enrollments_with_references_by_new_ids_count_as_lost(runs: Runs) -> None:
    renamed = [{**row, "company_id": "ACME"} for row in small_world()["users"]]
    before = runs.stored()
    output = r"enrollments: 0 rows count, 3 did before; the rest have missing references \(unknown_user 3\)"
    with pytest.raises(RunBlocked, match=output):
        runs.accept([Delivery("users", renamed, NEXT)], NEXT, limit(0.9))
    assert runs.stored() == before
    one_left = [*renamed[1:], small_world()["users"][0]]
    with pytest.raises(RunBlocked, match="1 rows count, 3 did before"):
        runs.accept([Delivery("users", one_left, NEXT)], NEXT, limit(0.6))
    runs.accept([Delivery("users", one_left, NEXT)], NEXT, limit(0.7))
    runs.accept([Delivery("users", renamed, NEXT)], NEXT, limit(None))
    # A loss that was allowed doesn't count again in the next run.
    runs.accept([Delivery("users", renamed, NEXT)], NEXT, limit(0.2))


def test_first_run_without_a_counting_enrollment_is_blocked(tmp_path: Path) -> None:
    tables = small_world() | {"users": [{**row, "company_id": "ACME"} for row in small_world()["users"]]}
    with Warehouse.open() as connection:
        first = Runs(tmp_path, connection)
        deliveries = [Delivery(table, rows, NEXT) for table, rows in tables.items()]
        with pytest.raises(RunBlocked, match="0 rows count, 0 did before"):
            first.accept(deliveries, NEXT, limit(0.2))
        first.accept(deliveries, NEXT, limit(None))
