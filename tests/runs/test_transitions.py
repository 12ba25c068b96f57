"""The transitions of a run's closing table: what people act on (R18 for late), restated completion dates."""

from typing import Any

import polars as pl
import pytest

from schemas.columns import polars_schema
from schemas.outputs import PathSessionStats
from tests.reference.tables import at
from transforms.change_causes import ChangedInput, vanished
from transforms.status_changes import transitions

Change = tuple[str, str | None, str | None]
KEYS = {"company_id": "acme", "session_id": "S", "user_id": "u1", "enrollment_id": "e1"}
# What each detailed status has for `status` and `overdue_steps` where nothing is overdue.
ON_TIME = {"status": "onTime", "overdue_steps": 0, "is_late": False}
LATE = {"status": "late", "overdue_steps": 1, "is_late": True}


def counted(now: dict[str, Any], *changes: Change) -> dict[str, int]:
    """The transitions above zero of one enrollment with these values now, after these changes."""
    kind = now.pop("is")
    row = {"is_current": True, "archived_at": None, "detailed_status_type": kind, **ON_TIME, **now, **KEYS}
    schema = polars_schema(PathSessionStats)
    stats = pl.DataFrame([{name: row.get(name) for name in schema}], schema=schema)
    fields = {"field": pl.String, "old_value": pl.String, "new_value": pl.String}
    found = pl.DataFrame(list(changes), schema=fields, orient="row").with_columns(
        **{name: pl.lit(value) for name, value in KEYS.items()}
    )
    return {name: count for name, count in transitions(found, stats).items() if count}


@pytest.mark.parametrize(
    ("was", "now", "counts"),
    [
        ("onTime", "late", {"became late": 1}),
        ("notYetStarted", "late", {"became late": 1}),
        ("successful", "late", {"became late": 1}),
        ("late", "successful", {"completed": 1}),
        ("onTime", "toRetake", {"to retake": 1}),
        ("notYetStarted", "toRetake, mandatoryReplay", {"to retake": 1}),
        ("toRetake, mandatoryReplay", "toRetake", {}),
        ("late", "unsuccessful, sessionEnded", {"unsuccessful": 1}),
        ("unsuccessful, sessionEnded", "unsuccessful", {}),
        ("unsuccessful", "awaitingCorrection", {}),
    ],
)
def test_detailed_status_that_is_another_one_is_counted(was: str, now: str, counts: dict[str, int]) -> None:
    changes: list[Change] = [("detailed_status", was, now)]
    so = dict(LATE) if now == "late" else {}
    if now == "late":
        changes.append(("status", "onTime", "late"))
    assert counted({"is": now.partition(",")[0], **so}, *changes) == counts


@pytest.mark.parametrize("kind", ["late", "notYetStarted", "onTime", "toRetake"])
def test_learner_who_can_act_becomes_late_with_the_status_alone(kind: str) -> None:
    """R18: who has not started, or is to retake, becomes late without another detailed status."""
    assert counted({"is": kind, **LATE}, ("status", "onTime", "late")) == {"became late": 1}


@pytest.mark.parametrize("kind", ["sessionNotOpened", "unsuccessful"])
def test_learner_who_can_do_nothing_does_not_become_late(kind: str) -> None:
    assert counted({"is": kind, **LATE, "is_late": False}, ("status", "onTime", "late")) == {}


def test_learner_who_was_late_before_starting_does_not_become_late_again() -> None:
    assert counted({"is": "late", **LATE}, ("detailed_status", "notYetStarted", "late")) == {}


def test_learner_becomes_late_when_the_session_opens_on_an_overdue_step() -> None:
    opening: Change = ("detailed_status", "sessionNotOpened", "notYetStarted")
    assert counted({"is": "notYetStarted", **LATE}, opening) == {"became late": 1}


def test_new_enrollment_is_counted_by_what_it_is() -> None:
    appeared: Change = ("appeared", None, "enrolled")
    assert counted({"is": "late", **LATE}, appeared) == {"became late": 1}
    assert counted({"is": "successful"}, appeared) == {"completed": 1}
    assert counted({"is": "onTime"}, appeared) == {}


