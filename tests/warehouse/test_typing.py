"""Values and their types: what a column takes in text, in JSON and in parquet, and what it rejects."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.database.connection import Connection
from flows.files.file_scan import present_keys, scan
from flows.staging.contract_sql import checked_select, columns
from schemas.columns import Table, table_name
from schemas.inputs import Enrollments, Paths, PathSteps, StepActivity, Waivers

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOUND: dict[type[Table], dict[str, Any]] = {
    Paths: {"company_id": "acme", "path_id": "P", "name": "a path", "mandatory_replay": False},
    PathSteps: {
        "company_id": "acme",
        "path_id": "P",
        "step_id": "A",
        "position": 0,
        "type": "course",
        "optional": False,
        "due_unit": "day",
        "due_value": 7.0,
    },
    Enrollments: {
        "company_id": "acme",
        "enrollment_id": "e1",
        "session_id": "S",
        "user_id": "u1",
        "enrolled_at": NOON,
    },
    StepActivity: {
        "company_id": "acme",
        "activity_id": "a1",
        "user_id": "u1",
        "step_id": "A",
        "started_at": NOON,
        "last_activity_at": NOON,
        "progress": 100,
        "time_spent_ms": 0,
    },
    Waivers: {
        "company_id": "acme",
        "path_id": "P",
        "step_id": "A",
        "threshold": 50,
        "waived_step_id": "B",
    },
}


def kept(model: type[Table], column: str, file: Path) -> object:
    """The column's value in the checked one row of the file, or the reason why the row is rejected."""
    with Connection() as connection:
        wanted = list(model.to_schema().columns)
        found = scan(connection, file, wanted)
        present = present_keys(connection, found, wanted)
        checked = columns(model, {name: kind for name, kind in found.types.items() if name in present})
        rows = checked_select(model, found, checked)
        value, rejection = connection.rows(f"SELECT {column}, rejection FROM ({rows})")[0]
    if rejection is None:
        return value
    problem, row = rejection["problem"], rejection["row"]
    reason, _, detail = problem.partition(":")
    assert detail.startswith(column)
    assert set(json.loads(row)) >= {column}
    return reason


def in_csv(folder: Path, model: type[Table], column: str, text: str) -> object:
    row = {**SOUND[model], column: text}
    cells = (value.isoformat() if isinstance(value, datetime) else str(value) for value in row.values())
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    file = folder / f"{table_name(model)}.csv"
    file.write_text(f"{','.join(row)}\n{quoted}\n", "utf-8")
    return kept(model, column, file)


def in_json(folder: Path, model: type[Table], column: str, value: object) -> object:
    file = folder / f"{table_name(model)}.ndjson"
    row = {**SOUND[model], column: value}
    file.write_text(json.dumps(row, default=datetime.isoformat) + "\n", "utf-8")
    return kept(model, column, file)


def in_parquet(folder: Path, model: type[Table], column: str, value: pl.Series) -> object:
    file = folder / f"{table_name(model)}.parquet"
    frame = pl.DataFrame([SOUND[model]])
    frame.with_columns(value.alias(column)).write_parquet(file)
    return kept(model, column, file)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


