"""A table that lost more than a share of its rows since last night is held back, until that is accepted."""

from dataclasses import replace
from pathlib import Path

import pytest

from flows.database.connection import Duck
from flows.warehouse.thresholds import NO_LIMITS, Limits
from schemas.errors import HeldBack
from tests.helpers.one_run import Row, small_world
from tests.helpers.warehouse_runs import Delivery, Nights
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


def limit(share: float | None) -> Limits:
    return replace(NO_LIMITS, shrink_share=share)


@pytest.mark.parametrize("table", list(OWN_ID))
def test_each_table_is_guarded(nights: Nights, table: str) -> None:
    nights.accept([Delivery(table, rows(table, 10), NEXT)], NEXT)
    nights.accept([Delivery(table, rows(table, 8), NEXT)], NEXT, limit(0.2))
    before = nights.stored()
    with pytest.raises(HeldBack, match=rf"Table {table}: 5 rows where the warehouse holds 8, .* of 20%"):
        nights.accept(
            [Delivery("users", rows("users", 90), NEXT), Delivery(table, rows(table, 5), NEXT)],
            NEXT,
            limit(0.2),
        )
    assert nights.stored() == before
    nights.accept([Delivery(table, rows(table, 5), NEXT)], NEXT, limit(None))
    nights.accept([Delivery(table, rows(table, 4), NEXT)], NEXT, limit(0.2))
    with pytest.raises(HeldBack, match="3 rows where the warehouse holds 4"):
        nights.accept([Delivery(table, rows(table, 3), NEXT)], NEXT, limit(0.2))


@pytest.mark.parametrize(
    ("share", "before", "after"), [(0.42, 50, 29), (0.28, 25, 18), (0.0, 7, 7), (1.0, 7, 0)]
)
def test_exactly_the_share_may_go(nights: Nights, share: float, before: int, after: int) -> None:
    nights.accept([Delivery("step_activity", rows("step_activity", before), NEXT)], NEXT)
    nights.accept([Delivery("step_activity", rows("step_activity", after), NEXT)], NEXT, limit(share))
    if after:
        nights.accept([Delivery("step_activity", rows("step_activity", before), NEXT)], NEXT)
        with pytest.raises(HeldBack):
            nights.accept(
                [Delivery("step_activity", rows("step_activity", after - 1), NEXT)], NEXT, limit(share)
            )


def test_a_table_that_is_empty_has_nothing_to_lose(nights: Nights) -> None:
    nights.accept([Delivery("step_activity", [], NEXT)], NEXT)
    nights.accept([Delivery("step_activity", [], NEXT)], NEXT, limit(0.0))


def test_steps_that_ended_long_ago_are_no_loss(nights: Nights) -> None:
    for day in range(11, 20):
        moment = at(f"{day} Mar")
        nights.accept([Delivery("path_steps", rows("path_steps", 21 - day), moment)], moment, limit(0.5))
    assert len(nights.stored()["path_steps"]) == 12
    with pytest.raises(HeldBack, match="1 rows where the warehouse holds 2"):
        nights.accept([Delivery("path_steps", rows("path_steps", 1), NEXT)], NEXT, limit(0.4))


def test_rows_that_are_refused_are_lost_too(nights: Nights) -> None:
    asleep = [{**row, "status": "asleep"} for row in rows("users", 3)]
    nights.accept([Delivery("users", rows("users", 10), NEXT)], NEXT)
    with pytest.raises(HeldBack, match="Table users: 7 rows where the warehouse holds 10"):
        nights.accept([Delivery("users", [*asleep, *rows("users", 10)[3:]], NEXT)], NEXT, limit(0.2))


def test_changes_lose_nothing(nights: Nights) -> None:
    nights.accept([Delivery("users", rows("users", 1), NEXT, is_full=False)], NEXT, limit(0.0))


def test_enrolments_whose_partners_go_by_other_ids_now_are_lost_too(nights: Nights) -> None:
    renamed = [{**row, "company_id": "ACME"} for row in small_world()["users"]]
    before = nights.stored()
    said = r"enrollments: 0 rows count, 3 did before; .* have not arrived \(unknown_user 3\)"
    with pytest.raises(HeldBack, match=said):
        nights.accept([Delivery("users", renamed, NEXT)], NEXT, limit(0.9))
    assert nights.stored() == before
    one_left = [*renamed[1:], small_world()["users"][0]]
    with pytest.raises(HeldBack, match="1 rows count, 3 did before"):
        nights.accept([Delivery("users", one_left, NEXT)], NEXT, limit(0.6))
    nights.accept([Delivery("users", one_left, NEXT)], NEXT, limit(0.7))
    nights.accept([Delivery("users", renamed, NEXT)], NEXT, limit(None))
    # What was accepted is no loss of the next night.
    nights.accept([Delivery("users", renamed, NEXT)], NEXT, limit(0.2))


def test_a_first_night_on_which_no_enrolment_counts_is_held_back(tmp_path: Path) -> None:
    tables = small_world() | {"users": [{**row, "company_id": "ACME"} for row in small_world()["users"]]}
    with Duck() as duck:
        first = Nights(tmp_path, duck)
        deliveries = [Delivery(table, rows, NEXT) for table, rows in tables.items()]
        with pytest.raises(HeldBack, match="0 rows count, 0 did before"):
            first.accept(deliveries, NEXT, limit(0.2))
        first.accept(deliveries, NEXT, limit(None))
