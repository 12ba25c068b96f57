"""What the closing table of a night counts: what people act on, and completion dates that were restated."""

import polars as pl
import pytest

from transforms.changes import transitions


@pytest.mark.parametrize(
    ("field", "old", "new", "counted"),
    [
        ("detailed_status", "onTime", "late", "became late"),
        ("status", "onTime", "late", None),
        ("detailed_status", "late", "successful", "completed"),
        ("detailed_status", "onTime", "toRetake", "to retake"),
        ("detailed_status", "notYetStarted", "toRetake, mandatoryReplay", "to retake"),
        ("detailed_status", "toRetake, mandatoryReplay", "toRetake", None),
        ("detailed_status", "late", "unsuccessful, sessionEnded", "unsuccessful"),
        ("detailed_status", "unsuccessful, sessionEnded", "unsuccessful", None),
        ("detailed_status", "unsuccessful", "awaitingCorrection", None),
        ("completed_at", None, "2026-03-05T00:00:00.000000Z", None),
        (
            "completed_at",
            "2026-03-05T00:00:00.000000Z",
            "2026-03-04T00:00:00.000000Z",
            "completion date moved",
        ),
        ("completed_at", "2026-03-05T00:00:00.000000Z", None, "completion date vanished"),
        ("archived_at", "2026-03-05T00:00:00.000000Z", None, None),
        ("appeared", None, "enrolled", None),
        ("gone", "enrolled", None, None),
    ],
)
def test_one_change(field: str, old: str | None, new: str | None, counted: str | None) -> None:
    schema = dict.fromkeys(("field", "old_value", "new_value"), pl.String)
    counts = transitions(pl.DataFrame([(field, old, new)] * 2, schema=schema, orient="row"))
    assert {kind: count for kind, count in counts.items() if count} == ({counted: 2} if counted else {})