TIMES: list[tuple[str, object]] = [
    ("2026-03-01T12:00:00Z", NOON),
    ("2026-03-01 12:00:00Z", NOON),
    ("2026-03-01T14:00:00+02:00", NOON),
    ("2026-03-01T14:00:00+0200", NOON),
    ("2026-03-01T14:00:00+02", NOON),
    ("2026-03-01T06:30:00-05:30", NOON),
    ("2026-03-01T12:00Z", NOON),
    ("2026-03-01T14:00+02:00", NOON),
    ("2026-03-01T12:00:00.5Z", at("2026-03-01T12:00:00.500Z")),
    ("2026-03-01T12:00:00,5Z", at("2026-03-01T12:00:00.500Z")),
    ("2026-03-01T12:00:00.123456Z", at("2026-03-01T12:00:00.123456Z")),
    ("2026-03-01T12:00:00.123456789Z", at("2026-03-01T12:00:00.123456Z")),
    ("2026-03-01 12:00:00 UTC", NOON),  # BigQuery, and our own `query`
    ("2026-03-01 12:00:00.5 UTC", at("2026-03-01T12:00:00.500Z")),
    ("2026-03-01 12:00 UTC", NOON),
    ("2026-03-01 14:00:00.000 +0200", NOON),  # Snowflake
    ("2026-03-01t12:00:00z", NOON),  # RFC 3339
    ("20260301T120000Z", NOON),  # the basic form of ISO 8601
    ("20260301T140000,5+0200", at("2026-03-01T12:00:00.500Z")),
    ("2024-02-29T00:00:00Z", at("2024-02-29T00:00:00Z")),
    ("0001-01-01T00:00:00Z", at("0001-01-01T00:00:00Z")),
    ("9999-12-31T23:59:59Z", at("9999-12-31T23:59:59Z")),
    ("2026-03-01T12:00:00", "naive_time"),
    ("2026-03-01T12:00", "naive_time"),
    ("2026-03-01", "naive_time"),
    ("0000-01-01T00:00:00Z", "out_of_range"),
    ("10000-01-01T00:00:00Z", "bad_type"),
    ("2026-02-29T00:00:00Z", "bad_type"),
    ("2026-13-01T00:00:00Z", "bad_type"),
    ("2026-03-01T12:00:61Z", "bad_type"),
    ("2026-03-01T25:00:00Z", "bad_type"),
    ("2026-03-01T12:00:00+25:00", "bad_type"),
    ("2026-03-01T12:00:00 Europe/Paris", "bad_type"),
    ("2026-03-01 12:00:00 CET", "bad_type"),
    ("2026-03-01 12:00:00UTC", "bad_type"),
    ("2026-03-01 12:00:00  UTC", "bad_type"),
    (" 2026-03-01T12:00:00Z", "bad_type"),
    ("20260301T120000", "bad_type"),
    ("20260301120000Z", "bad_type"),
    ("2026-03-01T13:00:00+01:00[Europe/Paris]", "bad_type"),
    ("Sun, 1 Mar 2026 12:00:00 GMT", "bad_type"),
    ("46082.5", "bad_type"),
    ("2026-03-01Z", "bad_type"),
    ("01/03/2026", "bad_type"),
    ("1772366400", "bad_type"),
    ("now", "bad_type"),
    ("epoch", "bad_type"),
    ("infinity", "bad_type"),
    ("", "missing_value"),
]


@pytest.mark.parametrize(("text", "expected"), TIMES)
def test_times_in_text(tmp_path: Path, text: str, expected: object) -> None:
    assert in_csv(tmp_path, Enrollments, "enrolled_at", text) == expected
    assert in_json(tmp_path, Enrollments, "enrolled_at", text) == expected


def test_a_leap_second_is_the_next_instant_or_rejected_never_lost(tmp_path: Path) -> None:
    found = in_csv(tmp_path, Enrollments, "enrolled_at", "2016-12-31T23:59:60Z")
    assert found in (at("2017-01-01T00:00:00Z"), "bad_type")


WHOLE_NUMBERS: list[tuple[str, object]] = [
    ("80", 80),
    ("80.0", 80),
    ("080", 80),
    ("+80", 80),
    ("80.5", "bad_type"),
    ("8e1", "bad_type"),
    ("80 %", "bad_type"),
    ("0x50", "bad_type"),
    ("eighty", "bad_type"),
    ("nan", "bad_type"),
    ("101", "out_of_range"),
    ("-1", "out_of_range"),
    ("99999999999999999999999", "out_of_range"),
    ("", "missing_value"),
]


@pytest.mark.parametrize(("text", "expected"), WHOLE_NUMBERS)
def test_whole_numbers_in_text(tmp_path: Path, text: str, expected: object) -> None:
    assert in_csv(tmp_path, Waivers, "threshold", text) == expected
    assert in_json(tmp_path, Waivers, "threshold", text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (80, 80),
        (80.0, 80),
        (80.5, "bad_type"),
        (None, "missing_value"),
        (True, "bad_type"),
        ([80], "bad_type"),
        ({"value": 80}, "bad_type"),
        (2**70, "out_of_range"),
    ],
)
def test_whole_numbers_in_json(tmp_path: Path, value: object, expected: object) -> None:
    assert in_json(tmp_path, Waivers, "threshold", value) == expected


