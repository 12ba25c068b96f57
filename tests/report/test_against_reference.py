"""Learners who need attention, in random worlds: the queries find the ones that the reference finds."""

import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings

from flows.report.release_views import opened
from flows.report.worklists import attention
from schemas.columns import polars_schema, table_name
from schemas.home import Release
from schemas.outputs import OUTPUTS
from tests.helpers.random_worlds import World, large_worlds, small_worlds
from tests.reference.rows import Tables
from tests.reference.rules import Answer, reference

Row = dict[str, Any]
STILL_TO_DO = {"late", "notYetStarted", "onTime", "toRetake"}


def found(tables: Tables, answer: Answer, company: str, as_of: datetime) -> dict[str, list[Row]]:
    """The rows that the queries find in the reference's tables."""
    rows: dict[str, list[Row]] = {
        "path_session_stats": answer.path_session_stats,
        "step_stats": answer.step_stats,
        "session_summary": answer.session_summary,
        "path_sessions": tables["path_sessions"],
    }
    with tempfile.TemporaryDirectory() as folder:
        release = Release(Path(folder))
        for model in OUTPUTS:
            name, schema = table_name(model), polars_schema(model)
            pl.DataFrame(
                [{column: row.get(column) for column in schema} for row in rows.get(name, [])], schema=schema
            ).write_parquet(release.table(name))
        with opened(release) as connection:
            groups = attention(connection, company, as_of)
    return {
        group.kind.name: group.rows.filter("is_listed").select("session_id", "user_id", "moment").to_dicts()
        for group in groups
    }


def expected(tables: Tables, answer: Answer, company: str, as_of: datetime) -> dict[str, list[Row]]:
    """The same, row by row."""
    lists: dict[str, list[Row]] = {"late": [], "ending": [], "retake": [], "correction": []}
    sessions = {(row["company_id"], row["session_id"]): row for row in tables["path_sessions"]}
    for row in answer.path_session_stats:
        if row["company_id"] != company or not row["is_current"] or row["archived_at"]:
            continue
        session = sessions[company, row["session_id"]]
        steps = [
            step
            for step in answer.step_stats
            if (step["company_id"], step["enrollment_id"]) == (company, row["enrollment_id"])
        ]
        steps = [step for step in steps if not step["optional"]]
        kind = row["detailed_status_type"]

        def note(name: str, moment: datetime | None, row: Row = row) -> None:
            lists[name].append({"session_id": row["session_id"], "user_id": row["user_id"], "moment": moment})

        overdue = [step["due_at"] for step in steps if step["overdue"]]
        # R18; the endpoint's `status` is late too where one can act (R10).
        if kind in STILL_TO_DO and overdue:
            assert row["status"] == "late"
            note("late", min(overdue))
        if kind in STILL_TO_DO and session["ends_at"] and session["ends_at"] <= as_of + timedelta(days=14):
            note("ending", session["ends_at"])
        if kind == "toRetake":
            note("retake", row["all_required_finished_at"])
        if kind == "awaitingCorrection":
            (place,) = {step["position"] for step in steps if step["step_id"] == row["decided_by_step_id"]}
            earned = [step["successful_at"] for step in steps if step["position"] < place]
            note(
                "correction",
                max([row["enrolled_at"], session["starts_at"], *(when for when in earned if when)]),
            )
    far = datetime.max.replace(tzinfo=as_of.tzinfo)
    for rows in lists.values():
        rows.sort(key=lambda row: (row["moment"] or far, row["session_id"], row["user_id"]))
    return lists


def a_few(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize="CI" in os.environ,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def assert_agreement(world: World) -> None:
    tables, as_of = world
    answer = reference(tables, as_of)
    for company in {row["company_id"] for row in answer.path_session_stats}:
        assert found(tables, answer, company, as_of) == expected(tables, answer, company, as_of)


@a_few(12)
@given(small_worlds())
def test_in_small_worlds(world: World) -> None:
    assert_agreement(world)


@a_few(1)
@given(large_worlds())
def test_in_large_worlds(world: World) -> None:
    assert_agreement(world)
