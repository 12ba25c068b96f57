"""Corrections of assessments: which events are corrections, and that each counts once over all runs."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.sources.base import EMPTY_WAREHOUSE
from flows.sources.page_store import landings
from tests.helpers.extractions import delivered, extracted, held_after, rows
from tests.helpers.fake_platform import FakePlatform, hex_id
from tests.helpers.small_company import ADA, BEN, EXAM, SESSION, SUBSCRIPTION, small_company

EVENTS = f"webhooks/subscriptions/{SUBSCRIPTION}/events"


def event(number: int, **data: Any) -> dict[str, Any]:
    payload = small_company().lists[EVENTS][0]["payload"]
    return {
        "_id": f"msg_{number}",
        "createdAt": "2026-03-06T10:00:01.000Z",
        "status": "delivered",
        "payload": payload | {"data": payload["data"] | data},
    }


def corrected(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return tables["step_activity"].filter(pl.col("step_id") == EXAM)


@pytest.fixture
def platform() -> FakePlatform:
    return small_company()


def test_fraction_of_a_score_is_kept(platform: FakePlatform, tmp_path: Path) -> None:
    platform.lists[EVENTS] = [event(1, score=66.7), event(2, userId=BEN, score=59.999)]
    assert rows(corrected(extracted(platform, tmp_path)), "user_id", "score") == [
        (ADA, "66.7"),
        (BEN, "59.999"),
    ]


def test_correction_names_its_enrollment(platform: FakePlatform, tmp_path: Path) -> None:
    """Two enrollments of one learner, corrected at one instant, are two corrections."""
    platform.lists[EVENTS] = [event(1, enrollmentId="e1"), event(2, enrollmentId="e2", score=40)]
    found = corrected(extracted(platform, tmp_path))
    assert rows(found, "enrollment_id", "session_id", "score") == [
        ("e1", SESSION, "75"),
        ("e2", SESSION, "40"),
    ]
    assert found["activity_id"].n_unique() == 2


@pytest.mark.parametrize(
    ("payload", "messages"),
    [
        ({}, "events without a type (1)"),
        (
            {"data": {"userId": ADA, "assessmentId": EXAM, "correctedAt": "2026-03-07T10:00:00.000Z"}},
            "a type (1)",
        ),
        ({"type": "user.assessment.corrected"}, "corrections without assessment, learner or time (1)"),
        (
            {
                "type": "user.assessment.corrected",
                "data": {"userId": ADA, "correctedAt": "2026-03-07T10:00:00.000Z"},
            },
            "learner or time (1)",
        ),
        ({"type": "user.assessment.corrected", "data": {"userId": ADA, "assessmentId": EXAM}}, "or time (1)"),
        ({"type": "user.certificate.awarded", "data": {"userId": ADA}}, None),
    ],
)
def test_event_without_type_or_ids_is_never_a_correction(
    platform: FakePlatform, tmp_path: Path, payload: dict[str, Any], messages: str | None
) -> None:
    platform.lists[EVENTS].append(event(2) | {"payload": payload})
    for stored in (EMPTY_WAREHOUSE, None, None, EMPTY_WAREHOUSE):
        tables, warnings = delivered(platform, tmp_path, stored or held_after(tmp_path))
        assert rows(corrected(tables), "user_id", "score") == [(ADA, "75")]
        assert tables["step_activity"].height == 6
        assert [messages in warning for warning in warnings if messages] == [True] * bool(messages)


def test_event_that_comes_again_is_one_correction(platform: FakePlatform, tmp_path: Path) -> None:
    """Under another id, in a file as it was sent, with another spelling of its time, in a later run."""
    sent = event(1)["payload"]
    file = tmp_path / "events.ndjson"
    respelled = sent | {"data": sent["data"] | {"correctedAt": "2026-03-06T10:00:00Z"}}
    file.write_text("".join(json.dumps(line) + "\n" for line in (sent, sent, respelled, event(7))), "utf-8")
    platform.lists[EVENTS] = [event(1), event(2)]
    for stored in (EMPTY_WAREHOUSE, None, EMPTY_WAREHOUSE, None):
        stored = stored or held_after(tmp_path)
        found = corrected(extracted(platform, tmp_path, stored, corrections_file=file))
        assert rows(found, "user_id", "score", "enrollment_id") == [(ADA, "75", hex_id(0x101))]
        platform.lists[EVENTS] = [event(3)]


def test_correction_that_an_earlier_version_handed_on_is_not_doubled(
    platform: FakePlatform, kept: Path, tmp_path: Path
) -> None:
    """It knew neither enrollments of corrections nor events without ids, which it kept."""
    known = kept / "20260310T020000Z" / "known" / "corrections.parquet"
    older = pl.read_parquet(known).drop("enrollment_id").with_columns(correction=pl.lit("an id of then"))
    without_ids = older.with_columns(
        *(
            pl.lit(None, pl.String).alias(name)
            for name in ("correction", "user_id", "step_id", "corrected_at")
        )
    )
    known.unlink()
    pl.concat([older, without_ids, without_ids]).write_parquet(known)
    for stored in (held_after(kept), EMPTY_WAREHOUSE):
        found = extracted(platform, kept, stored)["step_activity"]
        assert rows(found.filter(pl.col("step_id") == EXAM), "enrollment_id") == [(hex_id(0x101),)]
        assert found.height == 6
    assert len(landings(kept)) == 3


def test_correction_of_a_file_of_the_data_alone_is_named(platform: FakePlatform, tmp_path: Path) -> None:
    """A line without a type may be anything."""
    file = tmp_path / "events.ndjson"
    file.write_text(json.dumps(event(1)["payload"]["data"]) + "\n", "utf-8")
    tables, warnings = delivered(platform, tmp_path, corrections_file=file, subscription=None)
    assert corrected(tables).is_empty()
    assert any("events without a type (1)" in warning for warning in warnings)


def test_corrections_that_nothing_brings_are_a_warning(platform: FakePlatform, tmp_path: Path) -> None:
    _, (warning,) = delivered(platform, tmp_path / "none", subscription=None)
    assert warning.startswith("No corrections are read, and 1 of the paths' steps are assessments")
    assert delivered(platform, tmp_path / "skipped", subscription=None, skip="assessments")[1] == []
    platform.lists["paths"][0]["steps"] = platform.lists["paths"][0]["steps"][:2]
    assert delivered(platform, tmp_path / "no assessment", subscription=None)[1] == []


# The webhook subscription

STATES = [
    ({"eventType": "user.created"}, "sends user.created, not user.assessment.corrected: no correction"),
    ({"eventType": "Ada Lovelace"}, "sends other events, not user.assessment.corrected"),
    ({"status": "inactive"}, "is inactive: its receiver failed for 5 days"),
]


@pytest.mark.parametrize(("state", "sentence"), STATES)
def test_subscription_that_brings_nothing_is_a_warning_of_each_run(
    platform: FakePlatform, tmp_path: Path, state: dict[str, str], sentence: str
) -> None:
    platform.objects[f"webhooks/subscriptions/{SUBSCRIPTION}"] |= state
    for stored in (EMPTY_WAREHOUSE, None):
        _, (warning,) = delivered(platform, tmp_path, stored or held_after(tmp_path))
        assert warning.startswith(f"The webhook subscription {SUBSCRIPTION} {sentence}")
        assert "s3cret" not in warning


def test_platform_that_keeps_its_subscriptions_to_itself_is_read(
    platform: FakePlatform, tmp_path: Path
) -> None:
    platform.objects.clear()
    tables, warnings = delivered(platform, tmp_path)
    assert rows(corrected(tables), "user_id") == [(ADA,)]
    (warning,) = warnings
    assert warning.startswith(
        "The list subscription can't be read: the client lacks the scope webhooks:read, or the platform "
        "has no"
    )