def test_unarchived_enrollment_is_counted_by_what_it_is() -> None:
    back: Change = ("archived_at", "2026-03-05T00:00:00.000000Z", None)
    assert counted({"is": "late", **LATE}, back) == {"became late": 1}


@pytest.mark.parametrize("now", [{"is_current": False}, {"archived_at": "2026-03-05T00:00:00Z"}])
def test_enrollment_that_does_not_count_is_not_counted(now: dict[str, Any]) -> None:
    if "archived_at" in now:
        now = {"archived_at": pl.Series(["2026-03-05T00:00:00Z"]).str.to_datetime(time_zone="UTC")[0]}
    assert counted({"is": "late", **LATE, **now}, ("status", "onTime", "late")) == {}


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        (None, "2026-03-05T00:00:00.000000Z", {}),
        ("2026-03-05T00:00:00.000000Z", "2026-03-04T00:00:00.000000Z", {"completion date moved": 1}),
        ("2026-03-05T00:00:00.000000Z", None, {"completion date vanished": 1}),
    ],
)
def test_completion_date_that_is_another_one_is_counted(
    old: str | None, new: str | None, counts: dict[str, int]
) -> None:
    assert counted({"is": "onTime"}, ("completed_at", old, new)) == counts


DATE = "2026-03-05T00:00:00.000000Z"
NOTHING = pl.DataFrame(schema=polars_schema(PathSessionStats))


def lost(*enrollments: list[Change], cause: str = "correction of earlier data") -> pl.DataFrame:
    """Rows of status_changes, all with one cause: (field, old_value, new_value) of each enrollment."""
    rows = [
        {**KEYS, "enrollment_id": f"e{number}", "field": field, "old_value": old, "new_value": new}
        for number, changes in enumerate(enrollments)
        for field, old, new in changes
    ]
    texts = dict.fromkeys(("old_value", "new_value"), pl.String)
    return pl.DataFrame(rows, schema_overrides=texts).with_columns(cause=pl.lit(cause))


def test_date_of_a_gone_enrollment_is_counted_with_the_enrollment() -> None:
    gone: list[Change] = [("gone", "enrolled", None), ("completed_at", DATE, None)]
    found = lost(gone, [("gone", "enrolled", None)], [("completed_at", DATE, None)])
    assert {kind: count for kind, count in transitions(found, NOTHING).items() if count} == {
        "completion date vanished": 1,
        "enrollment gone": 2,
        "enrollment gone with its completion date": 1,
    }


def touched(*learners: str, enrollments: tuple[str, ...] = ()) -> ChangedInput:
    pairs = {"session_key": [1] * len(enrollments), "user_key": [1] * len(enrollments)}
    return ChangedInput(
        pl.DataFrame({"session_key": [1]}),
        pl.DataFrame({**pairs, "user_id": list(enrollments)}, schema_overrides={"user_id": pl.String}),
        pl.DataFrame(
            [("acme", it) for it in learners],
            schema={"company_id": pl.String, "user_id": pl.String},
            orient="row",
        ),
    )


def test_date_that_an_edited_definition_took_away_is_counted_apart_unless_its_enrollment_is_gone() -> None:
    date: list[Change] = [("completed_at", DATE, None)]
    gone: list[Change] = [("gone", "enrolled", None), *date]
    assert vanished(lost(date, gone), touched(), at("10 Mar")).rows() == [("acme", 2, 0)]
    assert vanished(lost(date, gone, cause="definition"), touched(), at("10 Mar")).rows() == [("acme", 2, 1)]


def test_date_of_a_learner_with_edited_data_has_vanished_whatever_else_was_edited() -> None:
    found = lost([("completed_at", DATE, None)], cause="definition")
    for edited in (touched("u1"), touched(enrollments=("u1",))):
        assert vanished(found, edited, at("10 Mar")).rows() == [("acme", 1, 0)]


def test_date_after_as_of_has_not_vanished() -> None:
    found = lost([("completed_at", DATE, None)])
    assert vanished(found, touched(), at("5 Mar")).rows() == [("acme", 1, 0)]
    assert vanished(found, touched(), at("4 Mar 23:59")).rows() == []
