"""Changes: each row replaces the one of its key or is new, all others stay; rejected rows stay rejected."""

from datetime import datetime
from typing import Any

import pytest

from flows.staging.load import Counts
from tests.helpers.one_run import small_world
from tests.helpers.random_worlds import KEYS
from tests.helpers.warehouse_runs import Delivery, Runs
from tests.reference.tables import at, read

Row = dict[str, Any]
NEXT = at("11 Mar")
USER = {"company_id": "acme", "user_id": "u1", "status": "active"}


def changes(table: str, *rows: Row, taken_at: datetime = NEXT) -> Delivery:
    return Delivery(table, list(rows), taken_at, is_full=False)


def figures(counts: Counts) -> tuple[int, int, int, int]:
    assert counts.read == counts.stored + counts.deduplicated + counts.rejected
    return counts.read, counts.stored, counts.deduplicated, counts.rejected


def test_rows_of_every_table_are_replaced_or_new_by_their_key(runs: Runs) -> None:
    before = runs.stored()
    renamed = {
        "users": {"email": "new@example.org"},
        "paths": {"name": "new"},
        "path_sessions": {"name": "new"},
        "enrollments": {"user_id": "u2"},
        "step_activity": {"score": 7},
    }
    for table, edit in renamed.items():
        first = before[table][0]
        edited = {**first, **edit}
        added = {**edited, KEYS[table][1]: "z"}
        counts = runs.accept([changes(table, edited, added)], NEXT)[table]
        assert figures(counts) == (2, 2, 0, 0)
        assert runs.stored()[table] == [edited, *before[table][1:], added]


def test_changes_of_one_company_leave_the_other(runs: Runs) -> None:
    runs.accept([changes("users", {**USER, "company_id": "Zen", "email": "zen@example.org"})], NEXT)
    assert [(u["company_id"], u["user_id"]) for u in runs.stored()["users"]] == [
        ("Zen", "u1"),
        ("acme", "u1"),
        ("acme", "u2"),
        ("acme", "u3"),
    ]


def test_changes_with_new_ids_and_companies_are_merged(runs: Runs) -> None:
    before, company = runs.stored(), 'z"e\\n\x1b'
    enrollment, attempt = before["enrollments"][0], before["step_activity"][0]
    enrolled_elsewhere = {**enrollment, "company_id": company, "session_id": "[0]"}
    without_session = {**attempt, "company_id": company, "session_id": None}
    on_another_step = {**attempt, "activity_id": "z", "step_id": "{}"}
    delivered = [
        changes("enrollments", enrolled_elsewhere),
        changes("step_activity", without_session, on_another_step),
    ]
    counts = runs.accept(delivered, NEXT)
    assert [figures(counts[table]) for table in ("enrollments", "step_activity")] == [
        (1, 1, 0, 0),
        (2, 2, 0, 0),
    ]
    after = runs.stored()
    assert after["enrollments"] == [*before["enrollments"], enrolled_elsewhere]
    assert after["step_activity"] == [*before["step_activity"], on_another_step, without_session]


def test_an_older_version_of_an_attempt_is_deduplicated_and_one_as_new_is_not(runs: Runs) -> None:
    attempts = read(
        "step_activity",
        """
        activity | step | started | last  | completed | progress | score
        a1       | A    | 1 Mar   | 4 Mar | -         | 50       | 1
        a2       | A    | 1 Mar   | 6 Mar | 6 Mar     | 100      | 2
        a3       | B    | 1 Mar   | 8 Mar | 8 Mar     | 100      | 3
        """,
    )
    counts = runs.accept([changes("step_activity", *attempts)], NEXT)["step_activity"]
    assert figures(counts) == (3, 2, 1, 0)
    stored = {row["activity_id"]: row["score"] for row in runs.stored()["step_activity"]}
    assert stored == {"a1": None, "a2": 2, "a3": 3}


def test_full_table_and_its_changes_are_merged_in_one_run(runs: Runs) -> None:
    others = [{**USER, "user_id": name} for name in ("u1", "u4")]
    counts = runs.accept(
        [
            Delivery("users", [*others, {**USER, "user_id": "u5", "status": "asleep"}], NEXT),
            changes("users", {**USER, "status": "deleted"}, {**USER, "user_id": "u6", "status": "asleep"}),
        ],
        NEXT,
    )["users"]
    assert figures(counts) == (5, 3, 0, 2)
    assert [(u["user_id"], u["status"]) for u in runs.stored()["users"]] == [
        ("u1", "deleted"),
        ("u4", "active"),
    ]
    assert rejected(runs) == [("users", "acme/u5"), ("users", "acme/u6")]


def test_no_changes(runs: Runs) -> None:
    before = runs.stored()
    tables = [changes(table) for table in before]
    assert {figures(counts) for counts in runs.accept(tables, NEXT).values()} == {(0, 0, 0, 0)}
    assert runs.stored() == before


@pytest.mark.parametrize(
    ("later", "stays"),
    [
        (changes("users", {**USER, "user_id": "u2"}), True),
        (changes("enrollments"), True),
        (changes("users", {**USER, "status": "asleep too"}), False),
        (changes("users", USER), False),
        (Delivery("users", small_world()["users"], NEXT), False),
    ],
)
def test_a_rejected_row_is_rejected_until_its_key_or_the_whole_table_comes_again(
    runs: Runs, later: Delivery, stays: bool
) -> None:
    counts = runs.accept([changes("users", {**USER, "status": "asleep"})], NEXT)["users"]
    assert figures(counts) == (1, 0, 0, 1)
    assert runs.stored()["users"][0]["status"] == "active"
    runs.accept([later], at("12 Mar"))
    rows = runs.connection.rows("SELECT row FROM quarantine WHERE row LIKE '%\"asleep\"%'")
    assert len(rows) == stays


def test_a_rejected_row_without_a_key_is_known_by_its_content(runs: Runs) -> None:
    no_user = {**USER, "user_id": None, "email": "nobody@example.org"}
    runs.accept([changes("users", no_user)], NEXT)
    runs.accept([changes("users", no_user, {**no_user, "email": "another@example.org"})], at("12 Mar"))
    seen = runs.connection.rows("SELECT row ->> 'email', first_seen_at FROM quarantine ORDER BY ALL")
    assert seen == [("another@example.org", at("12 Mar")), ("nobody@example.org", NEXT)]


def rejected(runs: Runs) -> list[tuple[str, str]]:
    return runs.connection.rows(
        """SELECT "table", "key" FROM quarantine WHERE reason = 'bad_enum' ORDER BY ALL"""
    )
