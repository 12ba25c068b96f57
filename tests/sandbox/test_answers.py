"""The platform's own answers against the reference of the rules: they differ where its wording does, only."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.api_projection import expressible
from sandbox.platform_results import PlatformResults
from sandbox.serializers import enrollments
from tests.helpers.nested_worlds import world_of_families
from tests.helpers.one_company import of_one_company
from tests.helpers.random_worlds import World
from tests.helpers.random_worlds import world as random_world
from tests.reference.rules import reference
from tests.reference.tables import at, world

FIELDS = {
    "progress": "progress",
    "timeSpent": "global_time_ms",
    "score": "score",
    "completedAt": "completed_at",
    "enrolledAt": "enrolled_at",
    "unenrolledAt": "archived_at",
    "startedAt": "started_at",
}


def theirs(tables: dict[str, pl.DataFrame], as_of: datetime) -> dict[str, dict[str, Any]]:
    found = PlatformResults(tables, as_of).documents(enrollments(tables, as_of))
    return {document["_id"]: document for document in found}


def ours(tables: dict[str, pl.DataFrame], as_of: datetime) -> dict[str, dict[str, Any]]:
    rows = reference({name: rows.to_dicts() for name, rows in tables.items()}, as_of).path_session_stats
    return {row["enrollment_id"]: row for row in rows}


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([world_of_families, random_world]))
def test_results_equal_the_reference_except_the_wording_of_to_retake(
    seed: int, draw: Callable[[random.Random, int], World]
) -> None:
    tables, as_of = draw(random.Random(seed), 6)
    sound = expressible(of_one_company(tables), as_of)
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


def test_failed_step_is_to_retake_whatever_is_open() -> None:
    tables = expressible(
        of_one_company(
            world(
                steps="step | min_score | due \n A | 80 | 7 days \n B",
                activity="step | completed | score \n A | 5 Mar | 60",
            )
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