# Never easier to pass: a score is rounded down to 4 decimals, a min_score up; out of range is not rounded.
DECIMALS: list[tuple[str, object, object]] = [
    ("85.5", 85.5, 85.5),
    ("85.50000", 85.5, 85.5),
    ("079.9999", 79.9999, 79.9999),
    ("+80.", 80.0, 80.0),
    (".5", 0.5, 0.5),
    ("8.55e1", 85.5, 85.5),
    ("-0", 0.0, 0.0),
    # As a double, times 10,000, this is 2899.9999999999995.
    ("0.29", 0.29, 0.29),
    ("79.99995", 79.9999, 80.0),
    ("79.99999999999999", 79.9999, 80.0),
    ("79.00000000000001", 79.0, 79.0001),
    ("1e-7", 0.0, 0.0001),
    ("100.0000", 100.0, 100.0),
    ("100.00001", "out_of_range", "out_of_range"),
    ("-0.00001", "out_of_range", "out_of_range"),
    ("115", "out_of_range", "out_of_range"),
    ("99999999999999999999999", "out_of_range", "out_of_range"),
    ("85,5", "bad_type", "bad_type"),
    ("85.5 %", "bad_type", "bad_type"),
    ("85.5.5", "bad_type", "bad_type"),
    ("nan", "bad_type", "bad_type"),
    ("inf", "bad_type", "bad_type"),
    ("", None, None),
]


@pytest.mark.parametrize(("text", "score", "min_score"), DECIMALS)
def test_scores_keep_4_decimals_in_text(tmp_path: Path, text: str, score: object, min_score: object) -> None:
    assert in_csv(tmp_path, StepActivity, "score", text) == score
    assert in_json(tmp_path, StepActivity, "score", text) == score
    assert in_csv(tmp_path, PathSteps, "min_score", text) == min_score
    assert in_json(tmp_path, PathSteps, "min_score", text) == min_score


@pytest.mark.parametrize(
    ("text", "score", "min_score"),
    [("79.99999999999999999999", 79.9999, 80.0), ("80.00000000000000000001", 80.0, 80.0001)],
)
def test_scores_with_more_digits_than_a_double_has(
    tmp_path: Path, text: str, score: float, min_score: float
) -> None:
    exact = pl.Series([Decimal(text)], dtype=pl.Decimal(38, 20))
    assert in_csv(tmp_path, StepActivity, "score", text) == score
    assert in_csv(tmp_path, PathSteps, "min_score", text) == min_score
    assert in_parquet(tmp_path, StepActivity, "score", exact) == score
    assert in_parquet(tmp_path, PathSteps, "min_score", exact) == min_score


