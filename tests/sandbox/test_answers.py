"""The platform's own answers against the reference of the rules: they differ where its wording does, only."""

from collections import Counter
from datetime import datetime
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings

from flows.sandbox.answers import Answers
from flows.sandbox.documents import enrollments
from flows.sandbox.sayable import sayable
from schemas.columns import polars_schema, table_name
from schemas.inputs import INPUTS
from tests.reference.rows import Tables
from tests.reference.rules import reference
from tests.reference.tables import at, world
from tests.strategies import World, large_worlds

FIELDS = {
    "progress": "progress",
    "timeSpent": "global_time_ms",
    "score": "score",
    "completedAt": "completed_at",
    "enrolledAt": "enrolled_at",
    "unenrolledAt": "archived_at",
    "startedAt": "started_at",
}


def platform(tables: Tables, as_of: datetime) -> dict[str, pl.DataFrame]:
    """What a platform can say that all of the companies share, as frames."""
    return sayable(
        {
            table_name(model): pl.DataFrame(
                [_of_acme(row) for row in tables.get(table_name(model), [])], schema=polars_schema(model)
            )
            for model in INPUTS
        },
        as_of,
    )


def _of_acme(row: dict[str, Any]) -> dict[str, Any]:
    """The row with ids that no other company has."""
    ids = {
        name: f"{row['company_id']} {value}" for name, value in row.items() if name.endswith("_id") and value
    }
    return {**row, **ids, "company_id": "acme"}


def theirs(tables: dict[str, pl.DataFrame], as_of: datetime) -> dict[str, dict[str, Any]]:
    found = Answers(tables, as_of).documents(enrollments(tables, as_of))
    return {document["_id"]: document for document in found}


def ours(tables: dict[str, pl.DataFrame], as_of: datetime) -> dict[str, dict[str, Any]]:
    rows = reference({name: rows.to_dicts() for name, rows in tables.items()}, as_of).path_session_stats
    return {row["enrollment_id"]: row for row in rows}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(large_worlds())
def test_they_are_the_references_but_for_the_wording_of_to_retake(drawn: World) -> None:
    tables, as_of = drawn
    sound = platform(tables, as_of)
    answers, rows = theirs(sound, as_of), ours(sound, as_of)
    for enrollment, row in rows.items():
        answer = answers[enrollment]
        wanted = {name: _as_text(row[column]) for name, column in FIELDS.items() if row[column] is not None}
        status = {"type": row["detailed_status_type"], "reason": row["detailed_status_reason"]}
        found = {"type": answer["status"]["type"], "reason": answer["status"].get("reason")}
        assert {name: answer[name] for name in FIELDS if name in answer} == wanted
        if found != status:
            assert found == {"type": "toRetake", "reason": None}
            assert status["type"] in ("notYetStarted", "late", "onTime")
    assert Counter(answers.keys() & rows.keys()) == Counter(rows.keys())


def test_one_failed_step_is_to_retake_whatever_is_open() -> None:
    tables = platform(
        world(
            steps="step | min_score | due \n A | 80 | 7 days \n B",
            activity="step | completed | score \n A | 5 Mar | 60",
        ),
        at("20 Mar"),
    )
    (answer,) = theirs(tables, at("20 Mar")).values()
    assert answer["status"] == {"type": "toRetake"}
    (row,) = ours(tables, at("20 Mar")).values()
    assert row["detailed_status_type"] == "onTime"


def _as_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z"
    return value