@pytest.mark.parametrize("number", range(0, 1_000_001, 89_999))
def test_4_decimals_are_exact_in_every_format(tmp_path: Path, number: int) -> None:
    value = Decimal(number).scaleb(-4)
    for model, column in ((StepActivity, "score"), (PathSteps, "min_score")):
        assert in_csv(tmp_path, model, column, str(value)) == float(value)
        assert in_json(tmp_path, model, column, float(value)) == float(value)
        for series in (pl.Series([value]), pl.Series([float(value)])):
            assert in_parquet(tmp_path, model, column, series) == float(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("33", 33),
        ("33.3", 33),
        ("99.99999999999999999999", 99),
        ("100.0", 100),
        ("100.4", "out_of_range"),
        ("-0.4", "out_of_range"),
        ("7.55e1", 75),
        ("half", "bad_type"),
        ("", "missing_value"),
    ],
)
def test_progress_is_rounded_down(tmp_path: Path, text: str, expected: object) -> None:
    assert in_csv(tmp_path, StepActivity, "progress", text) == expected
    if len(text) < 20:
        assert in_json(tmp_path, StepActivity, "progress", text) == expected
    if isinstance(expected, int):
        assert in_parquet(tmp_path, StepActivity, "progress", pl.Series([Decimal(text)])) == expected
        assert in_json(tmp_path, StepActivity, "progress", float(text[:10])) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e1", 10.0),
        ("0", "out_of_range"),
        ("-1", "out_of_range"),
        ("1e999", "out_of_range"),
        ("nan", "bad_type"),
        ("inf", "bad_type"),
        ("1,5", "bad_type"),
        ("1_000", "bad_type"),
    ],
)
def test_numbers_in_text(tmp_path: Path, text: str, expected: object) -> None:
    assert in_csv(tmp_path, PathSteps, "due_value", text) == expected
    assert in_json(tmp_path, PathSteps, "due_value", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("1", "bad_type"),
        ("0", "bad_type"),
        ("yes", "bad_type"),
        ("t", "bad_type"),
        ("", "missing_value"),
    ],
)
def test_booleans_in_text(tmp_path: Path, text: str, expected: object) -> None:
    assert in_csv(tmp_path, Paths, "mandatory_replay", text) == expected
    assert in_json(tmp_path, Paths, "mandatory_replay", text) == expected


@pytest.mark.parametrize(("value", "expected"), [(True, True), (1, "bad_type"), ({}, "bad_type")])
def test_booleans_in_json(tmp_path: Path, value: object, expected: object) -> None:
    assert in_json(tmp_path, Paths, "mandatory_replay", value) == expected


PARQUET: list[tuple[type[Table], str, pl.Series, object]] = [
    (Enrollments, "user_id", pl.Series([7]), "7"),
    (Enrollments, "user_id", pl.Series([2**64 - 1], dtype=pl.UInt64), str(2**64 - 1)),
    (Enrollments, "user_id", pl.Series(["u1"], dtype=pl.Categorical), "u1"),
    (Enrollments, "user_id", pl.Series(["u1"], dtype=pl.Enum(["u1", "u2"])), "u1"),
    (Enrollments, "user_id", pl.Series([""]), "missing_value"),
    (Enrollments, "user_id", pl.Series([None], dtype=pl.String), "missing_value"),
    (Enrollments, "user_id", pl.Series([None]), "missing_value"),
    (Enrollments, "user_id", pl.Series([1.5]), "bad_type"),
    (Enrollments, "user_id", pl.Series([True]), "bad_type"),
    (Enrollments, "user_id", pl.Series([b"u\xc3\xa9"]), "ué"),
    (Enrollments, "user_id", pl.Series([b"u\xff"]), "bad_type"),
    (Enrollments, "user_id", pl.Series([b""]), "missing_value"),
    (Enrollments, "enrolled_at", pl.Series([b"2026-03-01T12:00:00Z"]), NOON),
    (Enrollments, "user_id", pl.Series([101.0]), "101"),
    (Enrollments, "user_id", pl.Series([2.0**53]), "bad_type"),
    (Enrollments, "user_id", pl.Series([2.0**24], dtype=pl.Float32), "bad_type"),
    (Enrollments, "user_id", pl.Series([float("nan")]), "bad_type"),
    (Enrollments, "user_id", pl.Series([Decimal("12345678901234567890")]), "12345678901234567890"),
    (Enrollments, "user_id", pl.Series([Decimal("101.00")]), "101"),
    (Enrollments, "user_id", pl.Series([Decimal("101.50")]), "bad_type"),
    (Enrollments, "user_id", pl.Series([["u1"]]), "bad_type"),
    (Enrollments, "user_id", pl.Series([{"id": "u1"}]), "bad_type"),
    (Enrollments, "user_id", pl.Series([date(2026, 3, 1)]), "bad_type"),
    (Enrollments, "enrolled_at", pl.Series([NOON]), NOON),
    (Enrollments, "enrolled_at", pl.Series([NOON]).dt.cast_time_unit("ms"), NOON),
    (Enrollments, "enrolled_at", pl.Series([NOON]).dt.cast_time_unit("ns"), NOON),
    (Enrollments, "enrolled_at", pl.Series([NOON]).dt.convert_time_zone("Europe/Paris"), NOON),
    (Enrollments, "enrolled_at", pl.Series(["2026-03-01T12:00:00Z"]), NOON),
    (Enrollments, "enrolled_at", pl.Series([NOON.replace(tzinfo=None)]), "naive_time"),
    (
        Enrollments,
        "enrolled_at",
        pl.Series([NOON.replace(tzinfo=None)]).dt.cast_time_unit("ms"),
        "naive_time",
    ),
    (
        Enrollments,
        "enrolled_at",
        pl.Series([NOON.replace(tzinfo=None)]).dt.cast_time_unit("ns"),
        "naive_time",
    ),
    (Enrollments, "enrolled_at", pl.Series([date(2026, 3, 1)]), "naive_time"),
    (Enrollments, "enrolled_at", pl.Series([1772366400]), "bad_type"),
    (Enrollments, "enrolled_at", pl.Series([[NOON]]), "bad_type"),
    (Enrollments, "enrolled_at", pl.Series([None], dtype=pl.Datetime("us")), "missing_value"),
    (StepActivity, "score", pl.Series([80], dtype=pl.Int8), 80),
    (StepActivity, "score", pl.Series([80], dtype=pl.UInt64), 80),
    (StepActivity, "score", pl.Series([80.0]), 80),
    (StepActivity, "score", pl.Series([80.0], dtype=pl.Float32), 80),
    (StepActivity, "score", pl.Series([80.5]), 80.5),
    (StepActivity, "score", pl.Series([85.7], dtype=pl.Float32), 85.7),
    (PathSteps, "min_score", pl.Series([85.7], dtype=pl.Float32), 85.7),
    (StepActivity, "score", pl.Series([0.1 + 0.2]), 0.3),
    (StepActivity, "score", pl.Series([float("nan")]), "out_of_range"),
    (StepActivity, "score", pl.Series([float("inf")]), "out_of_range"),
    (StepActivity, "score", pl.Series([1e30]), "out_of_range"),
    (StepActivity, "score", pl.Series([2**40]), "out_of_range"),
    (StepActivity, "score", pl.Series([Decimal("80.00")]), 80),
    (StepActivity, "score", pl.Series([Decimal("80.50")]), 80.5),
    (StepActivity, "enrollment_id", pl.Series([7]), "7"),
    (StepActivity, "enrollment_id", pl.Series([""]), None),
    (PathSteps, "title", pl.Series([""]), None),
    (Paths, "name", pl.Series([""]), None),
    (Waivers, "threshold", pl.Series([80.5]), "bad_type"),
    (StepActivity, "score", pl.Series(["80"]), 80),
    (StepActivity, "score", pl.Series([True]), "bad_type"),
    (StepActivity, "score", pl.Series([None]), None),
    (StepActivity, "time_spent_ms", pl.Series([2**53]), "out_of_range"),
    (StepActivity, "time_spent_ms", pl.Series([2**64 - 1], dtype=pl.UInt64), "out_of_range"),
    (PathSteps, "due_value", pl.Series([7]), 7.0),
    (PathSteps, "due_value", pl.Series([Decimal("7.5")]), 7.5),
    (PathSteps, "due_value", pl.Series([float("nan")]), "out_of_range"),
    (PathSteps, "due_value", pl.Series([float("inf")]), "out_of_range"),
    (PathSteps, "type", pl.Series(["course"], dtype=pl.Categorical), "course"),
    (PathSteps, "type", pl.Series(["Course"]), "bad_enum"),
    (Paths, "mandatory_replay", pl.Series([True]), True),
    (Paths, "mandatory_replay", pl.Series(["true"]), True),
    (Paths, "mandatory_replay", pl.Series([1]), "bad_type"),
]


@pytest.mark.parametrize(("model", "column", "value", "expected"), PARQUET)
def test_parquet_types(
    tmp_path: Path, model: type[Table], column: str, value: pl.Series, expected: object
) -> None:
    assert in_parquet(tmp_path, model, column, value) == expected
